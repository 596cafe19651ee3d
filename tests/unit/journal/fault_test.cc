#include "server/base/strings.h"
#include "server/journal/inspect.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"
#include "tests/support/append_helper.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <fcntl.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

namespace hookbridge {
namespace {

enum class Fault { kNone, kSync, kWrite, kNoSpace };

// A disk whose writes or syncs of the log fail while a fault is set.
class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::atomic<Fault>& fault)
      : FSWritableFileOwnerWrapper(std::move(file)), fault_(fault) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (fault_ == Fault::kNoSpace) return rocksdb::IOStatus::NoSpace("no space left on device");
    if (fault_ == Fault::kWrite) return rocksdb::IOStatus::IOError("write: input/output error");
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    if (fault_ == Fault::kSync) return rocksdb::IOStatus::IOError("sync: input/output error");
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }

 private:
  std::atomic<Fault>& fault_;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(std::atomic<Fault>& fault)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), fault_(fault) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (fault_ == Fault::kNoSpace) return rocksdb::IOStatus::NoSpace("no space left on device");
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, file, debug);
    if (status.ok() && name.ends_with(".log")) {
      *file = std::make_unique<FaultyFile>(std::move(*file), fault_);
    }
    return status;
  }

 private:
  std::atomic<Fault>& fault_;
};

class JournalFaultTest : public testing::Test {
 protected:
  JournalFaultTest() {
    directory_ = std::filesystem::temp_directory_path() / StrCat("hookbridge-fault-", getpid());
    std::filesystem::remove_all(directory_);
  }
  ~JournalFaultTest() override {
    journal_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open(rocksdb::Env* env = nullptr) {
    auto store = RocksDbStore::Open({.directory = directory_.string(), .env = env}, system_clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    QueuedJournalOptions options;
    options.queue = {.events_max = 4096, .bytes_max = 64 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, *std::move(store), system_clock_, nullptr);
    appender_ = std::make_unique<Appender>(*journal_);
  }

  // Until the journal takes appends again; the fault is gone, so it will.
  void AwaitWritable() {
    while (!journal_->Info().writable) std::this_thread::yield();
  }

  // Fault, refusal, heal without restart, and a retry that is stored once.
  void ExpectHeals(Fault fault) {
    std::atomic<Fault> disk{Fault::kNone};
    const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(disk));
    Open(env.get());
    ASSERT_TRUE(appender_->Append("before", "b1").status.ok());
    disk = fault;
    const AppendOutcome refused = appender_->Append("during", "b2");
    EXPECT_FALSE(refused.status.ok());
    EXPECT_FALSE(journal_->Info().writable);
    EXPECT_FALSE(journal_->Info().not_writable_reason.empty());
    EXPECT_TRUE(absl::IsUnavailable(journal_->CanAppend("source")));
    EXPECT_FALSE(appender_->Append("also during").status.ok());
    disk = Fault::kNone;
    AwaitWritable();
    ASSERT_TRUE(appender_->Append("during", "b2").status.ok());
    ASSERT_TRUE(appender_->Append("after", "b3").status.ok());
    const auto events = journal_->Read(0, 100, SIZE_MAX);
    ASSERT_TRUE(events.ok()) << events.status();
    std::vector<std::string> envelopes;
    for (const StoredEventPtr& event : *events) envelopes.push_back(event->runs.envelope);
    EXPECT_THAT(envelopes, testing::ElementsAre("envelope of before", "envelope of during",
                                                "envelope of after"));
    journal_.reset();
  }

  SystemClock system_clock_;
  std::filesystem::path directory_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Appender> appender_;
};

// A sync that fails may have stored the event: the retry finds it, or stores it, once.
TEST_F(JournalFaultTest, FailedSyncHeals) { ExpectHeals(Fault::kSync); }
TEST_F(JournalFaultTest, FailedWriteHeals) { ExpectHeals(Fault::kWrite); }
TEST_F(JournalFaultTest, FullDiskHeals) { ExpectHeals(Fault::kNoSpace); }

// A log whose tail is torn opens at the last whole group.
TEST_F(JournalFaultTest, TornTailOpensAtTheLastWholeGroup) {
  Open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(appender_->Append(StrCat("k", i)).status.ok());
  // A copy of the files as they are now is what a crash would leave: closing would flush the log.
  const auto crashed = directory_.string() + "-crashed";
  std::filesystem::remove_all(crashed);
  std::filesystem::copy(directory_, crashed);
  journal_.reset();
  std::filesystem::path log;
  for (const auto& entry : std::filesystem::directory_iterator(crashed)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
  }
  ASSERT_FALSE(log.empty());
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  std::filesystem::remove_all(directory_);
  std::filesystem::rename(crashed, directory_);
  Open();
  EXPECT_EQ(journal_->Info().last, 4u);
  EXPECT_FALSE(appender_->Append("k4").receipts[0].duplicate) << "the torn event comes again";
  EXPECT_TRUE(appender_->Append("k3").receipts[0].duplicate);
}

// One directory, one process.
TEST_F(JournalFaultTest, SecondOpenIsRefusedClearly) {
  Open();
  const auto second = RocksDbStore::Open({.directory = directory_.string()}, system_clock_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr("in use"));
}

// A directory that cannot be made is named.
TEST_F(JournalFaultTest, DirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(directory_.string()) << "a file";
  const auto opened =
      RocksDbStore::Open({.directory = directory_.string() + "/data"}, system_clock_);
  EXPECT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr(directory_.string()));
}

// Inspect reads what a stopped bridge left, and finds nothing wrong with it.
TEST_F(JournalFaultTest, InspectPrintsAndChecks) {
  Open();
  ASSERT_TRUE(appender_->Append("a").status.ok());
  ASSERT_TRUE(appender_->Append("b").status.ok());
  journal_.reset();
  std::string report;
  const absl::Status status = journal::Inspect(directory_.string(), {.events = true}, &report);
  EXPECT_TRUE(status.ok()) << status << report;
  EXPECT_THAT(report, testing::HasSubstr("events      2"));
  EXPECT_THAT(report, testing::HasSubstr("dedup rows  2"));
  EXPECT_FALSE(journal::Inspect("/nonexistent", {}, &report).ok());
}

// A child appends and says what was acknowledged; it is killed; everything it said is there.
TEST_F(JournalFaultTest, KilledProcessLosesNothingAcknowledged) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  int next = 0;
  for (int round = 0; round < 10; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(pipe_ends[0]);
      Open();
      for (int i = next;; ++i) {
        if (!appender_->Append(StrCat("key", i)).status.ok()) _exit(1);
        if (write(pipe_ends[1], &i, sizeof i) != sizeof i) _exit(1);
      }
    }
    close(pipe_ends[1]);
    const int acks = static_cast<int>(random() % 60) + 1;
    int last = -1;
    for (int i = 0; i < acks; ++i)
      ASSERT_EQ(read(pipe_ends[0], &last, sizeof last), ssize_t{sizeof last});
    kill(child, SIGKILL);
    int more = 0;
    while (read(pipe_ends[0], &more, sizeof more) == ssize_t{sizeof more}) last = more;
    close(pipe_ends[0]);
    waitpid(child, nullptr, 0);
    next = last + 1;
    Open();
    const auto events = journal_->Read(0, 100'000, SIZE_MAX);
    ASSERT_TRUE(events.ok()) << events.status();
    std::set<std::string> stored;
    for (const StoredEventPtr& event : *events) {
      EXPECT_TRUE(stored.insert(event->runs.envelope).second) << "twice, seed " << seed;
    }
    for (int i = 0; i <= last; ++i) {
      EXPECT_TRUE(stored.contains(StrCat("envelope of key", i))) << i << " lost, seed " << seed;
    }
    journal_.reset();
  }
}

}  // namespace
}  // namespace hookbridge
