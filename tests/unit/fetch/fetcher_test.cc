// The client against real servers that do what they should not. Time is real, and short.
#include "server/fetch/fetcher.h"

#include "server/base/clock.h"
#include "server/base/strings.h"
#include "tests/support/tls_server.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <future>
#include <optional>

namespace hookbridge {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr char kHost[] = "api.provider.example";
constexpr absl::Duration kShort = absl::Milliseconds(150);

// Certificates are looked at by the machine's clock.
absl::Time Today() { return SystemClock().Now(); }

CertificateSpec Spec(std::vector<std::string> names) {
  return {.names = std::move(names),
          .not_before = Today() - absl::Hours(48),
          .not_after = Today() + absl::Hours(48)};
}

const TestCertificate& Authority() {
  static const auto* const kMade = [] {
    CertificateSpec spec = Spec({});
    spec.authority = true;
    return new TestCertificate(spec);
  }();
  return *kMade;
}

class FetcherTest : public testing::Test {
 protected:
  FetcherTest() {
    options_.extra_authorities_pem = Authority().pem();
    options_.timeout = absl::Seconds(5);
  }

  void Serve(TlsServer::Handler handler, const CertificateSpec& spec = Spec({kHost}),
             bool silent = false) {
    server_.emplace(TestCertificate(spec, &Authority()), std::move(handler), silent);
    options_.addresses[kHost] = server_->address();
  }
  void Serve(Served served) {
    Serve([served](const std::string&) { return served; });
  }
  void Start() { fetcher_ = *Fetcher::Start(options_); }

  using Answer = std::future<absl::StatusOr<FetchResult>>;

  static FetchRequest Request(const std::string& target = "/cert.pem",
                              const std::string& owner = "a") {
    return {.url = StrCat("https://", kHost, target), .host = kHost, .owner = owner};
  }
  Answer Ask(FetchRequest request) {
    if (fetcher_ == nullptr) Start();
    auto promise = std::make_shared<std::promise<absl::StatusOr<FetchResult>>>();
    fetcher_->Send(std::move(request), [promise](absl::StatusOr<FetchResult> result) {
      promise->set_value(std::move(result));
    });
    return promise->get_future();
  }
  absl::StatusOr<FetchResult> Get(FetchRequest request = Request()) {
    return Ask(std::move(request)).get();
  }
  absl::StatusCode CodeOf(FetchRequest request = Request()) {
    return Get(std::move(request)).status().code();
  }

  FetcherOptions options_;
  std::optional<TlsServer> server_;
  std::unique_ptr<Fetcher> fetcher_;
};

TEST_F(FetcherTest, AsksForWhatItWasToldAndNothingElse) {
  Serve(Respond(200, "hello"));
  const auto result = Get(Request("/a/b.pem?c=d"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, "hello");
  ASSERT_THAT(server_->requests(), SizeIs(1));
  const std::string head = server_->requests().front();
  EXPECT_THAT(head, testing::StartsWith("GET /a/b.pem?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr(StrCat("Host: ", kHost, "\r\n")));
  EXPECT_THAT(head, Not(HasSubstr("Authorization")));
}

TEST_F(FetcherTest, ABearerGoesToTheHostAlone) {
  Serve(Respond(200, "{}"));
  FetchRequest request = Request();
  request.bearer = "live_secret";
  EXPECT_TRUE(Get(request).ok());
  EXPECT_THAT(server_->requests().front(), HasSubstr("Authorization: Bearer live_secret\r\n"));
  request.url = "https://api.provider.example.evil.example/";
  EXPECT_EQ(CodeOf(request), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(server_->requests(), SizeIs(1));
}

TEST_F(FetcherTest, ABodyIsPostedAsJsonWithinItsBound) {
  Serve(Respond(200, "{}"));
  FetchRequest request = Request("/keys");
  request.body = R"({"key_id":"k"})";
  EXPECT_TRUE(Get(request).ok());
  const std::string asked = server_->requests().front();
  EXPECT_THAT(asked, testing::StartsWith("POST /keys HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(asked, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(asked, testing::EndsWith("\r\n\r\n{\"key_id\":\"k\"}"));
  request.body = std::string(limits::kFetchBodyBytesMax, 'x');
  EXPECT_TRUE(Get(request).ok());
  EXPECT_THAT(server_->requests().back(), testing::EndsWith("\r\n\r\n" + request.body));
  request.body += 'x';
  EXPECT_EQ(CodeOf(request), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(server_->requests(), SizeIs(2));
}

// Nor does a POST go where it was not meant to.
TEST_F(FetcherTest, ABodyIsNotSentToAnotherHostOrAfterARedirect) {
  Serve(Respond(307, "", "Location: https://api.provider.example/other\r\n"));
  FetchRequest request = Request("/keys");
  request.body = R"({"secret":"s"})";
  EXPECT_EQ(CodeOf(request), absl::StatusCode::kFailedPrecondition);
  request.url = "https://other.example/keys";
  EXPECT_EQ(CodeOf(request), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(server_->requests(), SizeIs(1));
}

// One exchange answers equal questions, and those alone.
TEST_F(FetcherTest, SharedRequestsAreOfOneUrlAndBody) {
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  Serve([gate](const std::string& asked) {
    gate.wait();
    return Respond(200, asked.substr(asked.find("\r\n\r\n") + 4));
  });
  const auto with = [](const std::string& body) {
    FetchRequest request = Request("/keys");
    request.shared = true;
    request.body = body;
    return request;
  };
  Answer first = Ask(with("1"));
  Answer same = Ask(with("1"));
  Answer other = Ask(with("2"));
  server_->WaitForRequests(2);
  go.set_value();
  EXPECT_EQ(first.get()->body, "1");
  EXPECT_EQ(same.get()->body, "1");
  EXPECT_EQ(other.get()->body, "2");
  EXPECT_THAT(server_->requests(), SizeIs(2));
}

TEST_F(FetcherTest, OtherUrlsAreRefusedBeforeAnythingIsAsked) {
  Serve(Respond(200, ""));
  for (const char* const url :
       {"http://api.provider.example/", "https://api.provider.example:443/",
        "https://user@api.provider.example/", "https://API.provider.example/",
        "https://api.provider.example./", "https://api.provider.example", "https:///",
        "https://api.provider.example/#x", "https://api.provider.example/a b",
        "https://api.provider.example/\r\nHost: evil", "https://other.example/", ""}) {
    FetchRequest request = Request();
    request.url = url;
    EXPECT_EQ(CodeOf(request), absl::StatusCode::kInvalidArgument) << url;
  }
  EXPECT_THAT(server_->requests(), SizeIs(0));
}

TEST_F(FetcherTest, StatusesAreAnsweredButRedirectsAreNotTaken) {
  Serve([](const std::string& head) {
    if (head.starts_with("GET /moved")) {
      return Respond(302, "", "Location: https://api.provider.example/cert.pem\r\n");
    }
    return Respond(head.starts_with("GET /gone") ? 404 : 500, "no");
  });
  EXPECT_EQ(Get(Request("/gone"))->status, 404);
  EXPECT_EQ(Get(Request("/broken"))->status, 500);
  EXPECT_EQ(CodeOf(Request("/moved")), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(server_->requests(), SizeIs(3));
}

TEST_F(FetcherTest, TheCertificateMustBeTheHosts) {
  const auto code_with = [this](const CertificateSpec& spec) {
    fetcher_.reset();
    Serve([](const std::string&) { return Respond(200, "x"); }, spec);
    return CodeOf();
  };
  EXPECT_EQ(code_with(Spec({kHost})), absl::StatusCode::kOk);
  EXPECT_EQ(code_with(Spec({"other.example"})), absl::StatusCode::kPermissionDenied);
  CertificateSpec expired = Spec({kHost});
  expired.not_after = Today() - absl::Hours(1);
  EXPECT_EQ(code_with(expired), absl::StatusCode::kPermissionDenied);
  CertificateSpec early = Spec({kHost});
  early.not_before = Today() + absl::Hours(1);
  EXPECT_EQ(code_with(early), absl::StatusCode::kPermissionDenied);
  options_.extra_authorities_pem.clear();
  EXPECT_EQ(code_with(Spec({kHost})), absl::StatusCode::kPermissionDenied);
}

TEST_F(FetcherTest, AuthoritiesThatCannotBeReadStopTheStart) {
  options_.extra_authorities_pem = "no PEM";
  EXPECT_EQ(Fetcher::Start(options_).status().code(), absl::StatusCode::kInternal);
}

TEST_F(FetcherTest, TheAnswerHasASize) {
  options_.answer_bytes_max = 1000;
  Serve([](const std::string& head) {
    const size_t bytes = head.find("/over") != std::string::npos ? 1001 : 1000;
    const std::string body(bytes, 'x');
    if (head.find("chunked") != std::string::npos) {
      return Served{.bytes = StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                    bytes == 1000 ? "3e8" : "3e9", "\r\n", body, "\r\n0\r\n\r\n")};
    }
    if (head.find("close") != std::string::npos && head.find("/close") != std::string::npos) {
      return Served{.bytes = StrCat("HTTP/1.1 200 OK\r\n\r\n", body)};
    }
    return Respond(200, body);
  });
  for (const char* const how : {"", "/chunked", "/close"}) {
    const auto good = Get(Request(StrCat("/at", how)));
    ASSERT_TRUE(good.ok()) << how << good.status();
    EXPECT_THAT(good->body, SizeIs(1000));
    EXPECT_EQ(CodeOf(Request(StrCat("/over", how))), absl::StatusCode::kOutOfRange) << how;
  }
}

TEST_F(FetcherTest, TheAnswersHeaderHasASize) {
  options_.header_bytes_max = 1024;
  Serve([](const std::string& head) {
    const size_t bytes = head.starts_with("GET /over") ? 2000 : 200;
    return Respond(200, "x", StrCat("X-Long: ", std::string(bytes, 'x'), "\r\n"));
  });
  EXPECT_EQ(CodeOf(Request("/at")), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf(Request("/over")), absl::StatusCode::kOutOfRange);
}

TEST_F(FetcherTest, SlowServersAreGivenUp) {
  options_.timeout = kShort;
  for (const char* const bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}) {
    fetcher_.reset();
    Serve(Served{.bytes = bytes, .hang = true});
    const auto result = Get();
    EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded) << bytes;
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("answer"));
  }
}

TEST_F(FetcherTest, ASilentHandshakeIsGivenUp) {
  options_.handshake_timeout = kShort;
  Serve([](const std::string&) { return Served(); }, Spec({kHost}), /*silent=*/true);
  const auto result = Get();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("TLS handshake"));
}

TEST_F(FetcherTest, NobodyThereIsUnavailable) {
  Serve(Respond(200, ""));
  server_.reset();
  EXPECT_EQ(CodeOf(), absl::StatusCode::kUnavailable);
}

TEST_F(FetcherTest, AnAnswerThatIsCutOffIsNone) {
  for (const char* const bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    fetcher_.reset();
    Serve(Served{.bytes = bytes, .hang = false, .abrupt = true});
    EXPECT_EQ(CodeOf(), absl::StatusCode::kDataLoss) << bytes;
  }
  for (const char* const bytes : {"220 smtp ready\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n"}) {
    fetcher_.reset();
    Serve(Served{.bytes = bytes});
    EXPECT_EQ(CodeOf(), absl::StatusCode::kDataLoss) << bytes;
  }
}

TEST_F(FetcherTest, CompressedAnswersAreRefused) {
  Serve(Respond(200, "x", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(CodeOf(), absl::StatusCode::kDataLoss);
}

// Two at once and two waiting; of one owner two in all, and one at once.
TEST_F(FetcherTest, PlacesAndSharesAreBounded) {
  options_.in_flight_max = 2;
  options_.waiting_max = 2;
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  Serve([open](const std::string&) {
    open.wait();
    return Respond(200, "x");
  });
  Answer first = Ask(Request("/1", "a"));
  server_->WaitForRequests(1);
  Answer second = Ask(Request("/2", "a"));
  EXPECT_EQ(CodeOf(Request("/3", "a")), absl::StatusCode::kResourceExhausted)
      << "a's half is taken";
  Answer other = Ask(Request("/4", "b"));
  server_->WaitForRequests(2);
  EXPECT_THAT(server_->requests()[1], testing::StartsWith("GET /4 ")) << "b overtakes a's second";
  Answer last = Ask(Request("/5", "c"));
  EXPECT_EQ(CodeOf(Request("/6", "d")), absl::StatusCode::kResourceExhausted) << "all is taken";
  gate.set_value();
  for (Answer* const answer : {&first, &second, &other, &last}) EXPECT_TRUE(answer->get().ok());
  EXPECT_TRUE(Get(Request("/7", "a")).ok()) << "places come back";
}

TEST_F(FetcherTest, WaitingCountsAsTime) {
  options_.in_flight_max = 1;
  options_.timeout = kShort;
  Serve(Served{.bytes = {}, .hang = true});
  Answer first = Ask(Request("/1", "a"));
  Answer second = Ask(Request("/2", "b"));
  EXPECT_EQ(first.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(second.get().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(FetcherTest, SharedRequestsForOneUrlAreAskedOnce) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  Serve([open](const std::string&) {
    open.wait();
    return Respond(200, "x");
  });
  FetchRequest shared = Request();
  shared.shared = true;
  Answer first = Ask(shared);
  Answer joined = Ask(shared);
  Answer alone = Ask(Request());
  FetchRequest with_bearer = shared;
  with_bearer.bearer = "secret";
  Answer not_shared = Ask(with_bearer);
  server_->WaitForRequests(3);
  gate.set_value();
  for (Answer* const answer : {&first, &joined, &alone, &not_shared}) {
    EXPECT_EQ(answer->get()->body, "x");
  }
  EXPECT_THAT(server_->requests(), SizeIs(3));
  EXPECT_TRUE(Get(shared).ok());
  EXPECT_THAT(server_->requests(), SizeIs(4)) << "one that has ended is not joined";
}

TEST_F(FetcherTest, StopEndsWhatIsUnderWay) {
  options_.in_flight_max = 1;
  Serve(Served{.bytes = {}, .hang = true});
  Answer running = Ask(Request("/1", "a"));
  server_->WaitForRequests(1);
  Answer waiting = Ask(Request("/2", "b"));
  fetcher_->Stop();
  EXPECT_EQ(running.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(CodeOf(), absl::StatusCode::kCancelled);
  fetcher_->Stop();
}

}  // namespace
}  // namespace hookbridge
