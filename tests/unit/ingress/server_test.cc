#include "server/ingress/server.h"

#include "tests/support/ingress_fixture.h"

#include "gmock/gmock.h"

#include <memory>
#include <thread>
#include <vector>

namespace hookbridge {
namespace {

using IngressServerTest = IngressFixture;

TEST_F(IngressServerTest, HandsOnWhatTheSenderSent) {
  Start();
  RawClient client(server_->address());
  client.Send(
      "POST /hooks/po/tok?a=%20b HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: "
      "5\r\n\r\na\r\nbc");
  const auto answer = client.Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"bytes\":5}");
  const auto seen = handler_.seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].path, "/hooks/po/tok");
  EXPECT_EQ(seen[0].query, "a=%20b");
  EXPECT_EQ(seen[0].source, "po");
  EXPECT_EQ(seen[0].token, "tok");
  EXPECT_EQ(seen[0].body, "a\r\nbc");
  EXPECT_EQ(seen[0].remote_address, "127.0.0.1");
  EXPECT_EQ(seen[0].request_id.size(), 32u);
  EXPECT_EQ(seen[0].headers[1], std::make_pair(std::string("X-A"), std::string("1")));
  EXPECT_EQ(seen[0].headers[2], std::make_pair(std::string("x-a"), std::string("2")));
}

TEST_F(IngressServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  RawClient client(server_->address());
  std::string all;
  for (int i = 0; i < 50; ++i) all += Post(std::string(static_cast<size_t>(i), 'x'));
  client.Send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.Read().body, StrCat("{\"bytes\":", i, "}"));
}

TEST_F(IngressServerTest, TakesRequestsByteForByte) {
  Start();
  RawClient client(server_->address());
  for (const char byte :
       Post("hello") + Chunked("3\r\nabc\r\n2;ext=\"x\"\r\nde\r\n0\r\nTrailer: x\r\n\r\n")) {
    client.Send({&byte, 1});
  }
  EXPECT_EQ(client.Read().body, "{\"bytes\":5}");
  EXPECT_EQ(client.Read().body, "{\"bytes\":5}");
  EXPECT_EQ(handler_.seen()[1].body, "abcde");
}

TEST_F(IngressServerTest, RefusesBadChunks) {
  Start();
  for (const char* const chunks :
       {"x\r\n", "-1\r\na\r\n", "+1\r\na\r\n0\r\n\r\n", "0x1\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n",
        "\r\n", ";x\r\n", "fffffffffffffffff\r\n", "ffffffffffffffff\r\nx",
        "0\r\nbad trailer\r\n\r\n", "0\r\n x: 1\r\n\r\n"}) {
    RawClient client(server_->address());
    client.Send(Chunked(chunks));
    const int status = client.Read().status;
    EXPECT_TRUE(status == 400 || (status == 413 && chunks[0] == 'f'))
        << chunks << " gave " << status;
    EXPECT_TRUE(client.AtEnd()) << chunks;
  }
  EXPECT_THAT(handler_.seen(), testing::IsEmpty());
}

TEST_F(IngressServerTest, ContinuesWhenAskedTo) {
  Start();
  RawClient client(server_->address());
  client.Send(
      "POST /hooks/po HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Read(false).status, 100);
  client.Send("ok");
  EXPECT_EQ(client.Read().status, 200);
  handler_.refuse_admission = 503;
  client.Send(
      "POST /hooks/po HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Read().status, 503) << "a refused body is not asked for";
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(IngressServerTest, TellsHealth) {
  Start();
  const auto get = [&](const std::string& path, const std::string& method = "GET") {
    return Exchange(method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  };
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/readyz").body, "ready\n");
  EXPECT_EQ(get("/nobody").status, 404);
  const auto post = get("/livez", "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_THAT(post.head, testing::HasSubstr("Allow: GET, HEAD\r\n"));
  RawClient client(server_->address());
  client.Send("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Read(/*has_body=*/false).status, 200);
  EXPECT_EQ(client.Read().body, "ok\n");
}

TEST_F(IngressServerTest, NotReadySaysSoAndNoMore) {
  handler_.not_ready = "journal: the disk of /secret/path is full";
  Start();
  const auto answer = Exchange("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "not ready\n");
}

// RFC 9112 section 2.2: one empty line before a request, as old senders write after a body.
TEST_F(IngressServerTest, PassesOverOneEmptyLineBeforeARequest) {
  Start();
  RawClient client(server_->address());
  client.Send(Post("1") + "\r\n" + Post("22"));
  EXPECT_EQ(client.Read().body, "{\"bytes\":1}");
  EXPECT_EQ(client.Read().body, "{\"bytes\":2}");
  RawClient first(server_->address());
  for (const char byte : "\r\n" + Post("333")) first.Send({&byte, 1});
  EXPECT_EQ(first.Read().body, "{\"bytes\":3}");
  EXPECT_EQ(Exchange("\r\n\r\n" + Post("x")).status, 400) << "one, not two";
  EXPECT_EQ(Exchange("\n" + Post("x")).status, 400);
}

TEST_F(IngressServerTest, ServesTheAbsoluteForm) {
  Start();
  EXPECT_EQ(Exchange("POST http://hooks.example/hooks/po?q=1 HTTP/1.1\r\nHost: x\r\n"
                     "Content-Length: 1\r\n\r\nx")
                .status,
            200);
  EXPECT_EQ(handler_.seen()[0].path, "/hooks/po");
  EXPECT_EQ(handler_.seen()[0].query, "q=1");
}

// What is wrong with a request is booked on the source that it names itself, or on none.
TEST_F(IngressServerTest, ARefusalIsItsOwnRequests) {
  Start();
  const auto after_another = [&](const std::string& request) {
    RawClient client(server_->address());
    client.Send(Post("x"));
    EXPECT_EQ(client.Read().status, 200);
    client.Send(request);
    EXPECT_EQ(client.Read().status, 400);
  };
  after_another("POST /hooks/other HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n folded\r\n\r\n");
  after_another("POST /hooks/third HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n");
  after_another("POST / /hooks/po HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto refusals = handler_.refusals();
  ASSERT_EQ(refusals.size(), 3u);
  EXPECT_EQ(refusals[0].source, "other");
  EXPECT_EQ(refusals[0].rule, "a header line is folded");
  EXPECT_THAT(refusals[0].header_names, testing::ElementsAre("Host", "X-A"));
  EXPECT_EQ(refusals[1].source, "third");
  EXPECT_EQ(refusals[2].source, "");
}

// What is signed may be these bytes, so nothing but the handler opens them.
TEST_F(IngressServerTest, HandsOnEncodedBodiesAsTheyCame) {
  Start();
  EXPECT_EQ(Exchange(Post("\x1f\x8bx", "Content-Encoding: gzip\r\n")).status, 200);
  ASSERT_EQ(handler_.seen().size(), 1u);
  EXPECT_EQ(handler_.seen()[0].body, "\x1f\x8bx");
}

TEST_F(IngressServerTest, OldClientsAreServed) {
  Start();
  RawClient client(server_->address());
  client.Send("POST /hooks/po HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx");
  const auto kept = client.Read();
  EXPECT_EQ(kept.status, 200);
  EXPECT_THAT(kept.head, testing::HasSubstr("Connection: keep-alive\r\n"));
  client.Send("POST /hooks/po HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.AtEnd());
}

// The refusal arrives although the sender is still writing.
TEST_F(IngressServerTest, ASenderThatIsRefusedSeesTheAnswer) {
  Start();
  RawClient client(server_->address());
  client.Send("POST /hooks/po HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n");
  client.Send(std::string(500'000, 'x'));
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(IngressServerTest, ClientsThatGoAwayCostNothing) {
  Start();
  for (const std::string& part :
       {Post("hello").substr(0, 20), Post("hello").substr(0, 70), std::string()}) {
    RawClient client(server_->address());
    client.Send(part);
  }
  EXPECT_TRUE(server_->Drain(absl::Seconds(20)));
  EXPECT_EQ(Exchange(Post("still here")).status, 200);
}

TEST_F(IngressServerTest, DrainFinishesWhatIsInFlight) {
  Start();
  RawClient idle(server_->address());
  RawClient busy(server_->address());
  idle.Send(Post("x"));
  EXPECT_EQ(idle.Read().status, 200);
  busy.Send(
      "POST /hooks/po HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(busy.Read(false).status, 100) << "its body is being read";
  server_->StopAccepting();
  EXPECT_TRUE(idle.AtEnd()) << "an idle connection closes";
  busy.Send("ok");
  const auto answer = busy.Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, testing::HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(server_->Drain(absl::Seconds(20)));
  RawClient late(server_->address());
  EXPECT_FALSE(late.connected());
}

// The next request of a connection that was idle had come before the listener closed.
TEST_F(IngressServerTest, DrainAnswersWhatHasArrived) {
  handler_.hold = true;  // the lane is busy with nothing, but the first request is in flight
  Start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->address()));
    clients.back()->Send(Post("1"));
  }
  handler_.AwaitSeen(20);
  // Behind the answers that are due, so that no connection is idle when the drain begins.
  for (const auto& client : clients) client->Send(Post("22"));
  server_->StopAccepting();
  handler_.Release();
  for (const auto& client : clients) {
    const auto answer = client->Read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head, testing::HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(client->AtEnd()) << "and no reset over it";
  }
  EXPECT_TRUE(server_->Drain(absl::Seconds(20)));
}

// A request that was on its way to an idle connection finds it open.
TEST_F(IngressServerTest, DrainWaitsForWhatIsOnItsWay) {
  Start();
  RawClient client(server_->address());
  client.Send(Post("1"));
  EXPECT_EQ(client.Read().status, 200);
  server_->StopAccepting();
  client.Send(Post("22"));
  const auto answer = client.Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, testing::HasSubstr("Connection: close\r\n"));
}

// Connections that the machine has taken, but the bridge not yet, are served too.
TEST_F(IngressServerTest, DrainServesWhatWaitsToBeAccepted) {
  handler_.block_admission = true;
  Start();
  RawClient blocker(server_->address());
  blocker.Send(Post("1"));
  handler_.AwaitBlocked();
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.push_back(std::make_unique<RawClient>(server_->address()));
    waiting.back()->Send(Post("22"));
  }
  server_->StopAccepting();
  handler_.Unblock();
  EXPECT_EQ(blocker.Read().status, 200);
  for (const auto& client : waiting) EXPECT_EQ(client->Read().status, 200);
  EXPECT_TRUE(server_->Drain(absl::Seconds(20)));
}

TEST_F(IngressServerTest, SeveralThreadsShareConnections) {
  config_.set_threads(4);
  Start();
  std::vector<std::thread> senders;
  for (int i = 0; i < 8; ++i) {
    senders.emplace_back([this] {
      RawClient client(server_->address());
      for (int n = 0; n < 50; ++n) {
        client.Send(Post("body"));
        if (client.Read().status != 200) ADD_FAILURE();
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(handler_.seen().size(), 400u);
}

TEST_F(IngressServerTest, APortThatIsTakenIsNamed) {
  Start();
  config::v1::Ingress same = config_;
  same.set_listen(server_->address());
  const auto second = IngressServer::Start(same, handler_, clock_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr(server_->address()));
}

}  // namespace
}  // namespace hookbridge
