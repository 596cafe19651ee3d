#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "tests/support/append_helper.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hookbridge {
namespace {

class RetentionTest : public testing::Test {
 protected:
  // The sink outlives its appends.
  ~RetentionTest() override { journal_->Close(); }

  void Open(QueuedJournalOptions options) {
    options.queue = {.events_max = 64, .bytes_max = 1 << 20};
    journal_ = std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(JournalId{1}),
                                               clock_, nullptr);
    appender_ = std::make_unique<Appender>(*journal_);
  }
  // Lets a second pass and the committer look after retention, until `done` holds.
  template <typename Done>
  void MaintainUntil(const Done& done) {
    while (!done(journal_->Info())) {
      clock_.Advance(absl::Seconds(1));
      ASSERT_TRUE(journal_->WriteState({}).ok());
    }
  }

  FakeClock clock_;
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
