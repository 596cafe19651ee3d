// Keys that a provider sends once: kept before they are answered for, in use at once, never lost.
#include "server/learned_keys.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/sources.h"
#include "tests/support/fake_clock.h"
#include "tests/support/request_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class InlineLane final : public Lane {
 public:
  size_t index() const override { return 0; }
  void Post(absl::AnyInvocable<void()> work) override { work(); }
};

class LearnedKeysTest : public testing::Test {
 protected:
  LearnedKeysTest() : log_(LogLevel::kError) {
    std::string name = (fs::path(testing::TempDir()) / "learned-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    QueuedJournalOptions options;
    options.queue = {.events_max = 100, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(JournalId{1}),
                                               clock_, nullptr);
    config_ = Config();
    SourceMap sources;
    EXPECT_TRUE(BuildSources(config_, &sources).empty());
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.sources = std::move(sources),
                        .body_budget = {.bytes_max = 10'000, .owner_bytes_max = 10'000},
                        .key_offers = &offers_},
        *journal_, clock_, log_);
    keys_ = std::make_unique<LearnedKeys>(config_, *pipeline_);
  }
  ~LearnedKeysTest() override {
    journal_->Close();
    fs::remove_all(directory_);
  }

  config::v1::Config Config() const {
    config::v1::Config config;
    const auto problems = LoadConfig(StrCat(R"(
sources:
  - name: learns
    recipe:
      algorithms: [{kind: static_token}]
      signature: {headers: [X-Token]}
      handshakes:
      - kind: template
        methods: [POST]
        unsigned: true
        learn_key: true
        challenge: {header: X-Secret}
        reply: {headers: {X-Secret: "{challenge}"}}
    learned_key: {file: ")",
                                            File(), R"("}
  - name: plain
    recipe: {algorithms: [{kind: static_token}], signature: {headers: [X-Token]}}
    keys: [{secret: "inline:right"}]
)"),
                                     &config);
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    return config;
  }

  std::string File() const { return (directory_ / "key").string(); }
  std::string Text() const {
    std::ifstream in(File(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void Write(std::string_view text) { std::ofstream(File(), std::ios::binary) << text; }

  HttpResponse Send(std::string_view header, std::string_view value) {
    WebhookRequest request = RequestBuilder().Header(header, value).Body("{}").Build();
    request.source = "learns";
    std::promise<HttpResponse> answer;
    pipeline_->Handle(std::move(request), lane_,
                      [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  // As the waiting call does, on this thread.
  void Wait() {
    ASSERT_TRUE(offers_
                    .Await("learns",
                           [this](std::optional<OfferedKey> key) {
                             key->answer(keys_->Keep("learns", key->secret).status());
                           })
                    .ok());
  }
  uint64_t Rejected(Reason reason) {
    return pipeline_->sources().at("learns")->stats.rejected(reason);
  }

  fs::path directory_;
  FakeClock clock_;
  Logger log_;
  InlineLane lane_;
  KeyOffers offers_;
  std::unique_ptr<QueuedJournal> journal_;
  config::v1::Config config_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<LearnedKeys> keys_;
};

TEST_F(LearnedKeysTest, AKeyIsKeptAndInUseBeforeItIsAnsweredFor) {
  EXPECT_EQ(Send("X-Token", "s3cret").status, 401);
  EXPECT_EQ(Rejected(Reason::kNoActiveKey), 1u);
  Wait();
  const HttpResponse shaken = Send("X-Secret", "s3cret");
  EXPECT_EQ(shaken.status, 200);
  EXPECT_THAT(shaken.headers, testing::Contains(testing::Pair("X-Secret", "s3cret")));
  EXPECT_EQ(Text(), "s3cret\n");
  struct stat info {};
  ASSERT_EQ(stat(File().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(fs::exists(File() + ".new"));
  EXPECT_TRUE(journal_->Read(0, 10, SIZE_MAX)->empty()) << "a handshake is no event";
  EXPECT_EQ(Send("X-Token", "s3cret").status, 200);
  EXPECT_EQ(Send("X-Token", "other").status, 401);
}

TEST_F(LearnedKeysTest, WithoutAWaitNothingIsKept) {
  const HttpResponse refused = Send("X-Secret", "s3cret");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.headers, testing::Contains(testing::Pair("Retry-After", "5")));
  EXPECT_EQ(Rejected(Reason::kKeyNotAwaited), 1u);
  EXPECT_FALSE(fs::exists(File()));
  Wait();
  EXPECT_EQ(Send("X-Secret", "first").status, 200);
  EXPECT_EQ(Send("X-Secret", "second").status, 503) << "the wait took one";
  EXPECT_EQ(Text(), "first\n");
}

TEST_F(LearnedKeysTest, TheKeyBeforeStaysInUse) {
  for (const char* const key : {"one", "two", "three"}) {
    Wait();
    EXPECT_EQ(Send("X-Secret", key).status, 200);
  }
  EXPECT_EQ(Text(), "three\ntwo\n");
  EXPECT_EQ(Send("X-Token", "three").status, 200);
  EXPECT_EQ(Send("X-Token", "two").status, 200);
  EXPECT_EQ(Send("X-Token", "one").status, 401);
  const auto access = pipeline_->sources().at("learns")->access.Get();
  ASSERT_EQ(access->keys.size(), 2u);
  EXPECT_EQ(access->keys[0].id, "learned");
  EXPECT_EQ(access->keys[0].matched, 1u);
  EXPECT_EQ(access->keys[1].id, "learned-previous");
  EXPECT_EQ(access->keys[1].matched, 1u);
  ASSERT_TRUE(keys_->Keep("learns", "three").ok());
  EXPECT_EQ(Text(), "three\n") << "sent again";
}

TEST_F(LearnedKeysTest, WhatCannotBeWrittenIsNotInUse) {
  fs::create_directory(File() + ".new");
  Wait();
  const HttpResponse refused = Send("X-Secret", "s3cret");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body.find("new"), std::string::npos) << "senders see no path";
  EXPECT_FALSE(fs::exists(File()));
  EXPECT_EQ(Send("X-Token", "s3cret").status, 401);
}

TEST_F(LearnedKeysTest, WhatCanBeNoKeyIsRefusedAndLeavesTheFile) {
  ASSERT_TRUE(keys_->Keep("learns", "good").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(keys_->Keep("learns", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(keys_->Keep("learns", "a\nb").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(keys_->Keep("learns", " blank").status()))
      << "the verifier takes none";
  const std::string most(limits::kSecretBytesMax, 'a');
  EXPECT_TRUE(absl::IsInvalidArgument(keys_->Keep("learns", most + "a").status()));
  EXPECT_EQ(Text(), "good\n");
  EXPECT_TRUE(keys_->Keep("learns", most).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(keys_->Keep("plain", "x").status()));
}

TEST_F(LearnedKeysTest, AFileIsReadAtStart) {
  const auto read = [this](std::string_view text) {
    Write(text);
    const auto keys = ReadLearnedKeys(File());
    return keys.ok() ? StrJoin(*keys, ",") : std::string("refused");
  };
  EXPECT_TRUE(ReadLearnedKeys(File())->empty()) << "there is none";
  EXPECT_EQ(read("a\n"), "a");
  EXPECT_EQ(read("a"), "a");
  EXPECT_EQ(read("a\nb\n"), "a,b");
  for (const char* const bad : {"", "\n", "a\n\nb\n", "a\nb\nc\n", "a\x01\n", "\xc3\xa9\n"}) {
    EXPECT_EQ(read(bad), "refused") << bad;
  }
  SourceMap sources;
  EXPECT_THAT(FormatProblems("config", BuildSources(config_, &sources)),
              HasSubstr("sources[0].learned_key.file"));
}

TEST_F(LearnedKeysTest, CheckTellsThatThereIsNoneYetOrThatOthersRead) {
  const auto warnings = [this] {
    SourceMap sources;
    std::vector<ConfigProblem> found;
    EXPECT_TRUE(BuildSources(config_, &sources, {}, &found).empty());
    return FormatWarnings("config", found);
  };
  EXPECT_THAT(warnings(), HasSubstr("no key is learned yet"));
  EXPECT_THAT(warnings(), HasSubstr("hookctl sources learn learns"));
  ASSERT_TRUE(keys_->Keep("learns", "s3cret").ok());
  EXPECT_EQ(warnings(), "");
  fs::permissions(File(), fs::perms::group_read, fs::perm_options::add);
  EXPECT_THAT(warnings(), HasSubstr("is open to others"));
}

// Secrets that were read before the key came do not take it away.
TEST_F(LearnedKeysTest, ReadingAllKeysAgainKeepsWhatWasLearnedMeanwhile) {
  SourceMap fresh;
  ASSERT_TRUE(BuildSources(config_, &fresh).empty());
  Wait();
  EXPECT_EQ(Send("X-Secret", "s3cret").status, 200);
  EXPECT_THAT(keys_->ReplaceAccess(fresh), ElementsAre());
  EXPECT_EQ(Send("X-Token", "s3cret").status, 200);
}

// SIGHUP takes over where the file is.
TEST_F(LearnedKeysTest, TheFileMayMove) {
  ASSERT_TRUE(keys_->Keep("learns", "s3cret").ok());
  EXPECT_TRUE(keys_->Learns("learns"));
  EXPECT_FALSE(keys_->Learns("plain"));
  config::v1::Config moved = config_;
  fs::rename(File(), directory_ / "moved");
  moved.mutable_sources(0)->mutable_learned_key()->set_file((directory_ / "moved").string());
  SourceMap fresh;
  ASSERT_TRUE(BuildSources(moved, &fresh).empty());
  EXPECT_THAT(keys_->ReplaceAccess(fresh), ElementsAre());
  EXPECT_EQ(Send("X-Token", "s3cret").status, 200);
  ASSERT_TRUE(keys_->Keep("learns", "next").ok());
  EXPECT_EQ(Text(), "") << "the old file is left alone";
  EXPECT_EQ(ReadLearnedKeys((directory_ / "moved").string())->size(), 2u);
}

// At the same moment: handshakes, waits, webhooks and secrets that are read again.
TEST_F(LearnedKeysTest, AllAtOnce) {
  std::atomic<int> kept{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 20; ++n) Send("X-Secret", StrCat("key-", i, "-", n));
    });
  }
  threads.emplace_back([this, &kept] {
    for (int n = 0; n < 20; ++n) {
      const auto wait = offers_.Await("learns", [this, &kept](std::optional<OfferedKey> key) {
        const auto status = keys_->Keep("learns", key->secret).status();
        kept += status.ok();
        key->answer(status);
      });
      if (n % 2 == 1 && wait.ok()) offers_.Withdraw("learns", *wait);
    }
  });
  threads.emplace_back([this] {
    for (int n = 0; n < 10; ++n) {
      SourceMap fresh;
      EXPECT_TRUE(BuildSources(config_, &fresh).empty());
      EXPECT_THAT(keys_->ReplaceAccess(fresh), ElementsAre());
    }
  });
  for (std::thread& thread : threads) thread.join();
  Send("X-Secret", "rest");  // ends a wait that is left
  Wait();
  ASSERT_EQ(Send("X-Secret", "last").status, 200);
  EXPECT_EQ(Send("X-Token", "last").status, 200);
}

}  // namespace
}  // namespace hookbridge
