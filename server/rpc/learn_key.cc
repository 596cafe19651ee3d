#include "server/rpc/learn_key.h"

#include "server/base/limits.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/rpc/errors.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

using admin::v1::LearnKeyResponse;

RichError Error(absl::StatusCode code, std::string reason, std::string message) {
  RichError error;
  error.code = code;
  error.reason = std::move(reason);
  error.message = std::move(message);
  return error;
}

RichError Check(const SourceCatalog& catalog, const std::string& source,
                std::chrono::system_clock::time_point deadline) {
  // gRPC rounds a deadline up on its way, and sends one that is a few percent longer where it has
  // written that before.
  const auto most = absl::ToChronoSeconds(limits::kLearnKeyWaitMax * 21 / 20);
  if (deadline > std::chrono::system_clock::now() + most) {
    return Error(absl::StatusCode::kInvalidArgument, "DEADLINE_MISSING",
                 "the call's deadline ends the wait; give it one of at most an hour");
  }
  const bool known = std::any_of(catalog.sources.begin(), catalog.sources.end(),
                                 [&](const auto& entry) { return entry.name == source; });
  if (!known) {
    return Error(absl::StatusCode::kNotFound, "SOURCE_NOT_FOUND", "no such source is configured");
  }
  if (catalog.key_offers == nullptr || !catalog.learns_key(source)) {
    return Error(absl::StatusCode::kFailedPrecondition, "KEY_NOT_LEARNABLE",
                 "the source has no learned_key");
  }
  return {};
}

RichError OfWait(const absl::Status& status) {
  if (absl::IsAlreadyExists(status)) {
    return Error(absl::StatusCode::kAlreadyExists, "KEY_AWAITED", std::string(status.message()));
  }
  return Error(absl::StatusCode::kUnavailable, "DRAINING", "the bridge stops");
}

// Every change of its state is followed, in the same locked step, by the choice of what gRPC is
// asked for next, so that the last thing a thread does here is one call of gRPC or none.
class LearnKeyCall final : public grpc::ServerWriteReactor<LearnKeyResponse> {
 public:
  LearnKeyCall(grpc::CallbackServerContext& context, const SourceCatalog& catalog, Worker& worker,
               std::string source)
      : catalog_(catalog), worker_(worker), source_(std::move(source)) {
    if (const RichError error = Check(catalog_, source_, context.deadline()); !error.ok()) {
      Finish(ToGrpcStatus(error));
      return;
    }
    {
      MutexLock lock(mutex_);
      writing_ = true;  // what the key brings comes after the first message
    }
    const auto wait = catalog_.key_offers->Await(
        source_, [this](std::optional<OfferedKey> key) { OnKey(std::move(key)); });
    if (!wait.ok()) {
      Finish(ToGrpcStatus(OfWait(wait.status())));
      return;
    }
    wait_ = *wait;
    response_.mutable_awaiting();
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    Step([&] {
      writing_ = false;
      if (!ok) next_.reset();
    });
  }

  void OnCancel() override {
    cancelled_.store(true, std::memory_order_relaxed);
    if (wait_ == 0) return;  // it has ended already
    // Where the key is there already, its end is this call's.
    if (catalog_.key_offers->Withdraw(source_, wait_)) {
      Step([&] { status_ = grpc::Status::CANCELLED; });
    }
  }

  void OnDone() override { delete this; }

 private:
  void OnKey(std::optional<OfferedKey> key) {
    if (!key) {
      return Step([&] { status_ = ToGrpcStatus(OfWait(absl::UnavailableError(""))); });
    }
    key_ = *std::move(key);
    if (worker_.Do([this] { Keep(); })) return;
    key_.answer(absl::ResourceExhaustedError("too many calls wait for the disk"));
    Step([&] { status_ = ToGrpcStatus(TooManyCalls()); });
  }

  // On the worker's thread. The provider is answered first: it does not wait for a client to read.
  void Keep() {
    if (cancelled_.load(std::memory_order_relaxed)) {
      key_.answer(absl::CancelledError("nobody waits for the key any more"));
      return Step([&] { status_ = grpc::Status::CANCELLED; });
    }
    const auto file = catalog_.keep_key(source_, key_.secret);
    key_.answer(file.status());
    if (!file.ok()) {
      return Step([&] {
        status_ = ToGrpcStatus(Error(absl::StatusCode::kInternal, "KEY_NOT_KEPT",
                                     StrCat("the provider sent a key, and it is not kept: ",
                                            ToStd(file.status().message()))));
      });
    }
    LearnKeyResponse learned;
    learned.mutable_learned()->set_secret(key_.secret);
    learned.mutable_learned()->set_file(*file);
    Step([&] {
      next_ = std::move(learned);
      status_ = grpc::Status::OK;
    });
  }

  template <typename Change>
  void Step(Change change) ABSL_LOCKS_EXCLUDED(mutex_) {
    bool write = false;
    std::optional<grpc::Status> end;
    {
      MutexLock lock(mutex_);
      change();
      if (writing_) return;
      if (next_) {
        response_ = *std::move(next_);
        next_.reset();
        writing_ = write = true;
      } else if (status_ && !std::exchange(finished_, true)) {
        end = status_;
      }
    }
    if (write) {
      StartWrite(&response_);
    } else if (end) {
      Finish(*std::move(end));
    }
  }

  const SourceCatalog& catalog_;
  Worker& worker_;
  const std::string source_;
  uint64_t wait_ = 0;
  OfferedKey key_;
  std::atomic<bool> cancelled_{false};
  LearnKeyResponse response_;
  Mutex mutex_;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<LearnKeyResponse> next_;
  std::optional<grpc::Status> status_;
};

}  // namespace

grpc::ServerWriteReactor<LearnKeyResponse>* MakeLearnKey(
    grpc::CallbackServerContext& context, const SourceCatalog& catalog, Worker& worker,
    const admin::v1::LearnKeyRequest& request) {
  return new LearnKeyCall(context, catalog, worker, request.source());
}

}  // namespace hookbridge
