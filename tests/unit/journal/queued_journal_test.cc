#include "server/journal/queued_journal.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/kept_bytes.h"
#include "server/journal/memory/memory_store.h"
#include "tests/support/append_helper.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <unistd.h>

#include <filesystem>

namespace hookbridge {
namespace {

class QueuedJournalTest : public testing::Test {
 protected:
  ~QueuedJournalTest() override {
    if (journal_ != nullptr) journal_->Close();
    std::filesystem::remove_all(path_);
  }

  void Open(uint64_t reserve_bytes = 0,
            std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>(JournalId{1})) {
    store_ = store.get();
    QueuedJournalOptions options;
    options.queue = {.events_max = 64, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    options.reserve_bytes = reserve_bytes;
    options.log = &log_.logger();
    auto directory = JournalDirectory::Open(path_);
    ASSERT_TRUE(directory.ok()) << directory.status();
    journal_ = std::make_unique<QueuedJournal>(options, std::move(store), clock_, nullptr,
                                               *std::move(directory));
    appender_ = std::make_unique<Appender>(*journal_);
  }

  const std::string path_ =
      (std::filesystem::temp_directory_path() / StrCat("hookbridge-queued-", getpid())).string();
  FakeClock clock_;
  CapturedLog log_{clock_};
  MemoryStore* store_ = nullptr;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Appender> appender_;
};

// The back-off of healing is time that passes, whatever the wall clock is set to meanwhile.
TEST_F(QueuedJournalTest, HealsWhateverTheClockIsSetTo) {
  for (const absl::Duration step : {-absl::Hours(1), absl::Hours(1)}) {
    Open();
    store_->FailCommitsForTest(absl::UnavailableError("broken"));
    EXPECT_FALSE(appender_->Append("a").status.ok());
    EXPECT_FALSE(journal_->Info().writable);
    clock_.Step(step);
    store_->FailCommitsForTest(absl::OkStatus());
    clock_.Advance(absl::Seconds(2));  // the longest back-off
    while (!journal_->Info().writable) journal_->WriteState({}).IgnoreError();
    EXPECT_TRUE(appender_->Append("a").status.ok());
    journal_->Close();
    journal_.reset();
  }
}

// Its rows of provider event ids cannot be read.
class RowlessStore final : public MemoryStore {
 public:
  RowlessStore() : MemoryStore(JournalId{1}) {}
  absl::StatusOr<std::optional<DedupRow>> FindDedup(const DedupHash&, absl::Time) override {
    return absl::DataLossError("journal: a dedup row is damaged");
  }
};

// A damaged row does not refuse its webhook for ever, nor others with it.
TEST_F(QueuedJournalTest, ADamagedDedupRowRefusesNothing) {
  Open(0, std::make_unique<RowlessStore>());
  EXPECT_TRUE(appender_->Append("a").status.ok());
  EXPECT_TRUE(appender_->Append("b").status.ok());
  EXPECT_TRUE(journal_->Info().writable);
  EXPECT_EQ(log_.Of("dedup_row_damaged").size(), 2u);
}

// A disk without room for the reserve: nothing is taken, and all else works.
TEST_F(QueuedJournalTest, AFullDiskIsReadAndTrimmed) {
  Open();
  ASSERT_TRUE(appender_->Append("a").status.ok());
  const EventId id = appender_->Append("b").receipts[0].id;
  journal_->Close();
  journal_.reset();
  Open(std::filesystem::space(path_).capacity);
  EXPECT_THAT(journal_->Info().not_writable_reason, testing::HasSubstr("is full"));
  EXPECT_TRUE(absl::IsUnavailable(journal_->CanAppend("source")));
  EXPECT_TRUE(absl::IsResourceExhausted(appender_->Append("c").status));
  // The store in memory is a new one: what a disk holds is filled in beneath the journal.
  CommitGroup group;
  for (Position position = 1; position <= 3; ++position) {
    auto event = std::make_shared<StoredEvent>();
    event->position = position;
    event->id = id;
    group.events.push_back(std::move(event));
  }
  ASSERT_TRUE(store_->Commit(group).ok());
  EXPECT_EQ(journal_->Read(0, 10, SIZE_MAX)->size(), 3u);
  EXPECT_TRUE(journal_->Trim(2).ok());
  EXPECT_EQ(journal_->Info().first, 3u);
}

// Ranges at their limit, and one more: that one is found anew by each read.
TEST_F(QueuedJournalTest, LostRangesAtTheirLimitAndOneMore) {
  LostEvents lost(&log_.logger());
  for (Position i = 1; i <= limits::kLostRangesMax; ++i) {
    lost.Add({.first = 10 * i, .last = 10 * i + 2}, "test");
  }
  EXPECT_EQ(lost.List(0).size(), limits::kLostRangesMax);
  EXPECT_TRUE(lost.At(10 * limits::kLostRangesMax + 2).has_value());
  lost.Add({.first = 1, .last = 1}, "test");
  EXPECT_EQ(lost.List(0).size(), limits::kLostRangesMax);
  EXPECT_FALSE(lost.At(1).has_value());
}

// A range swallows those inside of it, and is known inside of another.
TEST_F(QueuedJournalTest, LostRangesDoNotOverlap) {
  LostEvents lost(&log_.logger());
  lost.Add({.first = 5, .last = 6}, "test");
  lost.Add({.first = 8, .last = 9}, "test");
  lost.Add({.first = 4, .last = 9}, "test");
  lost.Add({.first = 5, .last = 9}, "test");
  ASSERT_EQ(lost.List(0).size(), 1u);
  EXPECT_EQ(lost.At(7)->first, 7u);
  EXPECT_EQ(lost.At(7)->last, 9u);
  EXPECT_FALSE(lost.At(3).has_value());
  EXPECT_FALSE(lost.At(10).has_value());
  EXPECT_EQ(lost.From(1)->first, 4u);
  EXPECT_FALSE(lost.From(5).has_value());
  EXPECT_TRUE(lost.List(10).empty());
  EXPECT_EQ(lost.last(), 9u);
}

// What is counted falls by what is trimmed, to a step of events, and to nothing at the end.
TEST(KeptBytesTest, FallsWithWhatIsTrimmed) {
  KeptBytes kept;
  kept.Reset(100);
  EXPECT_EQ(kept.begin(), 101u);
  for (Position position = 101; position <= 1'100; ++position) kept.Add(position, 10);
  EXPECT_EQ(kept.bytes(), 10'000u);
  kept.TrimTo(50, 1'100);
  EXPECT_EQ(kept.bytes(), 10'000u);
  kept.TrimTo(600, 1'100);
  EXPECT_GE(kept.bytes(), 5'000u);
  EXPECT_LT(kept.bytes(), 5'000u + 10 * KeptBytes::kStep);
  kept.TrimTo(1'100, 1'100);
  EXPECT_EQ(kept.bytes(), 0u);
  kept.Add(1'101, 7);
  EXPECT_EQ(kept.bytes(), 7u);
}

}  // namespace
}  // namespace hookbridge
