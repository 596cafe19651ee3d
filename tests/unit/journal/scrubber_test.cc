#include "server/journal/scrubber.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "tests/support/append_helper.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hookbridge {
namespace {

class ScrubberTest : public testing::Test {
 protected:
  ScrubberTest() {
    auto store = std::make_unique<MemoryStore>(JournalId{1});
    store_ = store.get();
    QueuedJournalOptions options;
    options.queue = {.events_max = 64, .bytes_max = 64 << 20};
    options.max_age = absl::Hours(1'000);
    options.log = &log_.logger();
    journal_ = std::make_unique<QueuedJournal>(options, std::move(store), clock_, nullptr);
    appender_ = std::make_unique<Appender>(*journal_);
  }
  ~ScrubberTest() override { journal_->Close(); }

  FakeClock clock_;
  CapturedLog log_{clock_};
  MemoryStore* store_ = nullptr;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Appender> appender_;
};

// A pass finds every damaged range and what is behind it, and the next pass comes a day later.
TEST_F(ScrubberTest, APassFindsDamageAndComesAgain) {
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(appender_->Append(StrCat("k", i)).status.ok());
  store_->DamageForTest(5, 7);
  Scrubber scrubber(*journal_, clock_);
  int steps = 0;
  absl::Duration wait;
  do {
    wait = scrubber.Step();
    ASSERT_LT(++steps, 20);
  } while (wait < absl::Hours(1));
  EXPECT_EQ(wait, absl::Hours(24));
  ASSERT_EQ(log_.Of("events_lost").size(), 1u);
  EXPECT_THAT(log_.Of("events_lost")[0], testing::HasSubstr("\"first_position\":5"));
  EXPECT_THAT(log_.Of("events_lost")[0], testing::HasSubstr("\"last_position\":7"));
  store_->DamageForTest(12, 12);
  do {
    wait = scrubber.Step();
    ASSERT_LT(++steps, 40);
  } while (wait < absl::Hours(1));
  EXPECT_EQ(log_.Of("events_lost").size(), 2u);
}

// It reads no faster than its limit, whatever retention does meanwhile.
TEST_F(ScrubberTest, KeepsItsPace) {
  const size_t large = 1 << 20;
  for (int i = 1; i <= 8; ++i) {
    ASSERT_TRUE(appender_->Append(StrCat("k", i), std::string(large, 'x')).status.ok());
  }
  Scrubber scrubber(*journal_, clock_);
  const absl::Duration wait = scrubber.Step();
  EXPECT_GE(wait, absl::Seconds(static_cast<double>(large) / limits::kScrubBytesPerSecond));
  EXPECT_LT(wait, absl::Seconds(1.2 * static_cast<double>(large) / limits::kScrubBytesPerSecond));
  ASSERT_TRUE(journal_->Trim(5).ok());
  EXPECT_EQ(scrubber.Step(), absl::ZeroDuration()) << "what went is passed over";
  EXPECT_GT(scrubber.Step(), absl::ZeroDuration());
}

}  // namespace
}  // namespace hookbridge
