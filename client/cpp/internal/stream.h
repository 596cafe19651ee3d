#pragma once

#include "hookbridge/v1/delivery_service.grpc.pb.h"
#include "hookbridge/v1/delivery_service.pb.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <memory>

namespace hookbridge::internal {

// One Subscribe call, read one message at a time by the thread that made it. Created by Subscriber
// for each attempt. Reads on only when asked, so what the bridge may send is bounded by the
// transport's window and never queues here.
// Ownership: the stub outlives it. Threads: thread-compatible, but Cancel is thread-safe. Blocks:
// Next up to its patience, Finish until the call has ended.
class Stream {
 public:
  enum class Result { kMessage, kEnd, kSilent };

  Stream(v1::DeliveryService::Stub& stub, const v1::SubscribeRequest& request);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // kMessage: `response` holds the next one. kEnd: there is no more. kSilent: none came within
  // `patience`; the call is cancelled. After the last two only Finish is left.
  Result Next(v1::SubscribeResponse* response, absl::Duration patience);

  // Ends the call, if it has not ended, and returns its status.
  absl::Status Finish();

  void Cancel() { context_.TryCancel(); }

 private:
  enum class Wait { kDone, kFailed, kTimeout };
  Wait WaitFor(absl::Duration patience);

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::SubscribeResponse>> reader_;
  bool started_ = false;
  bool pending_ = true;  // an operation is under way
  bool finished_ = false;
};

}  // namespace hookbridge::internal
