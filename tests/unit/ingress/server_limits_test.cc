// Every limit and deadline of a connection, at the limit and one beyond.
#include "server/base/limits.h"
#include "tests/support/ingress_fixture.h"

#include "gmock/gmock.h"

#include <memory>
#include <vector>

namespace hookbridge {
namespace {

class IngressLimitsTest : public IngressFixture {
 protected:
  void Timeout(google::protobuf::Duration* field) {
    field->set_seconds(0);
    field->set_nanos(60'000'000);
  }
};

TEST_F(IngressLimitsTest, BodyByContentLength) {
  Start();
  EXPECT_EQ(Exchange(Post(std::string(1000, 'x'))).status, 200);
  EXPECT_EQ(Exchange(Post(std::string(1001, 'x'))).status, 413);
}

TEST_F(IngressLimitsTest, BodyByChunks) {
  Start();
  const auto body = [](int bytes) {
    std::string chunks;
    for (int left = bytes; left > 0; left -= 100) {
      const int size = std::min(left, 100);
      char hex[8];
      std::snprintf(hex, sizeof hex, "%x", static_cast<unsigned>(size));
      chunks += std::string(hex) + "\r\n" + std::string(static_cast<size_t>(size), 'x') + "\r\n";
    }
    return chunks + "0\r\n\r\n";
  };
  EXPECT_EQ(Exchange(Chunked(body(1000))).status, 200);
  EXPECT_EQ(Exchange(Chunked(body(1001))).status, 413);
  EXPECT_EQ(Exchange(Chunked("3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n")).status, 200);
  EXPECT_EQ(Exchange(Chunked("3e9\r\n")).status, 413) << "before the bytes come";
}

TEST_F(IngressLimitsTest, HeaderBytes) {
  config_.set_header_bytes_max(2'000);
  Start();
  const auto head = [](size_t bytes) {
    std::string text = "POST /hooks/po HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nX: ";
    return text + std::string(bytes - text.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(Exchange(head(2'000)).status, 200);
  EXPECT_EQ(Exchange(head(2'001)).status, 431);
  EXPECT_EQ(Exchange(head(100'000)).status, 431);
  EXPECT_THAT(handler_.reasons(), testing::Each("header_too_large"));
}

TEST_F(IngressLimitsTest, HeaderLines) {
  config_.set_header_lines_max(10);
  Start();
  const auto request = [&](int lines) {
    std::string fields;
    for (int i = 2; i < lines; ++i) fields += "X: 1\r\n";
    return Post("x", fields);
  };
  EXPECT_EQ(Exchange(request(10)).status, 200);
  EXPECT_EQ(Exchange(request(11)).status, 431);
}

TEST_F(IngressLimitsTest, Target) {
  config_.set_target_bytes_max(100);
  Start();
  const auto request = [](size_t bytes) {
    const std::string target = "/hooks/po?";
    return "POST " + target + std::string(bytes - target.size(), 'q') +
           " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(Exchange(request(100)).status, 200);
  EXPECT_EQ(Exchange(request(101)).status, 414);
  EXPECT_EQ(Exchange("POST /" + std::string(10'000, 'a')).status, 414) << "before the line ends";
}

TEST_F(IngressLimitsTest, Connections) {
  config_.set_connections_max(2);
  Start();
  RawClient one(server_->address());
  RawClient two(server_->address());
  one.Send(Post("1"));
  two.Send(Post("2"));
  EXPECT_EQ(one.Read().status, 200);
  EXPECT_EQ(two.Read().status, 200);
  RawClient three(server_->address());
  EXPECT_EQ(three.Read().status, 503);
  EXPECT_TRUE(three.AtEnd());
  EXPECT_THAT(handler_.reasons(), testing::ElementsAre("connection_limit"));
  one.Send(Post("still served"));
  EXPECT_EQ(one.Read().status, 200);
}

// All of a loopback test comes from one address.
TEST_F(IngressLimitsTest, ConnectionsOfOneAddress) {
  config_.set_connections_per_address_max(2);
  Start();
  auto one = std::make_unique<RawClient>(server_->address());
  RawClient two(server_->address());
  one->Send(Post("1"));
  two.Send(Post("2"));
  EXPECT_EQ(one->Read().status, 200);
  EXPECT_EQ(two.Read().status, 200);
  EXPECT_EQ(Exchange(Post("3")).status, 503);
  ASSERT_EQ(handler_.refusals().size(), 1u);
  EXPECT_EQ(handler_.refusals()[0].rule, "ingress.connections_per_address_max");
  EXPECT_EQ(handler_.refusals()[0].remote_address, "127.0.0.1");
}

TEST_F(IngressLimitsTest, ATrustedProxyBringsConnectionsOfMany) {
  config_.set_connections_per_address_max(1);
  config_.add_trusted_proxies("127.0.0.0/8");
  Start();
  RawClient one(server_->address());
  one.Send(Post("1"));
  EXPECT_EQ(one.Read().status, 200);
  EXPECT_EQ(Exchange(Post("2")).status, 200);
}

TEST_F(IngressLimitsTest, Trailers) {
  Start();
  const auto with_trailers = [](const std::string& trailers) {
    return Chunked("1\r\nx\r\n0\r\n" + trailers + "\r\n");
  };
  const auto long_line = [](size_t bytes) { return "A: " + std::string(bytes - 5, 'x') + "\r\n"; };
  EXPECT_EQ(Exchange(with_trailers(long_line(limits::kTrailerBytesMax))).status, 200);
  EXPECT_EQ(Exchange(with_trailers(long_line(limits::kTrailerBytesMax + 1))).status, 431);
  EXPECT_EQ(Exchange(with_trailers(long_line(70'000))).status, 431) << "an answer, whatever comes";
  EXPECT_EQ(Exchange(with_trailers("A: b\r\n c\r\n")).status, 400) << "folded";
  EXPECT_THAT(handler_.reasons(),
              testing::ElementsAre("header_too_large", "header_too_large", "malformed_http"));
}

TEST_F(IngressLimitsTest, ASlowHeaderEnds) {
  Timeout(config_.mutable_header_timeout());
  Start();
  RawClient client(server_->address());
  client.Send("POST /hooks/po HT");
  EXPECT_TRUE(client.AtEnd());
  handler_.AwaitReasons(1);
  EXPECT_THAT(handler_.reasons(), testing::ElementsAre("timeout"));
}

TEST_F(IngressLimitsTest, ASlowBodyEnds) {
  Timeout(config_.mutable_body_timeout());
  Start();
  for (const std::string& request : {Post("hello"), Chunked("5\r\nhello\r\n0\r\n\r\n")}) {
    RawClient client(server_->address());
    client.Send(request.substr(0, request.size() - 3));
    EXPECT_TRUE(client.AtEnd());
  }
  EXPECT_THAT(handler_.seen(), testing::IsEmpty());
}

// A body that comes, but more slowly than the least rate, ends long before body_timeout.
TEST_F(IngressLimitsTest, ABodyHasALeastRate) {
  config_.mutable_body_timeout()->set_seconds(3'600);
  config_.set_body_bytes_per_second_min(200);  // of a window of 5 s: 1 000 bytes
  Start();
  RawClient fast(server_->address());
  fast.Send(Post(std::string(1000, 'x')));
  EXPECT_EQ(fast.Read().status, 200);
  RawClient slow(server_->address());
  slow.Send(Post(std::string(1000, 'x')).substr(0, 200));
  EXPECT_TRUE(slow.AtEnd());
  handler_.AwaitReasons(1);
  EXPECT_EQ(handler_.refusals()[0].rule, "body_timeout or body_bytes_per_second_min");
  EXPECT_EQ(handler_.refusals()[0].source, "po");
}

// Connections that announce the largest body and send none of it take nothing from others.
TEST_F(IngressLimitsTest, AnnouncedBodiesCostNothing) {
  handler_.body_budget = 1'000;
  Start();
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 50; ++i) {
    silent.push_back(std::make_unique<RawClient>(server_->address()));
    silent.back()->Send("POST /hooks/po HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  }
  EXPECT_EQ(Exchange(Post(std::string(1000, 'x'))).status, 200);
  silent.front()->Send(std::string(1, 'x'));
  handler_.AwaitCharged(1);
  EXPECT_EQ(Exchange(Post(std::string(1000, 'x'))).status, 503) << "what has come is charged";
  EXPECT_EQ(Exchange(Post(std::string(999, 'x'))).status, 200);
  EXPECT_EQ(Exchange(Chunked("3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n")).status, 503);
}

// Idle is not a refusal: nothing is counted.
TEST_F(IngressLimitsTest, AnIdleConnectionEnds) {
  Timeout(config_.mutable_idle_timeout());
  Start();
  RawClient client(server_->address());
  client.Send(Post("x"));
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_THAT(handler_.reasons(), testing::IsEmpty());
}

// The sender hears 503, which means unknown; the late answer goes nowhere.
TEST_F(IngressLimitsTest, AHandlerThatIsTooSlow) {
  Timeout(config_.mutable_handler_timeout());
  handler_.hold = true;
  Start();
  RawClient client(server_->address());
  client.Send(Post("x"));
  const auto answer = client.Read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, testing::HasSubstr("Retry-After: 5\r\n"));
}

TEST_F(IngressLimitsTest, StopEndsWhatIsHeld) {
  handler_.hold = true;
  Start();
  RawClient client(server_->address());
  client.Send(Post("x"));
  handler_.AwaitSeen(1);
  EXPECT_FALSE(server_->Drain(absl::ZeroDuration()));
  server_->Stop();
  EXPECT_EQ(client.Read().status, 0);
}

}  // namespace
}  // namespace hookbridge
