#include "server/base/limits.h"
#include "tests/support/rpc_fixture.h"

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

using v1::SubscribeResponse;

class RpcDeliveryTest : public RpcFixture {
 protected:
  RpcDeliveryTest() : stub_(v1::DeliveryService::NewStub(channel_)) {}

  struct Got {
    std::vector<SubscribeResponse> messages;
    grpc::Status status;
  };
  Got Read(const v1::SubscribeRequest& request) {
    Got got;
    grpc::ClientContext context;
    const auto reader = stub_->Subscribe(&context, request);
    SubscribeResponse response;
    while (reader->Read(&response)) got.messages.push_back(response);
    got.status = reader->Finish();
    return got;
  }
  static v1::SubscribeRequest ToTheEnd() {
    v1::SubscribeRequest request = Earliest();
    request.mutable_cursor_read()->set_stop_at_end(true);
    return request;
  }

  std::unique_ptr<v1::DeliveryService::Stub> stub_;
};

// What arrives through gRPC's slices is what was stored, byte for byte.
TEST_F(RpcDeliveryTest, TheTypedStubGetsWhatWasStored) {
  for (const size_t bytes : {10u, 600u, 5'000u, 70'000u, 900'000u}) Append({.body_bytes = bytes});
  v1::SubscribeRequest request = ToTheEnd();
  request.set_payload_view(v1::PAYLOAD_VIEW_FULL);
  const Got got = Read(request);
  EXPECT_TRUE(got.status.ok()) << got.status.error_message();
  std::vector<v1::Event> events;
  for (const auto& message : got.messages) {
    for (const auto& delivery : message.batch().deliveries()) events.push_back(delivery.event());
  }
  const auto stored = *log_.Read(0, 100, SIZE_MAX, true);
  ASSERT_EQ(events.size(), stored.size());
  for (size_t i = 0; i < events.size(); ++i) {
    v1::Event expected;
    ASSERT_TRUE(expected.ParseFromString(EventWire(*stored[i], {.data = true, .raw = true})));
    EXPECT_EQ(events[i].SerializeAsString(), expected.SerializeAsString());
    EXPECT_EQ(events[i].id(), stored[i]->id.ToString());
  }
}

TEST_F(RpcDeliveryTest, SeveralStreamsShareTheSameBytes) {
  for (int i = 0; i < 100; ++i) Append({.body_bytes = 2'000});
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([this] {
      size_t events = 0;
      for (const auto& message : Read(ToTheEnd()).messages)
        events += static_cast<size_t>(message.batch().deliveries_size());
      EXPECT_EQ(events, 100u);
    });
  }
  for (std::thread& reader : readers) reader.join();
}

TEST_F(RpcDeliveryTest, ErrorsCarryTheirReason) {
  v1::SubscribeRequest request;
  Got got = Read(request);
  EXPECT_EQ(got.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(InfoOf(got.status).reason(), "INVALID_REQUEST");
  EXPECT_EQ(InfoOf(got.status).domain(), "hookbridge.dev");
  request.set_subscription("billing");
  got = Read(request);
  EXPECT_EQ(got.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(InfoOf(got.status).reason(), "NOT_IMPLEMENTED");
  request.mutable_cursor_read()->set_after_cursor("x");
  got = Read(request);
  EXPECT_EQ(InfoOf(got.status).reason(), "CURSOR_MALFORMED");
  AppendTypes({"a", "b"});
  const std::string old = Read(ToTheEnd()).messages[0].started().cursor();
  ASSERT_TRUE(journal_->Trim(1).ok());
  request.mutable_cursor_read()->set_after_cursor(old);
  got = Read(request);
  EXPECT_EQ(got.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_TRUE(InfoOf(got.status).metadata().contains("oldest_cursor"));
  v1::AcknowledgeResponse acknowledged;
  grpc::ClientContext context;
  EXPECT_EQ(stub_->Acknowledge(&context, {}, &acknowledged).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RpcDeliveryTest, StreamsBeyondTheLimitAreToldWhenToTryAgain) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<SubscribeResponse>>> readers;
  for (int i = 0; i < 4; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub_->Subscribe(contexts.back().get(), Earliest()));
    SubscribeResponse response;
    ASSERT_TRUE(readers.back()->Read(&response));
  }
  const Got fifth = Read(Earliest());
  EXPECT_EQ(fifth.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(InfoOf(fifth.status).reason(), "TOO_MANY_STREAMS");
  for (auto& context : contexts) context->TryCancel();
  for (auto& reader : readers)
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (hub_.stream_count() > 0) std::this_thread::yield();
}

TEST_F(RpcDeliveryTest, DrainSaysWhereToResume) {
  AppendTypes({"a"});
  grpc::ClientContext context;
  const auto reader = stub_->Subscribe(&context, Earliest());
  SubscribeResponse response;
  while (reader->Read(&response) && !response.has_caught_up()) {
  }
  std::thread drain([this] { EXPECT_TRUE(hub_.Drain(absl::Seconds(20))); });
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.ending().reason(), v1::ENDING_REASON_DRAINING);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  drain.join();
}

TEST_F(RpcDeliveryTest, ANewerStreamTakesOver) {
  v1::SubscribeRequest request = Earliest();
  request.set_client_id("billing-0");
  grpc::ClientContext context;
  const auto older = stub_->Subscribe(&context, request);
  SubscribeResponse response;
  while (older->Read(&response) && !response.has_caught_up()) {
  }
  request.mutable_cursor_read()->set_stop_at_end(true);
  EXPECT_TRUE(Read(request).status.ok());
  ASSERT_TRUE(older->Read(&response));
  EXPECT_EQ(response.ending().reason(), v1::ENDING_REASON_SUPERSEDED);
  EXPECT_FALSE(older->Read(&response));
  const grpc::Status status = older->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(InfoOf(status).reason(), "SUPERSEDED");
}

// A client that never reads: what waits for it is bounded, whatever is appended.
TEST_F(RpcDeliveryTest, AStalledClientHoldsUpNobody) {
  grpc::ClientContext context;
  const auto stalled = stub_->Subscribe(&context, Earliest());
  for (int i = 0; i < 200; ++i) Append({.body_bytes = 50'000});
  size_t events = 0;
  for (const auto& message : Read(ToTheEnd()).messages)
    events += static_cast<size_t>(message.batch().deliveries_size());
  EXPECT_EQ(events, 200u);
  context.TryCancel();
  stalled->Finish();
}

}  // namespace
}  // namespace hookbridge
