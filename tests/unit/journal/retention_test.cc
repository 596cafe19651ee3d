#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "tests/support/append_helper.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <algorithm>

namespace hookbridge {
namespace {

class RetentionTest : public testing::Test {
 protected:
  // The sink outlives its appends.
  ~RetentionTest() override { journal_->Close(); }

  void Open(QueuedJournalOptions options) {
    Open(options, std::make_unique<MemoryStore>(JournalId{1}));
  }
  void Open(QueuedJournalOptions options, std::unique_ptr<Store> store) {
    options.queue = {.events_max = 64, .bytes_max = 1 << 20};
    options.log = &log_.logger();
    journal_ = std::make_unique<QueuedJournal>(options, std::move(store), clock_, nullptr);
    appender_ = std::make_unique<Appender>(*journal_);
  }
  // Time passes, and the committer looks after retention.
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    ASSERT_TRUE(journal_->WriteState({}).ok());
    // The committer maintains after its tasks, and may have read the clock before it was moved: the
    // third comes after that.
    ASSERT_TRUE(journal_->WriteState({}).ok());
    ASSERT_TRUE(journal_->WriteState({}).ok());
  }
  // A store with an event for each minute from now on.
  std::unique_ptr<MemoryStore> StoreOf(int minutes) {
    auto store = std::make_unique<MemoryStore>(JournalId{1});
    EventIdMinter minter(1, EventId());
    for (int i = 0; i < minutes; ++i) {
      auto event = std::make_shared<StoredEvent>();
      event->position = static_cast<Position>(i + 1);
      event->id = minter.Next(clock_.Now() + absl::Minutes(i));
      CommitGroup group;
      group.events.push_back(std::move(event));
      EXPECT_TRUE(store->Commit(group).ok());
    }
    return store;
  }
  // One event a minute; their append times end a minute before now.
  void AppendEveryMinute(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(appender_->Append(StrCat("m", next_++)).status.ok());
      clock_.Advance(absl::Minutes(1));
    }
    Pass(absl::Seconds(1));
  }
  Position first() const { return journal_->Info().first; }
  // Lets a second pass and the committer look after retention, until `done` holds.
  template <typename Done>
  void MaintainUntil(const Done& done) {
    while (!done(journal_->Info())) {
      clock_.Advance(absl::Seconds(1));
      ASSERT_TRUE(journal_->WriteState({}).ok());
    }
  }

  FakeClock clock_;
  CapturedLog log_{clock_};
  int next_ = 0;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Appender> appender_;
};

TEST_F(RetentionTest, EventsGoWhenTheyAreOlderThanMaxAge) {
  Open({.queue = {}, .max_age = absl::Minutes(10)});
  ASSERT_TRUE(appender_->Append("old").status.ok());
  clock_.Advance(absl::Minutes(9));
  ASSERT_TRUE(appender_->Append("young").status.ok());
  EXPECT_EQ(journal_->Info().first, 1u);
  clock_.Advance(absl::Minutes(1));
  MaintainUntil([](const JournalInfo& info) { return info.first == 2; });
  EXPECT_TRUE(absl::IsOutOfRange(journal_->Read(0, 10, SIZE_MAX).status()));
  const auto kept = journal_->Read(1, 10, SIZE_MAX);
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front()->runs.envelope, "envelope of young");
  EXPECT_TRUE(appender_->Append("old").receipts.front().duplicate) << "dedup has its own window";
}

TEST_F(RetentionTest, RefuseAnswersUntilThereIsRoom) {
  Open({.queue = {}, .max_age = absl::Minutes(10), .bytes_max = 10'000});
  for (int i = 0; i < 12; ++i) appender_->Append(StrCat("k", i), std::string(1'000, 'x'));
  MaintainUntil([](const JournalInfo& info) { return !info.writable; });
  EXPECT_THAT(journal_->Info().not_writable_reason, testing::HasSubstr("full"));
  EXPECT_FALSE(appender_->Append("more").status.ok());
  EXPECT_FALSE(journal_->CanAppend("source").ok());
  clock_.Advance(absl::Minutes(10));
  MaintainUntil([](const JournalInfo& info) { return info.writable; });
  EXPECT_TRUE(appender_->Append("more").status.ok());
}

// What goes is what is too much, not everything, and it is told.
TEST_F(RetentionTest, DropOldestRemovesTheExcessAlone) {
  Open({.queue = {},
        .max_age = absl::Hours(1),
        .bytes_max = 100'000,
        .when_full = FullPolicy::kDropOldest});
  for (int i = 0; i < 110; ++i) appender_->Append(StrCat("k", i), std::string(1'000, 'x'));
  MaintainUntil([](const JournalInfo& info) { return info.bytes <= 100'000; });
  for (int i = 0; i < 5; ++i) Pass(absl::Seconds(1));
  EXPECT_TRUE(journal_->Info().writable);
  EXPECT_GE(journal_->Info().bytes, 98'000u);
  EXPECT_GT(first(), 10u);
  EXPECT_LT(first(), 15u);
  EXPECT_TRUE(appender_->Append("more").status.ok());
  const auto told = log_.Of("journal_trimmed");
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told.front(), testing::HasSubstr("\"reason\":\"max_bytes\""));
  EXPECT_THAT(told.front(), testing::HasSubstr("\"first_position\":1,"));
}

// At most a quarter of the events goes at once, however much too much there is.
TEST_F(RetentionTest, DropOldestGoesInSteps) {
  Open({.queue = {},
        .max_age = absl::Hours(1),
        .bytes_max = 1'000,
        .when_full = FullPolicy::kDropOldest});
  Pass(absl::Seconds(1));
  for (int i = 0; i < 40; ++i) appender_->Append(StrCat("k", i), std::string(1'000, 'x'));
  EXPECT_EQ(first(), 1u);
  Pass(absl::Seconds(1));
  EXPECT_EQ(first(), 11u);
  Pass(absl::Seconds(1));
  EXPECT_EQ(first(), 18u);
}

// Its measure never falls, as when files shrink late.
class LateStore final : public MemoryStore {
 public:
  LateStore() : MemoryStore(JournalId{1}) {}
  uint64_t MeasureBytes() override { return most_ = std::max(most_, MemoryStore::MeasureBytes()); }

 private:
  uint64_t most_ = 0;
};

// A measure that does not show what went is not followed to the last event.
TEST_F(RetentionTest, AMeasureThatFallsLateDoesNotEmptyTheJournal) {
  Open({.queue = {},
        .max_age = absl::Hours(1),
        .bytes_max = 100'000,
        .when_full = FullPolicy::kDropOldest},
       std::make_unique<LateStore>());
  for (int i = 0; i < 110; ++i) appender_->Append(StrCat("k", i), std::string(1'000, 'x'));
  for (int i = 0; i < 59; ++i) Pass(absl::Seconds(1));
  EXPECT_GT(first(), 1u);
  EXPECT_LT(first(), 15u);
}

// A clock that jumps ahead removes nothing; what it would remove is shown and told.
TEST_F(RetentionTest, AClockThatJumpsAheadRemovesNothing) {
  Open({.queue = {}, .max_age = absl::Hours(100)});
  AppendEveryMinute(100);
  clock_.Step(absl::Hours(31 * 24));
  for (int i = 0; i < 600; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(first(), 1u);
  const auto hold = journal_->Info().retention_hold;
  ASSERT_TRUE(hold.has_value());
  EXPECT_EQ(hold->up_to, 100u);
  EXPECT_EQ(hold->events, 100u);
  EXPECT_EQ(log_.Of("retention_held").size(), 1u) << "once an hour";
  EXPECT_TRUE(appender_->Append("after").status.ok());
  clock_.Step(-absl::Hours(31 * 24));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(journal_->Info().retention_hold.has_value());
  EXPECT_EQ(first(), 1u);
}

// An operator's word lets go what was shown, and nothing newer.
TEST_F(RetentionTest, AnOperatorReleasesWhatIsHeld) {
  Open({.queue = {}, .max_age = absl::Hours(100)});
  EXPECT_TRUE(absl::IsFailedPrecondition(journal_->ReleaseRetention(1))) << "nothing is held";
  AppendEveryMinute(10);
  clock_.Step(absl::Hours(31 * 24));
  Pass(absl::Seconds(1));
  ASSERT_TRUE(journal_->Info().retention_hold.has_value());
  EXPECT_TRUE(absl::IsFailedPrecondition(journal_->ReleaseRetention(11))) << "more than is held";
  ASSERT_TRUE(appender_->Append("newer").status.ok());
  ASSERT_TRUE(journal_->ReleaseRetention(10).ok());
  EXPECT_EQ(first(), 11u);
  EXPECT_FALSE(journal_->Info().retention_hold.has_value());
  ASSERT_EQ(log_.Of("journal_trimmed").size(), 1u);
  EXPECT_THAT(log_.Of("journal_trimmed")[0], testing::HasSubstr("\"events\":10"));
}

// Held events do not stop retention: what grows too old with the time that passes goes.
TEST_F(RetentionTest, WhileItHoldsTimeStillPasses) {
  Open({.queue = {}, .max_age = absl::Hours(100)});
  AppendEveryMinute(10);
  clock_.Step(absl::Hours(31 * 24));
  Pass(absl::Seconds(1));
  clock_.Advance(absl::Hours(100) - absl::Minutes(5));
  Pass(absl::Seconds(1));
  EXPECT_GT(first(), 3u);
  EXPECT_LT(first(), 8u);
  EXPECT_TRUE(journal_->Info().retention_hold.has_value());
}

// Exactly as far behind as needs no word, and a second more: as after a long pause.
TEST_F(RetentionTest, HoldsBeyondTheLimitAlone) {
  for (const absl::Duration more : {absl::ZeroDuration(), absl::Seconds(1)}) {
    auto store = StoreOf(600);
    clock_.Step(absl::Hours(100) + limits::kRetentionHoldBeyond + more);
    Open({.queue = {}, .max_age = absl::Hours(100)}, std::move(store));
    Pass(absl::ZeroDuration());
    EXPECT_EQ(journal_->Info().retention_hold.has_value(), more > absl::ZeroDuration());
    journal_->Close();
  }
}

// A bridge that was off for some hours catches up at its pace, an hour in a minute.
TEST_F(RetentionTest, AShortPauseIsCaughtUpAtAPace) {
  auto store = StoreOf(600);
  clock_.Step(absl::Hours(110));  // 600 events, up to ten hours too old
  Open({.queue = {}, .max_age = absl::Hours(100)}, std::move(store));
  Pass(absl::ZeroDuration());
  EXPECT_FALSE(journal_->Info().retention_hold.has_value());
  EXPECT_EQ(first(), 1u);
  for (int i = 0; i < 60; ++i) Pass(absl::Seconds(1));
  EXPECT_GT(first(), 55u);
  EXPECT_LT(first(), 65u);
  for (int i = 0; i < 600; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(first(), 601u);
}

TEST_F(RetentionTest, DropOldestKeepsTheNewest) {
  Open({.queue = {},
        .max_age = absl::Hours(1),
        .bytes_max = 10'000,
        .when_full = FullPolicy::kDropOldest});
  for (int i = 0; i < 12; ++i) appender_->Append(StrCat("k", i), std::string(1'000, 'x'));
  MaintainUntil([](const JournalInfo& info) { return info.first > 1; });
  EXPECT_TRUE(journal_->Info().writable);
  EXPECT_TRUE(appender_->Append("more").status.ok());
}

}  // namespace
}  // namespace hookbridge
