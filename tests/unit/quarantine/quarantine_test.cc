#include "server/quarantine/quarantine.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/fake_clock.h"
#include "tests/support/request_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class NoSink final : public LogSink {
 public:
  void Write(std::string_view) override {}
};

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest()
      : directory_(fs::temp_directory_path() / StrCat("hookbridge-quarantine-", getpid())) {
    fs::remove_all(directory_);
  }
  ~QuarantineTest() override { fs::remove_all(directory_); }

  QuarantineOptions Options() const {
    return {.directory = (directory_ / "q").string(),
            .bytes_max = 1 << 20,
            .max_age = absl::Hours(1),
            .requests_per_second_max = 1'000};
  }
  std::unique_ptr<Quarantine> Open(QuarantineOptions options) {
    auto opened = Quarantine::Open(std::move(options), clock_, log_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  std::unique_ptr<Quarantine> Open() { return Open(Options()); }
  size_t CountFiles() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_ / "q"), fs::directory_iterator()));
  }
  static WebhookRequest Request(const std::string& id, absl::Duration after = absl::ZeroDuration(),
                                const std::string& body = "{body}\xff") {
    WebhookRequest request = RequestBuilder()
                                 .Header("X-A", "1")
                                 .Header("x-a", "2")
                                 .Token("tok")
                                 .Query("q=1")
                                 .Body(body)
                                 .Build();
    request.request_id = id;
    request.receive_time = kReceived + after;
    request.remote_address = "192.0.2.1";
    return request;
  }
  static WebhookRequest Of(const std::string& source, const std::string& id) {
    WebhookRequest request = Request(id);
    request.source = source;
    return request;
  }
  static std::vector<std::string> Ids(const Quarantine& quarantine, std::string_view source = "") {
    std::vector<std::string> ids;
    for (const RejectedRequest& rejected : quarantine.List(10'000, source)) {
      ids.push_back(rejected.request_id);
    }
    return ids;
  }

  static constexpr absl::Time kReceived = absl::FromUnixSeconds(1'700'000'000);
  const fs::path directory_;
  FakeClock clock_{kReceived};
  NoSink sink_;
  Logger log_{LogLevel::kError, sink_, clock_};
};

TEST_F(QuarantineTest, GivesBackTheWholeRequestAlsoAfterARestart) {
  const WebhookRequest request = Request("r1");
  {
    const auto quarantine = Open();
    EXPECT_TRUE(quarantine->Keep(request, Reason::kSignatureMismatch, "no key"));
  }
  const auto quarantine = Open();
  const auto listed = quarantine->List(10, "test");
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].reason, Reason::kSignatureMismatch);
  EXPECT_EQ(listed[0].detail, "no key");
  EXPECT_EQ(listed[0].time, kReceived);
  EXPECT_EQ(listed[0].body_bytes, request.body.size());
  EXPECT_TRUE(quarantine->List(10, "other").empty());

  const auto read = quarantine->Read("r1");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->body, request.body);
  EXPECT_EQ(read->method, request.method);
  EXPECT_EQ(read->path, request.path);
  EXPECT_EQ(read->query, "q=1");
  EXPECT_EQ(read->source, "test");
  EXPECT_EQ(read->token, "tok");
  EXPECT_EQ(read->receive_time, kReceived);
  EXPECT_EQ(read->remote_address, "192.0.2.1");
  ASSERT_EQ(read->headers.size(), 2u);
  EXPECT_EQ(read->headers[1].name, "x-a");
  EXPECT_EQ(read->headers[1].value, "2");

  EXPECT_TRUE(quarantine->Remove("r1").ok());
  EXPECT_EQ(quarantine->Read("r1").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(quarantine->Remove("r1").code(), absl::StatusCode::kNotFound);
}

TEST_F(QuarantineTest, OfOneMillisecondTheLaterIsNewer) {
  const auto quarantine = Open();
  for (const char* id : {"c", "a", "b"}) quarantine->Keep(Request(id), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), ElementsAre("b", "a", "c"));
}

TEST_F(QuarantineTest, NobodyElseMayRead) {
  const auto quarantine = Open();
  quarantine->Keep(Request("r1"), Reason::kSignatureMismatch, "");
  quarantine->Flush();
  struct stat facts {};
  ASSERT_EQ(stat((directory_ / "q").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
  for (const auto& file : fs::directory_iterator(directory_ / "q")) {
    ASSERT_EQ(stat(file.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
  }
}

// Bytes are those of the disk: whole blocks.
TEST_F(QuarantineTest, TheOldestGoFirst) {
  QuarantineOptions options = Options();
  options.bytes_max = 2 * 8'192;
  const auto quarantine = Open(options);
  for (int i = 0; i < 4; ++i) {
    quarantine->Keep(Request(StrCat("r", i), absl::Seconds(i), std::string(5'000, 'x')),
                     Reason::kSignatureMismatch, "");
  }
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), ElementsAre("r3", "r2"));
  EXPECT_EQ(CountFiles(), 2u);
  clock_.Advance(absl::Hours(2));
  quarantine->Keep(Request("r9", absl::Hours(2)), Reason::kSignatureMismatch, "");
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), ElementsAre("r9")) << "older than max_age";
  EXPECT_EQ(CountFiles(), 1u);
}

// Small requests cost no more files than the bound.
TEST_F(QuarantineTest, FilesAreBounded) {
  QuarantineOptions options = Options();
  options.files_max = 10;
  const auto quarantine = Open(options);
  for (int i = 0; i < 11; ++i) quarantine->Keep(Request(StrCat("r", i)), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_EQ(CountFiles(), 10u);
  EXPECT_EQ(quarantine->Read("r0").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(quarantine->Read("r1").ok());
}

// A flood of one source pushes out its own.
TEST_F(QuarantineTest, AFloodLeavesTheOthersWhatTheyHave) {
  QuarantineOptions options = Options();
  options.files_max = 10;
  const auto quarantine = Open(options);
  for (const char* id : {"q1", "q2"}) quarantine->Keep(Of("quiet", id), Reason::kInternal, "");
  for (int i = 0; i < 100; ++i) quarantine->Keep(Of("loud", StrCat(i)), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine, "quiet"), ElementsAre("q2", "q1"));
  EXPECT_EQ(Ids(*quarantine, "loud").size(), 8u);
}

// So many a second, of one source half; the rest is counted. Setting the clock changes nothing.
TEST_F(QuarantineTest, RequestsASecondAreBoundedAndShared) {
  QuarantineOptions options = Options();
  options.requests_per_second_max = 10;
  const auto quarantine = Open(options);
  int kept = 0;
  const auto keep = [&](const std::string& source) {
    const bool is_kept = quarantine->Keep(Of(source, StrCat("r", kept)), Reason::kInternal, "");
    kept += is_kept ? 1 : 0;
    return is_kept;
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(keep("loud"));
  EXPECT_FALSE(keep("loud"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(keep("b"));
  EXPECT_TRUE(keep("c"));
  EXPECT_FALSE(keep("d")) << "ten came";
  EXPECT_EQ(quarantine->skipped(), 2u);
  clock_.Step(absl::Minutes(1));
  EXPECT_FALSE(keep("d"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(keep("d"));
  quarantine->Flush();
  EXPECT_EQ(CountFiles(), 11u);
}

// What became too old goes also when nobody sends.
TEST_F(QuarantineTest, OldOnesGoByThemselves) {
  QuarantineOptions options = Options();
  options.sweep_interval = absl::Milliseconds(1);
  const auto quarantine = Open(options);
  quarantine->Keep(Request("r1"), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_EQ(CountFiles(), 1u);
  clock_.Advance(absl::Hours(2));
  while (CountFiles() > 0) std::this_thread::yield();
}

// The bounds hold from the start, for what an earlier run left too.
TEST_F(QuarantineTest, OpeningAppliesTheBounds) {
  {
    const auto quarantine = Open();
    for (int i = 0; i < 5; ++i) quarantine->Keep(Request(StrCat("r", i)), Reason::kInternal, "");
  }
  const std::string newest = (directory_ / "q" / "1700000000000-000005-r4.test.request").string();
  ASSERT_TRUE(fs::exists(newest));
  // As a version that had no source in the name wrote it, and one that was not finished.
  fs::rename(newest, directory_ / "q" / "1700000000000-000005-r4.request");
  std::ofstream(directory_ / "q" / "1700000000000-000006-r5.test.request.new") << "half";
  QuarantineOptions options = Options();
  options.files_max = 2;
  const auto quarantine = Open(options);
  EXPECT_THAT(Ids(*quarantine, "test"), ElementsAre("r4", "r3"));
  EXPECT_EQ(CountFiles(), 2u);
}

// A clock whose wall reading can be held up, and whose steady reading goes on with each look.
class TickingClock final : public Clock {
 public:
  absl::Time Now() const override {
    MutexLock lock(mutex_);
    while (held_) changed_.Wait(mutex_);
    return absl::FromUnixSeconds(1'700'000'000);
  }
  absl::Duration Steady() const override {
    MutexLock lock(mutex_);
    // Stop has looked at the time: the writer may go on.
    if (release_at_next_) held_ = false;
    changed_.NotifyAll();
    if (release_at_next_) ticks_ += 1;
    return limits::kQuarantineStopTimeout / 4 * ticks_;
  }
  void Hold() {
    MutexLock lock(mutex_);
    held_ = true;
  }
  void ReleaseAtNextSteady() {
    MutexLock lock(mutex_);
    release_at_next_ = true;
  }

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  mutable bool held_ ABSL_GUARDED_BY(mutex_) = false;
  mutable bool release_at_next_ ABSL_GUARDED_BY(mutex_) = false;
  mutable int ticks_ ABSL_GUARDED_BY(mutex_) = 0;
};

// The end takes a bounded time, whatever waits to be written.
TEST_F(QuarantineTest, StoppingIsBounded) {
  TickingClock clock;
  auto opened = Quarantine::Open(Options(), clock, log_);
  ASSERT_TRUE(opened.ok());
  Quarantine& quarantine = **opened;
  clock.Hold();
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(quarantine.Keep(Request(StrCat("r", i)), Reason::kInternal, ""));
  }
  clock.ReleaseAtNextSteady();
  quarantine.Stop();
  const size_t written = CountFiles();
  EXPECT_LE(written, 6u) << "a quarter of the time for each";
  EXPECT_GE(written, 1u);
  EXPECT_EQ(written + quarantine.skipped(), 50u);
  EXPECT_FALSE(quarantine.Keep(Request("late"), Reason::kInternal, ""));
}

TEST_F(QuarantineTest, WhatIsTooMuchOrDamagedIsLeftOut) {
  QuarantineOptions options = Options();
  options.bytes_max = 100 << 20;
  const auto quarantine = Open(options);
  const std::string most(limits::kQuarantineWaitingBytesMax, 'x');
  EXPECT_FALSE(quarantine->Keep(Request("big", absl::ZeroDuration(), most), Reason::kInternal, ""));
  quarantine->Keep(Request("good"), Reason::kInternal, "");
  quarantine->Keep(Request("bad"), Reason::kInternal, "");
  quarantine->Flush();
  std::ofstream(directory_ / "q" / "1700000000000-000002-bad.test.request") << "\xff\xff";
  std::ofstream(directory_ / "q" / "note.txt") << "kept";
  EXPECT_THAT(Ids(*quarantine), ElementsAre("good"));
  for (const char* id : {"bad", "", "../q/1700000000000-good", "ood", "*"}) {
    EXPECT_FALSE(quarantine->Read(id).ok()) << id;
  }
}

// A request that cannot fit, and a directory that cannot be written, are counted.
TEST_F(QuarantineTest, WhatCannotBeWrittenIsCounted) {
  QuarantineOptions options = Options();
  options.bytes_max = 4'096;
  const auto quarantine = Open(options);
  quarantine->Keep(Request("big", absl::ZeroDuration(), std::string(5'000, 'x')), Reason::kInternal,
                   "");
  quarantine->Flush();
  EXPECT_EQ(quarantine->skipped(), 1u);
  fs::remove_all(directory_ / "q");
  quarantine->Keep(Request("r1"), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_EQ(quarantine->skipped(), 2u);
  EXPECT_THAT(Ids(*quarantine), testing::IsEmpty());
}

TEST_F(QuarantineTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(directory_.string()) << "a file";
  const auto opened = Quarantine::Open(
      {.directory = (directory_ / "q").string(), .bytes_max = 1, .max_age = absl::Hours(1)}, clock_,
      log_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr("quarantine.directory"));
}

}  // namespace
}  // namespace hookbridge
