// Compressed bodies and events by GET, from the head to the answer.
#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/pipeline.h"
#include "server/sources.h"
#include "tests/support/compress.h"
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

class DropSink final : public LogSink {
 public:
  void Write(std::string_view) override {}
};

class PipelineBodiesTest : public testing::Test {
 protected:
  PipelineBodiesTest() : log_(LogLevel::kInfo, sink_, clock_) {
    QueuedJournalOptions options;
    options.queue = {.events_max = 100, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(JournalId{1}),
                                               clock_, nullptr);
    config::v1::Config config;
    const auto problems = LoadConfig(R"(
sources:
  - name: token
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      event: {id: [{json_pointer: /id}]}
    keys: [{secret: "inline:right"}]
    body_bytes_max: 1000
  - name: getter
    recipe:
      algorithms: [{kind: static_token}]
      signature: {query: token}
      body_format: form
      events_by_get: true
      event: {id: [{form_field: id}]}
      handshakes: [{kind: get_echo, query_parameter: challenge}]
    keys: [{secret: "inline:right"}]
    gate: {allow_networks: [192.0.2.0/24]}
)",
                                     &config);
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    SourceMap sources;
    EXPECT_TRUE(BuildSources(config, &sources).empty());
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.sources = std::move(sources),
                        .body_budget = {.bytes_max = 10'000, .owner_bytes_max = 10'000}},
        *journal_, clock_, log_);
  }
  ~PipelineBodiesTest() override { journal_->Close(); }

  HttpResponse Send(const std::string& source, const RequestBuilder& builder) {
    WebhookRequest request = builder.Build();
    request.source = source;
    std::promise<HttpResponse> answer;
    pipeline_->Handle(std::move(request), lane_,
                      [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  // 0: the body is to be read.
  int AdmitStatus(std::string_view method, std::string_view source, std::string_view coding,
                  std::string_view query = "", std::optional<uint64_t> length = 0) {
    const HeaderLine line{.name = "Content-Encoding", .value = coding};
    const Admission admission = pipeline_->Admit({.method = method,
                                                  .source = source,
                                                  .token = "",
                                                  .query = query,
                                                  .content_length = length,
                                                  .remote_address = "192.0.2.1",
                                                  .headers = {&line, 1}});
    EXPECT_EQ(admission.response.has_value(), admission.ticket == nullptr);
    return admission.response ? admission.response->status : 0;
  }
  std::vector<v1::Event> Stored() {
    std::vector<v1::Event> events;
    const auto all = journal_->Read(0, 10, SIZE_MAX);
    for (const StoredEventPtr& stored : *all) {
      const EventRuns& runs = stored->runs;
      EXPECT_TRUE(events.emplace_back().ParseFromString(runs.envelope + runs.data + runs.raw));
    }
    return events;
  }
  uint64_t Rejected(Reason reason, const std::string& source) {
    return pipeline_->sources().at(source)->stats.rejected(reason);
  }

  FakeClock clock_;
  DropSink sink_;
  Logger log_;
  InlineLane lane_;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineBodiesTest, CodingsThatAreReadAreAdmitted) {
  for (const char* const coding :
       {"gzip", "x-gzip", "deflate", "zstd", "br", "identity", "UTF-8"}) {
    EXPECT_EQ(AdmitStatus("POST", "token", coding), 0) << coding;
  }
  for (const char* const coding : {"compress", "gzip, br", "gzip,gzip", "xz"}) {
    EXPECT_EQ(AdmitStatus("POST", "token", coding), 415) << coding;
  }
  EXPECT_EQ(Rejected(Reason::kContentEncoding, "token"), 4u);
}

TEST_F(PipelineBodiesTest, WhatCannotBeInflatedIsAnsweredAndNotStored) {
  const auto send = [&](std::string_view wire, std::string_view token = "right") {
    return Send("token", RequestBuilder()
                             .Header("X-Token", token)
                             .Header("Content-Encoding", "gzip")
                             .Body(wire))
        .status;
  };
  const auto gzip = [](const std::string& body) { return Compress(ContentCoding::kGzip, body); };
  EXPECT_EQ(send("no gzip"), 415);
  EXPECT_EQ(send(gzip(std::string(1001, 'x'))), 413);
  EXPECT_EQ(send(gzip(std::string(1001, 'x')), "wrong"), 401)
      << "nothing is inflated for a stranger";
  EXPECT_EQ(Rejected(Reason::kContentEncoding, "token"), 1u);
  EXPECT_EQ(Rejected(Reason::kBodyTooLarge, "token"), 1u);
  EXPECT_THAT(Stored(), testing::IsEmpty());
  EXPECT_EQ(send(gzip(StrCat("{\"id\":\"1\",\"a\":\"", std::string(900, 'x'), "\"}"))), 200);
  const auto events = Stored();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].dedup_key(), "1");
  EXPECT_LT(events[0].raw().body().size(), 100u);
}

TEST_F(PipelineBodiesTest, EventsByGetGoThroughWhatAPostDoes) {
  EXPECT_EQ(AdmitStatus("GET", "getter", "", "id=1&token=right"), 0);
  EXPECT_EQ(AdmitStatus("GET", "getter", "", "challenge=abc"), 200) << "a handshake comes first";
  EXPECT_EQ(AdmitStatus("GET", "getter", "", "id=1", 5), 400) << "with a body";
  EXPECT_EQ(AdmitStatus("GET", "getter", "", "id=1", std::nullopt), 400) << "in chunks";
  EXPECT_EQ(AdmitStatus("GET", "getter", "gzip", "id=1"), 415) << "a query has no coding";
  EXPECT_EQ(AdmitStatus("HEAD", "getter", "", "id=1"), 405);
  EXPECT_EQ(AdmitStatus("GET", "token", "", "id=1"), 405);
  const auto refused = pipeline_->Admit({.method = "PUT",
                                         .source = "getter",
                                         .token = "",
                                         .query = "",
                                         .content_length = 0,
                                         .remote_address = "192.0.2.1"});
  EXPECT_THAT(refused.response->headers, testing::Contains(testing::Pair("Allow", "POST, GET")));
  const auto gated = pipeline_->Admit({.method = "GET",
                                       .source = "getter",
                                       .token = "",
                                       .query = "id=1",
                                       .content_length = 0,
                                       .remote_address = "198.51.100.1"});
  EXPECT_EQ(gated.response->status, 401);
  EXPECT_EQ(Rejected(Reason::kGateRefused, "getter"), 1u);
  pipeline_->StartDraining();
  EXPECT_EQ(AdmitStatus("GET", "getter", "", "id=1&token=right"), 503);
}

TEST_F(PipelineBodiesTest, AnEventByGetIsStoredWithoutItsToken) {
  const auto get = [&](std::string_view query) {
    return Send("getter", RequestBuilder().Method("GET").Query(query)).status;
  };
  EXPECT_EQ(get("id=1&token=wrong"), 401);
  EXPECT_EQ(get("id=1&token=right&a=b%20c"), 200);
  const auto events = Stored();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].dedup_key(), "1");
  EXPECT_EQ(events[0].json().struct_value().fields().at("a").string_value(), "b c");
  EXPECT_EQ(events[0].raw().method(), "GET");
  EXPECT_EQ(events[0].raw().body(), "id=1&token=***&a=b%20c");
}

}  // namespace
}  // namespace hookbridge
