#include "server/base/limits.h"
#include "tests/support/http2_frames.h"
#include "tests/support/raw_client.h"
#include "tests/support/rpc_fixture.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"
#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

constexpr char kSubscribe[] = "/hookbridge.v1.DeliveryService/Subscribe";
constexpr char kListSources[] = "/hookbridge.admin.v1.AdminService/ListSources";

// Clients that speak HTTP/2 as no gRPC library does, beside a subscriber that is one.
class RpcHostileTest : public RpcFixture {
 protected:
  RpcHostileTest() {
    subscription_ = stub_->Subscribe(&context_, Earliest());
    v1::SubscribeResponse response;
    while (subscription_->Read(&response) && !response.has_caught_up()) {
    }
  }
  ~RpcHostileTest() override {
    context_.TryCancel();
    subscription_->Finish();
  }

  // Sends until the bridge has cut the connection, for `why`; nothing else is cut.
  void ExpectCut(const std::string& bytes, Cut why) {
    RawClient client(server_->address());
    client.Send(bytes);
    EXPECT_TRUE(client.AtEnd() || ReadToEnd(client));
    while (server_->cut_total(why) == 0) std::this_thread::yield();
    for (size_t i = 0; i < kCutCount; ++i) {
      const auto cut = static_cast<Cut>(i);
      EXPECT_EQ(server_->cut_total(cut), cut == why ? 1u : 0u) << CutName(cut);
    }
    ExpectOthersServed();
  }
  // The subscriber was not cut and a new client is served.
  void ExpectOthersServed() {
    AppendTypes({"after"});
    v1::SubscribeResponse response;
    bool got = false;
    while (!got && subscription_->Read(&response)) got = response.has_batch();
    EXPECT_TRUE(got);
    const auto stub = admin::v1::AdminService::NewStub(OwnChannel());
    grpc::ClientContext context;
    admin::v1::ListSourcesResponse sources;
    EXPECT_TRUE(stub->ListSources(&context, {}, &sources).ok());
    EXPECT_EQ(sources.sources_size(), 2);
  }

 private:
  static bool ReadToEnd(RawClient& client) {
    char bytes[4096];
    ssize_t got = 1;
    while (got > 0) {
      pollfd wait{.fd = client.fd(), .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, 20'000) <= 0) return false;
      got = ::recv(client.fd(), bytes, sizeof bytes, 0);
    }
    return true;
  }

  const std::unique_ptr<v1::DeliveryService::Stub> stub_ = v1::DeliveryService::NewStub(channel_);
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> subscription_;
};

TEST_F(RpcHostileTest, RapidResets) {
  std::string bytes = http2::Start();
  for (uint32_t i = 0; i <= limits::kGrpcResetsBurstMax + 1'000; ++i) {
    const uint32_t stream = 2 * i + 1;
    bytes += http2::Call(stream, kListSources) + http2::Data(stream, std::string(5, '\0'), true) +
             http2::Reset(stream);
  }
  ExpectCut(bytes, Cut::kTooManyResets);
}

TEST_F(RpcHostileTest, MoreCallsThanTheConnectionMayHave) {
  std::string bytes = http2::Start() + http2::SettingsAcknowledged();
  for (uint32_t i = 0; i <= limits::kGrpcCallsPerConnectionMax; ++i) {
    bytes += http2::Call(2 * i + 1, kSubscribe);
  }
  ExpectCut(bytes, Cut::kTooManyCalls);
}

TEST_F(RpcHostileTest, PingsWithoutEnd) {
  std::string bytes = http2::Start() + http2::Call(1, kSubscribe);
  for (uint32_t i = 0; i < 100 * limits::kGrpcPingsBurstMax; ++i) bytes += http2::Ping();
  ExpectCut(bytes, Cut::kTooManyPings);
}

TEST_F(RpcHostileTest, AHeaderBlockWithoutEnd) {
  std::string bytes = http2::Start() + http2::Frame(1, 0, 1, http2::HeaderLine("a", "b"));
  const std::string line = http2::HeaderLine("x", std::string(100, 'x'));
  for (uint32_t i = 0; i < limits::kGrpcHeaderBlockBytesMax / line.size() + 1; ++i) {
    bytes += http2::Frame(9, 0, 1, line);
  }
  ExpectCut(bytes, Cut::kHeaderBlockTooLarge);
}

TEST_F(RpcHostileTest, MessagesWithoutEnd) {
  std::string bytes = http2::Start();
  const std::string begin("\0\0\x0f\xff\xff", 5);  // a message of 1 MiB - 1
  for (uint32_t i = 0; i < 80; ++i) {
    bytes += http2::Call(2 * i + 1, kListSources);
    bytes += http2::Data(2 * i + 1, begin + std::string(16'000, 'x'), false);
    bytes += http2::Data(2 * i + 1, std::string(16'000, 'x'), false);
  }
  ExpectCut(bytes, Cut::kUnfinishedRequests);
}

TEST_F(RpcHostileTest, WhatIsNoHttp2) { ExpectCut("GET / HTTP/1.1\r\n\r\n", Cut::kNotHttp2); }

class RpcFewConnectionsTest : public RpcFixture {
 protected:
  RpcFewConnectionsTest()
      : RpcFixture([](config::v1::Grpc& grpc) { grpc.set_connections_max(2); }) {}
};

// Both connections have a call; so the third is refused, and a client hears of it.
TEST_F(RpcFewConnectionsTest, ConnectionsAtTheLimitAndOneMore) {
  grpc::ClientContext contexts[2];
  std::unique_ptr<v1::DeliveryService::Stub> stubs[2];
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> readers[2];
  for (int i = 0; i < 2; ++i) {
    stubs[i] = v1::DeliveryService::NewStub(OwnChannel());
    readers[i] = stubs[i]->Subscribe(&contexts[i], Earliest());
    v1::SubscribeResponse response;
    ASSERT_TRUE(readers[i]->Read(&response));
  }
  const auto third = admin::v1::AdminService::NewStub(OwnChannel());
  grpc::ClientContext refused;
  admin::v1::ListSourcesResponse sources;
  EXPECT_EQ(third->ListSources(&refused, {}, &sources).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_GE(server_->cut_total(Cut::kConnectionLimit), 1u);
  EXPECT_EQ(server_->connection_count(), 2u);
  for (int i = 0; i < 2; ++i) {
    contexts[i].TryCancel();
    readers[i]->Finish();
  }
}

// A client whose program does not read, while its library does: only the hub sees that.
TEST_F(RpcHostileTest, AStalledClientIsGivenUpAtShutdown) {
  for (int i = 0; i < 50; ++i) Append({.body_bytes = 100'000});
  const auto stub = v1::DeliveryService::NewStub(OwnChannel());
  grpc::ClientContext context;
  v1::SubscribeRequest request = Earliest();
  request.set_payload_view(v1::PAYLOAD_VIEW_RAW);
  const auto stalled = stub->Subscribe(&context, request);
  v1::SubscribeResponse response;
  ASSERT_TRUE(stalled->Read(&response));
  EXPECT_TRUE(hub_.Drain(absl::Seconds(20)));
  while (stalled->Read(&response)) {
  }
  stalled->Finish();
}

}  // namespace
}  // namespace hookbridge
