#include "client/cpp/internal/stream.h"

#include "client/cpp/internal/channel.h"

#include <grpcpp/support/async_stream.h>

namespace hookbridge::internal {

Stream::Stream(v1::DeliveryService::Stub& stub, const v1::SubscribeRequest& request)
    : reader_(stub.PrepareAsyncSubscribe(&context_, request, &queue_)) {
  reader_->StartCall(this);
}

Stream::~Stream() {
  if (!finished_) {
    Cancel();
    Finish().IgnoreError();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

Stream::Result Stream::Next(v1::SubscribeResponse* response, absl::Duration patience) {
  Wait wait = Wait::kDone;
  if (!started_) {
    wait = WaitFor(patience);
    started_ = wait == Wait::kDone;
  }
  if (wait == Wait::kDone) {
    pending_ = true;
    reader_->Read(response, this);
    wait = WaitFor(patience);
  }
  if (wait == Wait::kDone) return Result::kMessage;
  if (wait == Wait::kFailed) return Result::kEnd;
  Cancel();
  WaitFor(absl::InfiniteDuration());  // the cancelled operation still writes to *response
  return Result::kSilent;
}

absl::Status Stream::Finish() {
  if (pending_) WaitFor(absl::InfiniteDuration());
  grpc::Status status;
  pending_ = true;
  reader_->Finish(&status, this);
  WaitFor(absl::InfiniteDuration());
  finished_ = true;
  return ToStatus(status);
}

Stream::Wait Stream::WaitFor(absl::Duration patience) {
  void* tag = nullptr;
  bool ok = false;
  const auto deadline =
      patience == absl::InfiniteDuration()
          ? std::chrono::system_clock::time_point::max()
          : std::chrono::system_clock::now() + absl::ToChronoMicroseconds(patience);
  if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
    return Wait::kTimeout;
  }
  pending_ = false;
  return ok ? Wait::kDone : Wait::kFailed;
}

}  // namespace hookbridge::internal
