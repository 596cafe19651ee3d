// What becomes of a webhook: the same on the road of the senders and on that of an operator who
// takes requests out of the quarantine.
#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/pipeline.h"
#include "server/quarantine/quarantine.h"
#include "server/sources.h"
#include "tests/support/fake_clock.h"
#include "tests/support/request_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <future>
#include <thread>

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr char kDecoySecret[] = "known-to-this-test";
constexpr char kConfig[] = R"(
sources:
  - name: test
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
      handshakes:
        - {kind: json_fixed, match_pointer: /type, match_value: ping, answer: '{"pong":1}'}
    keys: [{secret: "inline:right"}]
    on_malformed: refuse
  - {name: sns, preset: aws_sns, topic_arns: ["arn:aws:sns:us-east-1:123456789012:orders"]}
)";
constexpr char kSnsMessage[] = R"({
  "Type": "Notification", "MessageId": "1", "Message": "m", "SignatureVersion": "2",
  "TopicArn": "arn:aws:sns:us-east-1:123456789012:orders", "Signature": "AAAA",
  "Timestamp": "2023-11-14T22:13:20.000Z",
  "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem"
})";

class NoSink final : public LogSink {
 public:
  void Write(std::string_view) override {}
};

// A lane with a thread of its own.
class ThreadLane final : public Lane {
 public:
  ThreadLane() : thread_([this] { Run(); }) {}
  ~ThreadLane() override {
    Post(nullptr);
    thread_.join();
  }
  size_t index() const override { return 0; }
  void Post(absl::AnyInvocable<void()> work) override {
    MutexLock lock(mutex_);
    work_.push_back(std::move(work));
    posted_.NotifyOne();
  }

 private:
  void Run() {
    while (true) {
      absl::AnyInvocable<void()> next;
      {
        MutexLock lock(mutex_);
        while (work_.empty()) posted_.Wait(mutex_);
        next = std::move(work_.front());
        work_.pop_front();
      }
      if (next == nullptr) return;
      next();
    }
  }

  Mutex mutex_;
  CondVar posted_;
  std::deque<absl::AnyInvocable<void()>> work_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class RoadsTest : public testing::Test {
 protected:
  RoadsTest()
      : directory_(std::filesystem::temp_directory_path() / StrCat("hookbridge-roads-", getpid())),
        log_(LogLevel::kInfo, sink_, clock_) {
    std::filesystem::remove_all(directory_);
    QueuedJournalOptions options;
    options.queue = {.events_max = 1'000, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(JournalId{1}),
                                               clock_, nullptr);
    quarantine_ = *Quarantine::Open({.directory = directory_.string(),
                                     .bytes_max = 1 << 20,
                                     .max_age = absl::Hours(1),
                                     .requests_per_second_max = 1'000},
                                    clock_, log_);
    config::v1::Config config;
    const auto problems = LoadConfig(kConfig, &config);
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    SourceMap sources;
    EXPECT_TRUE(BuildSources(config, &sources).empty());
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.sources = std::move(sources),
                        .body_budget = {.bytes_max = 10'000, .owner_bytes_max = 10'000},
                        .lanes = 1,
                        .quarantine = quarantine_.get(),
                        .decoy_secret = kDecoySecret},
        *journal_, clock_, log_);
  }
  ~RoadsTest() override {
    journal_->Close();
    std::filesystem::remove_all(directory_);
  }

  static WebhookRequest Request(const std::string& body, const std::string& source = "test",
                                const std::string& token = "right") {
    WebhookRequest request = RequestBuilder().Header("X-Token", token).Body(body).Build();
    request.source = source;
    return request;
  }

  // `STATUS BODY` that the sender sees.
  std::string Live(WebhookRequest request) {
    request.request_id = "live";
    std::promise<HttpResponse> answer;
    lane_.Post([&] {
      pipeline_->Handle(std::move(request), lane_,
                        [&](HttpResponse response) { answer.set_value(std::move(response)); });
    });
    const HttpResponse response = answer.get_future().get();
    return StrCat(response.status, " ", response.body);
  }

  // What the operator is told: `REASON DETAIL`, `event`, or the detail of what is neither.
  std::string Again(WebhookRequest request) {
    request.request_id = "again";
    EXPECT_TRUE(quarantine_->Keep(request, Reason::kInternal, ""));
    quarantine_->Flush();
    const auto outcome = pipeline_->Reverify("again");
    if (!outcome.ok()) return std::string(outcome.status().message());
    const bool is_kept = quarantine_->Read("again").ok();
    EXPECT_EQ(is_kept, outcome->refused.has_value()) << "what is done with leaves the quarantine";
    EXPECT_EQ(quarantine_->Remove("again").ok(), is_kept);
    if (outcome->refused) return StrCat(ReasonName(*outcome->refused), " ", outcome->detail);
    return outcome->event_ids.empty() ? outcome->detail : "event";
  }

  size_t CountEvents() { return journal_->Read(0, 1'000, SIZE_MAX)->size(); }

  const std::filesystem::path directory_;
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  NoSink sink_;
  Logger log_;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Quarantine> quarantine_;
  std::unique_ptr<Pipeline> pipeline_;
  ThreadLane lane_;
};

TEST_F(RoadsTest, WhatIsAnEvent) {
  EXPECT_THAT(Live(Request(R"({"id":"1"})")), HasSubstr("200 {\"id\""));
  EXPECT_EQ(Again(Request(R"({"id":"2"})")), "event");
  EXPECT_EQ(CountEvents(), 2u);
}

TEST_F(RoadsTest, WhatIsNotAuthentic) {
  EXPECT_THAT(Live(Request("{}", "test", "wrong")), HasSubstr("401 "));
  EXPECT_THAT(Again(Request("{}", "test", "wrong")), HasSubstr("credential_mismatch "));
  EXPECT_EQ(CountEvents(), 0u);
}

TEST_F(RoadsTest, WhatHasNoParsedFormWhereThatIsRefused) {
  EXPECT_THAT(Live(Request("{")), HasSubstr("400 "));
  EXPECT_THAT(Again(Request("{")), HasSubstr("malformed_body json_syntax"));
  EXPECT_EQ(CountEvents(), 0u);
}

TEST_F(RoadsTest, AHandshakeIsNoEvent) {
  EXPECT_EQ(Live(Request(R"({"type":"ping"})")), R"(200 {"pong":1})");
  EXPECT_EQ(Again(Request(R"({"type":"ping"})")), "a handshake, which is no event");
  EXPECT_EQ(CountEvents(), 0u);
}

TEST_F(RoadsTest, WhatNeedsSomethingFetched) {
  EXPECT_THAT(Live(Request(kSnsMessage, "sns")), HasSubstr("503 ")) << "here is no fetcher";
  EXPECT_THAT(Again(Request(kSnsMessage, "sns")), HasSubstr("certificate_unavailable "));
  EXPECT_EQ(CountEvents(), 0u);
}

// What stands in for unknown sources opens nothing, even to who knows its secret.
TEST_F(RoadsTest, AnUnknownSourceIsRefusedBecauseItIsUnknown) {
  WebhookRequest request = RequestBuilder().Token(kDecoySecret).Body("{}").Build();
  request.source = "nobody";
  EXPECT_THAT(Live(std::move(request)), HasSubstr("401 "));
  EXPECT_EQ(pipeline_->unattributed().rejected(Reason::kUnknownSource), 1u);
  EXPECT_EQ(CountEvents(), 0u);
  EXPECT_EQ(Again(Request("{}", "nobody")), "unknown_source ");
}

// The lane's thread takes the next request while the committer's gives out the last one's outcome.
TEST_F(RoadsTest, ManyRequestsAreInFlightOnOneLane) {
  constexpr int kRequests = 100;
  std::vector<std::promise<HttpResponse>> answers(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    lane_.Post([this, i, &answers] {
      WebhookRequest request = Request(StrCat("{\"id\":\"", i, "\"}"));
      pipeline_->Handle(std::move(request), lane_, [&answers, i](HttpResponse response) {
        answers[static_cast<size_t>(i)].set_value(std::move(response));
      });
    });
  }
  for (auto& answer : answers) EXPECT_EQ(answer.get_future().get().status, 200);
  EXPECT_EQ(CountEvents(), static_cast<size_t>(kRequests));
}

}  // namespace
}  // namespace hookbridge
