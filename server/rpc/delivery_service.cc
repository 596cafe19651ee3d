#include "server/rpc/delivery_service.h"

#include "server/base/encoding.h"
#include "server/rpc/errors.h"

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

using v1::DeliveryService;

constexpr char kNeedsDurable[] =
    "durable subscriptions are not in this build; use Subscribe with cursor_read";

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

// The slice keeps the event until gRPC is done with its bytes.
grpc::Slice ToSlice(Piece piece) {
  if (piece.event == nullptr) return grpc::Slice(piece.owned);
  auto* const keep = new StoredEventPtr(std::move(piece.event));
  return grpc::Slice(
      const_cast<char*>(piece.shared.data()), piece.shared.size(),
      [](void* event) { delete static_cast<StoredEventPtr*>(event); }, keep);
}

// Spreads the ends of streams that began together.
absl::Duration WithJitter(absl::Duration age) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return age * std::uniform_real_distribution<double>(0.9, 1.1)(random);
}

std::string NewStreamId() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 12; ++i) bytes.push_back(static_cast<char>(random()));
  return Base64UrlEncode(bytes);
}

// One stream: a sink for the hub, a reactor for gRPC. Deletes itself in OnDone, which comes after
// Finish and every write.
class SubscribeReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public StreamSink {
 public:
  SubscribeReactor(grpc::CallbackServerContext& context, StreamHub& hub, const EventLog& log,
                   const DeliveryServiceOptions& options, absl::Duration now,
                   const grpc::ByteBuffer& bytes)
      : context_(context), hub_(hub) {
    const RichError error = Join(log, options, now, bytes);
    if (!error.ok()) FinishWith(error);
  }

  // StreamSink, on the hub's thread, which can be before the constructor's end.
  void Write(std::vector<Piece> message) override {
    std::vector<grpc::Slice> slices;
    slices.reserve(message.size());
    for (Piece& piece : message) slices.push_back(ToSlice(std::move(piece)));
    buffer_ = grpc::ByteBuffer(slices.data(), slices.size());
    StartWrite(&buffer_);
  }
  void Finish(const RichError& status) override { FinishWith(status); }
  // OnCancel and OnWriteDone come on gRPC's threads.
  void GiveUp() override { context_.TryCancel(); }

  // grpc::ServerWriteReactor, on gRPC's threads.
  void OnWriteDone(bool ok) override { hub_.WriteDone(Key(), ok); }
  void OnCancel() override { hub_.Cancel(Key()); }
  void OnDone() override { delete this; }

 private:
  RichError Join(const EventLog& log, const DeliveryServiceOptions& options, absl::Duration now,
                 const grpc::ByteBuffer& bytes) {
    v1::SubscribeRequest request;
    if (!request.ParseFromString(ToText(bytes))) {
      return InvalidField("request", "is not a SubscribeRequest");
    }
    if (request.target_case() == v1::SubscribeRequest::kSubscription) {
      return NotImplemented(kNeedsDurable);
    }
    if (request.target_case() == v1::SubscribeRequest::TARGET_NOT_SET) {
      return InvalidField("target", "needs cursor_read (or a subscription)");
    }
    CursorReadOptions read_options{.stream_id = NewStreamId(),
                                   .server_instance = options.server_instance,
                                   .end_of_life = now + WithJitter(options.stream_max_age)};
    std::optional<CursorRead> read;
    RichError error = CursorRead::Create(request, std::move(read_options), log, &read);
    if (!error.ok()) return error;
    StreamKey key = 0;
    error = hub_.Add(*this, *std::move(read), &key);
    if (error.ok()) key_.store(key, std::memory_order_release);
    return error;
  }
  // gRPC's reactions come after the constructor's end: it starts them when it has the reactor.
  StreamKey Key() const { return key_.load(std::memory_order_acquire); }
  void FinishWith(const RichError& error) {
    grpc::ServerWriteReactor<grpc::ByteBuffer>::Finish(ToGrpcStatus(error));
  }

  grpc::CallbackServerContext& context_;
  StreamHub& hub_;
  std::atomic<StreamKey> key_{0};
  grpc::ByteBuffer buffer_;
};

class Service final
    : public DeliveryService::WithRawCallbackMethod_Subscribe<
          DeliveryService::WithCallbackMethod_Acknowledge<
              DeliveryService::WithCallbackMethod_Reject<
                  DeliveryService::WithCallbackMethod_ExtendLease<DeliveryService::Service>>>> {
 public:
  Service(DeliveryServiceOptions options, const EventLog& log, StreamHub& hub, const Clock& clock)
      : options_(std::move(options)), log_(log), hub_(hub), clock_(clock) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override {
    return new SubscribeReactor(*context, hub_, log_, options_, clock_.Steady(), *request);
  }
  grpc::ServerUnaryReactor* Acknowledge(grpc::CallbackServerContext* context,
                                        const v1::AcknowledgeRequest*,
                                        v1::AcknowledgeResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* Reject(grpc::CallbackServerContext* context, const v1::RejectRequest*,
                                   v1::RejectResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* ExtendLease(grpc::CallbackServerContext* context,
                                        const v1::ExtendLeaseRequest*,
                                        v1::ExtendLeaseResponse*) override {
    return Unimplemented(context);
  }

 private:
  static grpc::ServerUnaryReactor* Unimplemented(grpc::CallbackServerContext* context) {
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(NotImplemented(kNeedsDurable)));
    return reactor;
  }

  const DeliveryServiceOptions options_;
  const EventLog& log_;
  StreamHub& hub_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDeliveryService(DeliveryServiceOptions options,
                                                   const EventLog& log, StreamHub& hub,
                                                   const Clock& clock) {
  return std::make_unique<Service>(std::move(options), log, hub, clock);
}

}  // namespace hookbridge
