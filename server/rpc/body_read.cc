#include "server/rpc/body_read.h"

#include "server/base/mutex.h"
#include "server/rpc/admin_reads.h"
#include "server/rpc/errors.h"

#include <grpcpp/grpcpp.h>

#include <utility>

namespace hookbridge {
namespace {

using SteadyClock = std::chrono::steady_clock;

RichError TooManyReads() {
  RichError error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = "TOO_MANY_STREAMS";
  error.message = "too many bodies are being read";
  error.retry_delay = absl::Seconds(1);
  return error;
}

// Every read of a chunk follows the write before; so one of the two is under way, or the end.
class BodyRead final : public grpc::ServerWriteReactor<admin::v1::ReadEventBodyResponse>,
                       public BodyPlace {
 public:
  BodyRead(grpc::CallbackServerContext& context, const EventLog& log, Worker& worker,
           BodyPlaces& places, const admin::v1::ReadEventBodyRequest& request)
      : context_(context),
        log_(log),
        worker_(worker),
        places_(places),
        id_(request.id()),
        at_(request.offset_bytes()) {
    BodyPlace* gave_way = nullptr;
    if (!places_.Enter(*this, SteadyClock::now(), &gave_way)) {
      End(ToGrpcStatus(TooManyReads()));
      return;
    }
    if (gave_way != nullptr) static_cast<BodyRead*>(gave_way)->GiveUp();
    ReadNext();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_since_.reset();
    }
    if (!ok) return End(grpc::Status::CANCELLED);
    if (at_ >= response_.total_bytes()) return End(grpc::Status::OK);
    ReadNext();
  }
  void OnDone() override {
    places_.Leave(*this);
    delete this;
  }

  std::optional<SteadyClock::time_point> WritingSince() const override {
    MutexLock lock(mutex_);
    return writing_since_;
  }
  bool Pin() override {
    MutexLock lock(mutex_);
    pinned_ = !ended_;
    return pinned_;
  }

 private:
  void ReadNext() {
    const bool queued = worker_.Do([this] {
      response_.Clear();
      const RichError error = ReadBodyChunk(log_, id_, at_, &response_);
      if (!error.ok()) return End(ToGrpcStatus(error));
      at_ += response_.chunk().size();
      {
        MutexLock lock(mutex_);
        writing_since_ = SteadyClock::now();
      }
      StartWrite(&response_);
    });
    if (!queued) End(ToGrpcStatus(TooManyCalls()));
  }

  // It is pinned, so that neither it nor its context goes while the cancel is under way.
  void GiveUp() {
    context_.TryCancel();
    std::optional<grpc::Status> status;
    {
      MutexLock lock(mutex_);
      pinned_ = false;
      status = std::exchange(status_when_unpinned_, std::nullopt);
    }
    if (status) Finish(*std::move(status));
  }

  void End(grpc::Status status) {
    {
      MutexLock lock(mutex_);
      ended_ = true;
      if (pinned_) {
        status_when_unpinned_ = std::move(status);
        return;
      }
    }
    Finish(std::move(status));
  }

  grpc::CallbackServerContext& context_;
  const EventLog& log_;
  Worker& worker_;
  BodyPlaces& places_;
  const std::string id_;
  uint64_t at_;
  admin::v1::ReadEventBodyResponse response_;
  mutable Mutex mutex_;
  std::optional<SteadyClock::time_point> writing_since_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool pinned_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> status_when_unpinned_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerWriteReactor<admin::v1::ReadEventBodyResponse>* MakeBodyRead(
    grpc::CallbackServerContext& context, const EventLog& log, Worker& worker, BodyPlaces& places,
    const admin::v1::ReadEventBodyRequest& request) {
  return new BodyRead(context, log, worker, places, request);
}

}  // namespace hookbridge
