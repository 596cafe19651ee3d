// Every limit and deadline of a connection, at the limit and one beyond.
#include "tests/support/ingress_fixture.h"

#include "gmock/gmock.h"

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
