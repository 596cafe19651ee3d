#include "server/pipeline.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/sources.h"
#include "tests/support/fake_clock.h"
#include "tests/support/request_builder.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <future>

namespace hookbridge {
namespace {

// A lane whose thread is whoever posts.
class InlineLane final : public Lane {
 public:
  size_t index() const override { return 0; }
  void Post(absl::AnyInvocable<void()> work) override { work(); }
};

class KeepSink final : public LogSink {
 public:
  void Write(std::string_view line) override {
    MutexLock lock(mutex_);
    text_ += line;
  }
  std::string text() {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() : log_(LogLevel::kInfo, sink_, clock_) {
    auto store = std::make_unique<MemoryStore>(JournalId{1});
    store_ = store.get();
    QueuedJournalOptions options;
    options.queue = {.events_max = 100, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::move(store), clock_, nullptr);
    config::v1::Config config;
    const auto problems = LoadConfig(R"(
sources:
  - name: test
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
      handshakes: [{kind: head}, {kind: get_echo, query_parameter: challenge}]
    keys: [{secret: "inline:right"}]
    body_bytes_max: 1000
  - name: strict
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
    keys: [{secret: "inline:right"}]
    on_malformed: refuse
    receipt_position: true
  - name: batch
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      split: {array: ""}
      event: {id: [{item_pointer: /id}]}
      responses: {duplicate: 208}
    keys: [{secret: "inline:right"}]
  - name: gated
    recipe: {algorithms: [{kind: static_token}], signature: {headers: [X-Token]}}
    keys: [{secret: "inline:right"}]
    gate: {allow_networks: [192.0.2.0/24]}
  - name: signed
    recipe:
      algorithms: [{kind: hmac}]
      signature: {headers: [X-Sign]}
      message: [{body: true}]
      event: {id: [{header: X-Id}]}
    keys: [{id: old, secret: "inline:key"}]
  - name: dropping
    recipe:
      algorithms: [{kind: hmac}]
      signature: {headers: [X-Sign]}
      message: [{body: true}]
      event: {id: [{header: X-Id}]}
    keys: [{secret: "inline:key"}]
    replay_policy: drop
  - name: url
    recipe: {algorithms: [{kind: url_token}]}
    keys: [{secret: "inline:right"}]
  - name: shaken
    recipe:
      algorithms: [{kind: url_token}]
      handshakes:
      - kind: template
        methods: [OPTIONS]
        challenge: {header: Origin-Is}
        reply: {headers: {Allowed: "{challenge}"}}
      - kind: template
        methods: [GET, POST]
        unsigned: true
        challenge: {query: c}
        reply: {body: "{challenge}"}
      - kind: template
        methods: [POST]
        unsigned: true
        challenge: {json_pointer: /c}
        reply: {status: 202, body: "{challenge}"}
    keys: [{secret: "inline:right"}]
  - name: first-wins
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
      on_id_conflict: drop
    keys: [{secret: "inline:right"}]
  - name: windowed
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      same_body_window: 10s
    keys: [{secret: "inline:right"}]
  - name: quiet
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
      responses: {body: {empty: true}}
    keys: [{secret: "inline:right"}]
  - name: twiml
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
      responses: {body: {fixed: {content_type: text/xml, text: "<Response/>"}}}
    keys: [{secret: "inline:right"}]
)",
                                     &config);
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    SourceMap sources;
    EXPECT_TRUE(BuildSources(config, &sources).empty());
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.sources = std::move(sources),
                        .body_budget = {.bytes_max = 10'000, .owner_bytes_max = 10'000},
                        .lanes = 1,
                        .log_requests = true},
        *journal_, clock_, log_);
  }
  ~PipelineTest() override { journal_->Close(); }

  HttpResponse Send(const std::string& body, const std::string& token = "right",
                    const std::string& source = "test") {
    WebhookRequest request = RequestBuilder().Header("X-Token", token).Body(body).Build();
    request.source = source;
    return Handle(std::move(request));
  }
  HttpResponse Handle(WebhookRequest request) {
    request.request_id = StrCat("request-", ++requests_);
    std::promise<HttpResponse> answer;
    pipeline_->Handle(std::move(request), lane_,
                      [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  Admission Admit(std::string_view method, std::string_view source,
                  std::optional<uint64_t> length = 0, std::string_view token = "",
                  std::string_view query = "") {
    return pipeline_->Admit({.method = method,
                             .source = source,
                             .token = token,
                             .query = query,
                             .content_length = length});
  }
  int AdmitStatus(std::string_view method, std::string_view source,
                  std::optional<uint64_t> length = 0, std::string_view token = "",
                  std::string_view query = "") {
    const Admission admission = Admit(method, source, length, token, query);
    return admission.response ? admission.response->status : 0;
  }
  std::string LogText() {
    EXPECT_TRUE(log_.Flush(absl::InfiniteDuration()));
    return sink_.text();
  }
  uint64_t Rejected(Reason reason, const std::string& source = "test") {
    return pipeline_->sources().at(source)->stats.rejected(reason);
  }

  FakeClock clock_;
  KeepSink sink_;
  Logger log_;
  InlineLane lane_;
  int requests_ = 0;
  MemoryStore* store_ = nullptr;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, AVerifiedWebhookIsStoredAndAnsweredWithItsId) {
  const HttpResponse response = Send(R"({"id":"e1"})");
  EXPECT_EQ(response.status, 200);
  const auto events = journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(response.body, StrCat("{\"id\":\"", events->front()->id.ToString(), "\"}"));
  EXPECT_THAT(response.headers,
              testing::ElementsAre(testing::Pair("hookbridge-durability", "none")));
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(events->front()->runs.envelope));
  EXPECT_EQ(event.dedup_key(), "e1");
}

TEST_F(PipelineTest, ADuplicateIsAnsweredWithTheFirstId) {
  const HttpResponse first = Send(R"({"id":"e1"})");
  const HttpResponse again = Send(R"({"id":"e1"})");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 1u);
  EXPECT_EQ(pipeline_->sources().at("test")->stats.duplicate(), 1u);
  EXPECT_EQ(pipeline_->sources().at("test")->stats.conflict(), 0u)
      << "a true repeat is no conflict";
}

// What was answered 200 is on the stream, also under an id that another body has.
TEST_F(PipelineTest, AnotherBodyUnderTheIdIsAnEventThatNamesTheFirst) {
  const HttpResponse first = Send(R"({"id":"e1"})");
  const HttpResponse other = Send(R"({"id":"e1","attempt":2})");
  EXPECT_EQ(other.status, 200);
  EXPECT_NE(other.body, first.body);
  EXPECT_EQ(Send(R"({"id":"e1","attempt":2})").body, other.body) << "its retry";
  const auto events = *journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events.size(), 2u);
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(events[1]->runs.envelope));
  EXPECT_EQ(event.attributes().at("conflicts_with"), events[0]->id.ToString());
  EXPECT_TRUE(event.dedup_key().starts_with("e1#sha256:")) << event.dedup_key();
  const SourceStats& stats = pipeline_->sources().at("test")->stats;
  EXPECT_EQ(stats.conflict(), 1u);
  EXPECT_EQ(stats.duplicate(), 1u);
  EXPECT_THAT(LogText(), testing::HasSubstr("duplicate_with_other_body"));
}

TEST_F(PipelineTest, OrADuplicateWhereTheRecipeSaysSo) {
  const HttpResponse first = Send(R"({"id":"e1"})", "right", "first-wins");
  EXPECT_EQ(Send(R"({"id":"e1","attempt":2})", "right", "first-wins").body, first.body);
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 1u);
  EXPECT_EQ(pipeline_->sources().at("first-wins")->stats.conflict(), 1u) << "counted all the same";
}

TEST_F(PipelineTest, AnItemOfABatchConflictsByItself) {
  Send(R"([{"id":1,"v":1},{"id":2}])", "right", "batch");
  Send(R"([{"id":1,"v":2},{"id":2},{"id":1,"v":1}])", "right", "batch");
  const auto events = *journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events.size(), 3u);
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(events[2]->runs.envelope + events[2]->runs.raw));
  EXPECT_EQ(event.raw().item(), R"({"id":1,"v":2})");
  EXPECT_EQ(event.attributes().at("conflicts_with"), events[0]->id.ToString());
}

// "Something changed", said twice, is two changes; unless the source asks for a window.
TEST_F(PipelineTest, EqualBodiesWithoutAnIdAreTwoEvents) {
  const HttpResponse first = Send("{}", "right", "strict");
  EXPECT_NE(Send("{}", "right", "strict").body, first.body);
  const HttpResponse windowed = Send("{}", "right", "windowed");
  EXPECT_EQ(Send("{}", "right", "windowed").body, windowed.body);
  clock_.Advance(absl::Seconds(11));
  EXPECT_NE(Send("{}", "right", "windowed").body, windowed.body) << "the window is over";
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 4u);
}

// The log counts its lines by source: what stands in a path is not one, unless it is configured.
TEST_F(PipelineTest, UnknownSourcesAreLoggedApart) {
  EXPECT_EQ(AdmitStatus("POST", "nobody"), 404);
  EXPECT_THAT(LogText(), testing::HasSubstr(R"("path_source":"nobody")"));
  EXPECT_EQ(AdmitStatus("PUT", "test"), 405);
  EXPECT_THAT(LogText(), testing::HasSubstr(R"("source":"test")"));
}

// The body of a 2xx is what the provider wants, for a duplicate too.
TEST_F(PipelineTest, AnswersWithTheBodyThatTheRecipeHas) {
  for (int i = 0; i < 2; ++i) {
    const HttpResponse empty = Send(R"({"id":"1"})", "right", "quiet");
    EXPECT_EQ(empty.status, 200);
    EXPECT_EQ(empty.body, "");
    EXPECT_EQ(empty.content_type, "") << "nothing that has a type";
    const HttpResponse fixed = Send(R"({"id":"1"})", "right", "twiml");
    EXPECT_EQ(fixed.body, "<Response/>");
    EXPECT_EQ(fixed.content_type, "text/xml");
  }
  EXPECT_EQ(Send("{}", "wrong", "twiml").body, "{\"error\":\"unauthorized\"}");
}

TEST_F(PipelineTest, ARefusedOneIsCountedAndLoggedAndNotStored) {
  const HttpResponse response = Send("{}", "wrong-and-secret");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body, "{\"error\":\"unauthorized\"}");
  EXPECT_TRUE(journal_->Read(0, 10, SIZE_MAX)->empty());
  EXPECT_EQ(Rejected(Reason::kCredentialMismatch), 1u);
  EXPECT_THAT(LogText(), testing::HasSubstr("credential_mismatch"));
  EXPECT_EQ(LogText().find("wrong-and-secret"), std::string::npos);
  const auto rejected = pipeline_->rejections().Newest(10, "test", "");
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].body_bytes, 2u);
  EXPECT_THAT(rejected[0].header_names, testing::ElementsAre("X-Token"));
}

TEST_F(PipelineTest, ABodyThatIsNotJsonIsStoredUnlessRefusalIsAskedFor) {
  EXPECT_EQ(Send("not json").status, 200);
  EXPECT_EQ(Send("not json", "right", "strict").status, 400);
  EXPECT_EQ(Rejected(Reason::kMalformedBody, "strict"), 1u);
  EXPECT_THAT(pipeline_->rejections().Newest(1, "strict", "")[0].detail,
              testing::StartsWith("json_syntax"));
  const HttpResponse stored = Send("{}", "right", "strict");
  EXPECT_THAT(stored.body, testing::HasSubstr("\"position\":2"));
}

// P1: 503 with Retry-After while the storage fails, ready again when it does not, stored once.
TEST_F(PipelineTest, AFailingStoreIsNotReadyAndHeals) {
  store_->FailCommitsForTest(absl::UnavailableError("disk on fire in /secret"));
  const HttpResponse response = Send(R"({"id":"e1"})");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body.find("fire"), std::string::npos);
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Retry-After", "5")));
  EXPECT_NE(pipeline_->NotReadyReason(), "");
  EXPECT_EQ(AdmitStatus("POST", "test", 10), 503) << "before the body is read";
  EXPECT_GE(Rejected(Reason::kJournalUnavailable), 1u);
  store_->FailCommitsForTest(absl::OkStatus());
  while (!pipeline_->NotReadyReason().empty()) clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Send(R"({"id":"e1"})").status, 200);
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 1u);
}

TEST_F(PipelineTest, AdmissionDecidesOnTheHeadAlone) {
  EXPECT_EQ(AdmitStatus("POST", "test", 1'000), 0);
  EXPECT_EQ(Admit("POST", "test").body_bytes_max, 1'000u);
  EXPECT_EQ(AdmitStatus("POST", "test", 1'001), 413);
  EXPECT_EQ(AdmitStatus("POST", "test", std::nullopt), 0) << "chunked";
  const auto large = pipeline_->rejections().Newest(1, "test", "");
  ASSERT_EQ(large.size(), 1u);
  EXPECT_EQ(large[0].reason, Reason::kBodyTooLarge) << "an operator sees what was refused unread";
  EXPECT_EQ(large[0].body_bytes, 1'001u);
  EXPECT_THAT(LogText(), testing::HasSubstr("body_too_large"));
  EXPECT_EQ(AdmitStatus("POST", "nobody"), 404);
  EXPECT_EQ(AdmitStatus("PUT", "test"), 405);
  EXPECT_THAT(Admit("PUT", "test").response->headers,
              testing::Contains(testing::Pair("Allow", "POST, HEAD, GET")));
  pipeline_->StartDraining();
  EXPECT_EQ(AdmitStatus("POST", "test"), 503);
  EXPECT_EQ(pipeline_->NotReadyReason(), "draining");
}

TEST_F(PipelineTest, TheBodyBudgetIsSharedFairly) {
  const auto a = Admit("POST", "url", 5'000, "t");
  ASSERT_NE(a.ticket, nullptr);
  EXPECT_EQ(AdmitStatus("POST", "url", 1, "t"), 0) << "what was announced is not charged";
  EXPECT_TRUE(a.ticket->Grow(5'000));
  EXPECT_EQ(AdmitStatus("POST", "url", 1, "t"), 503) << "its half has come";
  EXPECT_EQ(AdmitStatus("POST", "test", 900), 0);
}

TEST_F(PipelineTest, HandshakesEchoWhatIsHarmless) {
  EXPECT_EQ(AdmitStatus("HEAD", "test"), 200);
  const Admission echo = Admit("GET", "test", 0, "", "x=1&challenge=aZ0._~-");
  EXPECT_EQ(echo.response->body, "aZ0._~-");
  EXPECT_EQ(echo.response->content_type, "text/plain");
  EXPECT_THAT(echo.response->headers,
              testing::Contains(testing::Pair("X-Content-Type-Options", "nosniff")));
  for (const char* const query :
       {"", "challenge=", "challenge=<script>", "challenge=%41", "challenge=a&challenge=b"}) {
    EXPECT_EQ(AdmitStatus("GET", "test", 0, "", query), 400) << query;
  }
  EXPECT_EQ(AdmitStatus("GET", "test", 0, "",
                        "challenge=" + std::string(limits::kHandshakeEchoBytesMax, 'a')),
            200);
  EXPECT_EQ(AdmitStatus("GET", "test", 0, "",
                        "challenge=" + std::string(limits::kHandshakeEchoBytesMax + 1, 'a')),
            400);
  EXPECT_EQ(AdmitStatus("GET", "url"), 405);
}

// Before verification, on the head where there is no body and else once it is there; never an
// event.
TEST_F(PipelineTest, AnUnsignedPostIsAHandshakeAndNoEvent) {
  const Admission head = Admit("POST", "shaken", 0, "right", "c=a1");
  ASSERT_TRUE(head.response);
  EXPECT_EQ(head.response->status, 200);
  EXPECT_EQ(head.response->body, "a1");
  EXPECT_EQ(AdmitStatus("POST", "shaken", 9, "right", "c=a1"), 0) << "its body is read first";
  const auto send = [&](const std::string& body, const std::string& token) {
    WebhookRequest request = RequestBuilder().Body(body).Token(token).Build();
    request.source = "shaken";
    return Handle(std::move(request));
  };
  const HttpResponse body = send(R"({"c":"b2"})", "right");
  EXPECT_EQ(body.status, 202);
  EXPECT_EQ(body.body, "b2");
  EXPECT_THAT(body.headers, testing::Contains(testing::Pair("X-Content-Type-Options", "nosniff")));
  EXPECT_EQ(send(R"({"c":"<b2>"})", "right").status, 400);
  EXPECT_EQ(Rejected(Reason::kChallengeRefused, "shaken"), 1u);
  EXPECT_EQ(send(R"({"c":"b2"})", "wrong").status, 401);
  EXPECT_EQ(Rejected(Reason::kCredentialMismatch, "shaken"), 1u);
  EXPECT_TRUE(journal_->Read(0, 10, SIZE_MAX)->empty());
  EXPECT_EQ(send(R"({"d":"b2"})", "right").status, 200) << "an event";
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 1u);
}

TEST_F(PipelineTest, OptionsAreAnsweredWithTheMethods) {
  const std::vector<HeaderLine> headers = {{.name = "Origin-Is", .value = "events.example"}};
  const auto ask = [&](std::string_view token) {
    return *pipeline_
                ->Admit({.method = "OPTIONS",
                         .source = "shaken",
                         .token = token,
                         .query = {},
                         .content_length = 0,
                         .headers = headers})
                .response;
  };
  EXPECT_EQ(ask("right").status, 200);
  EXPECT_THAT(ask("right").headers,
              testing::ElementsAre(testing::Pair("Allowed", "events.example"),
                                   testing::Pair("X-Content-Type-Options", "nosniff"),
                                   testing::Pair("Allow", "POST, GET, OPTIONS")));
  EXPECT_EQ(ask("wrong").status, 401);
  EXPECT_EQ(AdmitStatus("OPTIONS", "shaken", 0, "right"), 405) << "without the header";
  EXPECT_EQ(AdmitStatus("OPTIONS", "test"), 405);
}

// Whatever the method, a wrong token tells nothing about a source.
TEST_F(PipelineTest, AnUnknownSourceLooksLikeABadTokenToEveryMethod) {
  for (const char* const method : {"GET", "HEAD", "OPTIONS", "PUT"}) {
    const Admission unknown = Admit(method, "nobody", 0, "wrong", "c=1");
    EXPECT_EQ(unknown.response->status, 401) << method;
    for (const char* const source : {"shaken", "url", "test"}) {
      const Admission known = Admit(method, source, 0, "wrong", "c=1");
      EXPECT_EQ(known.response->status, unknown.response->status) << method << source;
      EXPECT_EQ(known.response->body, unknown.response->body) << method << source;
      EXPECT_EQ(known.response->headers, unknown.response->headers) << method << source;
    }
  }
  EXPECT_EQ(pipeline_->unattributed().rejected(Reason::kUnknownSource), 4u);
  EXPECT_EQ(AdmitStatus("GET", "shaken", 0, "right", "c=1"), 200);
}

// On /{token} routes nobody can find out which sources exist.
TEST_F(PipelineTest, AnUnknownSourceLooksLikeABadToken) {
  WebhookRequest bad = RequestBuilder().Token("wrong").Build();
  bad.source = "url";
  WebhookRequest unknown = RequestBuilder().Token("wrong").Build();
  unknown.source = "nobody";
  EXPECT_EQ(AdmitStatus("POST", "nobody", 10, "wrong"), 0);
  const HttpResponse a = Handle(std::move(bad));
  const HttpResponse b = Handle(std::move(unknown));
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.body, b.body);
  EXPECT_EQ(a.headers, b.headers);
  EXPECT_EQ(pipeline_->unattributed().rejected(Reason::kUnknownSource), 1u);
}

TEST_F(PipelineTest, ASplitBatchIsSeveralEventsStoredTogether) {
  const HttpResponse first = Send(R"([{"id":1},{"id":2}])", "right", "batch");
  EXPECT_EQ(first.status, 200);
  auto events = *journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(first.body, StrCat("{\"ids\":[\"", events[0]->id.ToString(), "\",\"",
                               events[1]->id.ToString(), "\"]}"));

  // A batch that repeats an event and brings one: that one carries the new request's body.
  EXPECT_EQ(Send(R"([{"id":2},{"id":3}])", "right", "batch").status, 200);
  EXPECT_EQ(Send(R"([{"id":3},{"id":3}])", "right", "batch").status, 208) << "nothing is new";
  events = *journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events.size(), 3u);
  std::vector<std::string> bodies;
  for (const StoredEventPtr& stored : events) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromString(stored->runs.raw));
    bodies.push_back(event.raw().body());
  }
  EXPECT_THAT(bodies, testing::ElementsAre(R"([{"id":1},{"id":2}])", "", R"([{"id":2},{"id":3}])"));
  const SourceStats& stats = pipeline_->sources().at("batch")->stats;
  EXPECT_EQ(stats.accepted(), 6u);
  EXPECT_EQ(stats.duplicate(), 3u);
}

// HMAC-SHA256 of `{"a":1}` with the key `key`, by openssl dgst.
constexpr std::string_view kSignedBody = R"({"a":1})";
constexpr std::string_view kSignature =
    "88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342";

WebhookRequest Signed(const std::string& source, const std::string& id) {
  WebhookRequest request =
      RequestBuilder().Header("X-Sign", kSignature).Header("X-Id", id).Body(kSignedBody).Build();
  request.source = source;
  return request;
}

TEST_F(PipelineTest, SignedBytesUnderAnotherIdAreFlagged) {
  EXPECT_EQ(Handle(Signed("signed", "1")).status, 200);
  EXPECT_EQ(Handle(Signed("signed", "1")).status, 200);
  EXPECT_EQ(Handle(Signed("signed", "2")).status, 200);
  const auto events = *journal_->Read(0, 10, SIZE_MAX);
  ASSERT_EQ(events.size(), 2u) << "the same id is a duplicate";
  std::vector<bool> flagged;
  for (const StoredEventPtr& stored : events) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromString(stored->runs.envelope));
    flagged.push_back(event.attributes().contains("replay_suspected"));
  }
  EXPECT_THAT(flagged, testing::ElementsAre(false, true));
  const SourceStats& stats = pipeline_->sources().at("signed")->stats;
  EXPECT_EQ(stats.replay(), 1u);
  EXPECT_EQ(stats.duplicate(), 1u);
  EXPECT_THAT(LogText(), testing::HasSubstr("replay_suspected"));
}

TEST_F(PipelineTest, OrDroppedWhereTheSourceSaysSo) {
  const std::string first = Handle(Signed("dropping", "1")).body;
  EXPECT_EQ(Handle(Signed("dropping", "2")).body, first) << "the first one's id";
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 1u);
  EXPECT_EQ(pipeline_->sources().at("dropping")->stats.replay(), 1u);
}

TEST_F(PipelineTest, AGateIsCheckedBeforeTheBody) {
  const auto status = [&](std::string_view address) {
    const Admission admission = pipeline_->Admit({.method = "POST",
                                                  .source = "gated",
                                                  .token = {},
                                                  .query = {},
                                                  .content_length = 10,
                                                  .remote_address = address});
    return admission.response ? admission.response->status : 0;
  };
  EXPECT_EQ(status("192.0.2.7"), 0);
  EXPECT_EQ(status("198.51.100.7"), 401);
  EXPECT_EQ(Rejected(Reason::kGateRefused, "gated"), 1u);
  EXPECT_THAT(LogText(), testing::HasSubstr("allow_networks"));
}

TEST_F(PipelineTest, KeysAreCountedAndReadAgain) {
  EXPECT_EQ(Handle(Signed("signed", "1")).status, 200);
  const auto keys = [&]() -> const KeyUse& {
    return pipeline_->sources().at("signed")->access.Get()->keys.front();
  };
  EXPECT_EQ(keys().id, "old");
  EXPECT_EQ(keys().matched.load(), 1u);
  EXPECT_EQ(keys().last_match_ns.load(), absl::ToUnixNanos(clock_.Now()));

  config::v1::Config config;
  ASSERT_TRUE(LoadConfig(R"(
sources:
  - name: signed
    recipe:
      algorithms: [{kind: hmac}]
      signature: {headers: [X-Sign]}
      message: [{body: true}]
      event: {id: [{header: X-Id}]}
    keys: [{id: new, secret: "inline:other"}]
  - name: url
    recipe: {algorithms: [{kind: basic}]}
    keys: [{secret: "inline:a:b"}]
  - name: gated
    recipe: {algorithms: [{kind: static_token}], signature: {headers: [X-Token]}}
    keys: [{secret: "inline:right"}]
    gate: {header: {name: X-New, value: "inline:x"}}
  - {name: added, recipe: {algorithms: [{kind: url_token}]}, keys: [{secret: "inline:x"}]}
)",
                         &config)
                  .empty());
  SourceMap fresh;
  ASSERT_TRUE(BuildSources(config, &fresh).empty());
  const std::vector<std::string> others = pipeline_->ReplaceAccess(fresh);
  EXPECT_THAT(others, testing::IsSupersetOf({"added", "gated", "url", "test"}));
  EXPECT_THAT(others, testing::Not(testing::Contains("signed")));
  EXPECT_EQ(keys().id, "new");
  EXPECT_EQ(Handle(Signed("signed", "2")).status, 401) << "the old key is gone";
  EXPECT_EQ(keys().matched.load(), 0u);
}

}  // namespace
}  // namespace hookbridge
