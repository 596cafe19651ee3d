#include "client/cpp/subscriber.h"

#include "client/cpp/error.h"
#include "client/cpp/internal/channel.h"
#include "client/cpp/internal/stream.h"

#include "absl/random/random.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

constexpr int kSilentHeartbeats = 3;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

void ToProto(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

// Whether another attempt can succeed where this one did not.
bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return true;
    case absl::StatusCode::kResourceExhausted:  // also a message over the client's own limit
      return ErrorRetryDelay(status).has_value() || ErrorReason(status) == "TOO_MANY_STREAMS";
    default:
      return false;
  }
}

}  // namespace

// The state of a read over all its streams.
class Subscriber::Impl {
 public:
  Impl(SubscriberOptions options, SubscriberHandlers handlers)
      : options_(std::move(options)), handlers_(std::move(handlers)), backoff_(options_.backoff) {}

  absl::Status Run();
  void Stop();
  const std::string& cursor() const { return cursor_; }

 private:
  bool IsComplete(const absl::Status& status) const;
  v1::SubscribeRequest MakeRequest() const;
  // Reads one stream to its end; the status of the call, or of what ended Run (then done_).
  absl::Status RunStream();
  absl::Status ReadAll(internal::Stream& stream);
  absl::Status Handle(const v1::SubscribeResponse& response);
  absl::Status HandleStarted(const v1::Started& started);
  absl::Status HandleBatch(const v1::DeliveryBatch& batch);
  absl::Status HandleEnding(const v1::Ending& ending);
  // Everything before `cursor` was handled.
  absl::Status MoveTo(const std::string& cursor);
  absl::Status End(absl::Status status);
  absl::Duration NextWait(const absl::Status& status);
  void WaitUnlessStopped(absl::Duration wait);
  bool Attach(internal::Stream* stream);
  bool IsStopped();

  const SubscriberOptions options_;
  const SubscriberHandlers handlers_;
  Backoff backoff_;
  absl::BitGen random_;
  std::string cursor_;
  uint64_t handled_ = 0;
  absl::Duration silence_max_;
  std::optional<absl::Duration> stated_wait_;
  bool done_ = false;

  // A std::mutex, because the client shares no code with the bridge.
  std::mutex mutex_;  // guards what follows
  std::condition_variable stop_condition_;
  bool stopped_ = false;
  internal::Stream* stream_ = nullptr;
};

absl::Status Subscriber::Impl::Run() {
  done_ = false;
  handled_ = 0;
  while (!IsStopped()) {
    absl::Status status = RunStream();
    if (done_) return status;
    if (IsStopped()) break;
    if (IsComplete(status)) return absl::OkStatus();
    if (status.ok())
      status = absl::UnavailableError("the bridge ended the stream without a reason");
    if (!IsTransient(status)) return status;
    const absl::Duration wait = NextWait(status);
    if (handlers_.on_disconnect && !handlers_.on_disconnect(status, wait)) return status;
    WaitUnlessStopped(wait);
  }
  return absl::OkStatus();
}

void Subscriber::Impl::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  if (stream_ != nullptr) stream_->Cancel();
  stop_condition_.notify_all();
}

// The bound that the read asked for was reached.
bool Subscriber::Impl::IsComplete(const absl::Status& status) const {
  if (options_.read.has_stop_after_events()) return handled_ >= options_.read.stop_after_events();
  return status.ok() && options_.read.stop_case() != v1::CursorRead::STOP_NOT_SET;
}

v1::SubscribeRequest Subscriber::Impl::MakeRequest() const {
  v1::SubscribeRequest request;
  v1::CursorRead& read = *request.mutable_cursor_read();
  read = options_.read;
  if (!cursor_.empty()) read.set_after_cursor(cursor_);
  if (read.has_stop_after_events()) {
    read.set_stop_after_events(read.stop_after_events() - handled_);
  }
  request.set_client_id(options_.client_id);
  request.set_max_batch_events(options_.max_batch_events);
  request.set_payload_view(options_.view);
  ToProto(options_.heartbeat_interval, request.mutable_heartbeat_interval());
  return request;
}

absl::Status Subscriber::Impl::RunStream() {
  silence_max_ = options_.heartbeat_interval * kSilentHeartbeats;
  stated_wait_.reset();
  // A connection of its own for each stream: one that fell silent or waits after a failure is not
  // used again. A TLS file that cannot be read now may be on its way.
  const auto channel = internal::MakeChannel(options_.connection);
  if (!channel.ok()) return absl::UnavailableError(channel.status().message());
  const auto stub = v1::DeliveryService::NewStub(*channel);
  internal::Stream stream(*stub, MakeRequest());
  if (!Attach(&stream)) return absl::CancelledError("stopped");
  const absl::Status read = ReadAll(stream);
  Attach(nullptr);
  if (!read.ok() || done_) stream.Cancel();
  const absl::Status finished = stream.Finish();
  return read.ok() && !done_ ? finished : read;
}

// OK when the stream ended by itself and its own status counts.
absl::Status Subscriber::Impl::ReadAll(internal::Stream& stream) {
  v1::SubscribeResponse response;
  while (!IsStopped()) {
    switch (stream.Next(&response, silence_max_)) {
      case internal::Stream::Result::kEnd:
        return absl::OkStatus();
      case internal::Stream::Result::kSilent:
        return absl::UnavailableError("no sign of life from the bridge for " +
                                      absl::FormatDuration(silence_max_));
      case internal::Stream::Result::kMessage:
        break;
    }
    absl::Status status = Handle(response);
    if (!status.ok() || done_) return status;
  }
  return absl::CancelledError("stopped");
}

absl::Status Subscriber::Impl::Handle(const v1::SubscribeResponse& response) {
  if (!response.has_started()) backoff_.Reset();
  switch (response.message_case()) {
    case v1::SubscribeResponse::kStarted:
      return HandleStarted(response.started());
    case v1::SubscribeResponse::kBatch:
      return HandleBatch(response.batch());
    case v1::SubscribeResponse::kHeartbeat:
      if (handlers_.on_heartbeat) handlers_.on_heartbeat(response.heartbeat());
      return MoveTo(response.heartbeat().cursor());
    case v1::SubscribeResponse::kGap:
      if (handlers_.on_gap) handlers_.on_gap(response.gap());
      return MoveTo(response.gap().to_cursor());
    case v1::SubscribeResponse::kCaughtUp:
      if (handlers_.on_caught_up) handlers_.on_caught_up(response.caught_up());
      return MoveTo(response.caught_up().cursor());
    case v1::SubscribeResponse::kEnding:
      return HandleEnding(response.ending());
    case v1::SubscribeResponse::MESSAGE_NOT_SET:  // a kind that a newer bridge knows
      break;
  }
  return absl::OkStatus();
}

absl::Status Subscriber::Impl::HandleStarted(const v1::Started& started) {
  if (started.has_heartbeat_interval()) {
    silence_max_ = FromProto(started.heartbeat_interval()) * kSilentHeartbeats;
  }
  if (cursor_.empty()) cursor_ = started.cursor();
  if (handlers_.on_started) handlers_.on_started(started);
  return absl::OkStatus();
}

absl::Status Subscriber::Impl::HandleBatch(const v1::DeliveryBatch& batch) {
  std::string last;
  Verdict verdict = Verdict::kContinue;
  for (const v1::Delivery& delivery : batch.deliveries()) {
    if (IsStopped()) break;
    verdict = handlers_.on_event(delivery);
    if (verdict == Verdict::kFail) break;
    last = delivery.cursor();
    ++handled_;
    if (verdict == Verdict::kStop) break;
  }
  const absl::Status moved = MoveTo(last);
  if (!moved.ok()) return moved;
  if (verdict == Verdict::kFail) return End(absl::AbortedError("the handler refused an event"));
  return verdict == Verdict::kStop ? End(absl::OkStatus()) : absl::OkStatus();
}

absl::Status Subscriber::Impl::HandleEnding(const v1::Ending& ending) {
  if (ending.has_reconnect_delay()) stated_wait_ = FromProto(ending.reconnect_delay());
  return MoveTo(ending.cursor());
}

absl::Status Subscriber::Impl::MoveTo(const std::string& cursor) {
  if (cursor.empty() || cursor == cursor_) return absl::OkStatus();
  cursor_ = cursor;
  if (!handlers_.save_cursor) return absl::OkStatus();
  const absl::Status saved = handlers_.save_cursor(cursor_);
  return saved.ok() ? saved : End(saved);
}

absl::Status Subscriber::Impl::End(absl::Status status) {
  done_ = true;
  return status;
}

// What the bridge stated, else the backoff's.
absl::Duration Subscriber::Impl::NextWait(const absl::Status& status) {
  const absl::Duration wait = backoff_.Next(absl::Uniform(random_, 0.0, 1.0));
  if (stated_wait_.has_value()) return std::min(*stated_wait_, options_.backoff.max);
  if (const auto delay = ErrorRetryDelay(status)) return std::min(*delay, options_.backoff.max);
  return wait;
}

void Subscriber::Impl::WaitUnlessStopped(absl::Duration wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  stop_condition_.wait_for(lock, absl::ToChronoMicroseconds(wait), [this] { return stopped_; });
}

// False when Stop was called before the stream could be seen by it.
bool Subscriber::Impl::Attach(internal::Stream* stream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stream_ = stopped_ ? nullptr : stream;
  return !stopped_;
}

bool Subscriber::Impl::IsStopped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

absl::StatusOr<std::unique_ptr<Subscriber>> Subscriber::Create(SubscriberOptions options,
                                                               SubscriberHandlers handlers) {
  if (!handlers.on_event) return absl::InvalidArgumentError("on_event is not set");
  if (const auto channel = internal::MakeChannel(options.connection); !channel.ok()) {
    return channel.status();
  }
  return std::unique_ptr<Subscriber>(
      new Subscriber(std::make_unique<Impl>(std::move(options), std::move(handlers))));
}

Subscriber::Subscriber(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscriber::~Subscriber() = default;
absl::Status Subscriber::Run() { return impl_->Run(); }
void Subscriber::Stop() { impl_->Stop(); }
const std::string& Subscriber::cursor() const { return impl_->cursor(); }

}  // namespace hookbridge
