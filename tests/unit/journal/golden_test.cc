// A directory that an older build wrote is read by this one, byte for byte.
#include "server/base/strings.h"
#include "server/journal/inspect.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"
#include "tests/support/append_helper.h"
#include "tests/support/fake_clock.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <unistd.h>

#include <filesystem>

namespace hookbridge {
namespace {

class GoldenJournalTest : public testing::Test {
 protected:
  GoldenJournalTest() {
    directory_ = std::filesystem::temp_directory_path() / StrCat("hookbridge-golden-", getpid());
    std::filesystem::remove_all(directory_);
    std::filesystem::copy(HOOKBRIDGE_SOURCE_DIR "/tests/data/journal-v1", directory_);
  }
  ~GoldenJournalTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  // A day after it was written.
  FakeClock clock_{absl::FromUnixSeconds(1'795'700'000)};
};

TEST_F(GoldenJournalTest, InspectFindsNothingWrong) {
  std::string report;
  const absl::Status status = journal::Inspect(directory_.string(), {}, &report);
  EXPECT_TRUE(status.ok()) << status << report;
  EXPECT_THAT(report, testing::HasSubstr("events      6"));
  EXPECT_THAT(report, testing::HasSubstr("findings    0"));
}

TEST_F(GoldenJournalTest, EventsAndDedupAreThereAndItGoesOn) {
  auto store = RocksDbStore::Open({.directory = directory_.string(), .env = nullptr}, clock_);
  ASSERT_TRUE(store.ok()) << store.status();
  QueuedJournalOptions options;
  options.queue = {.events_max = 64, .bytes_max = 1 << 20};
  options.max_age = absl::Hours(24 * 365);
  QueuedJournal journal(options, *std::move(store), clock_, nullptr);
  const auto events = journal.Read(0, 100, SIZE_MAX);
  ASSERT_TRUE(events.ok()) << events.status();
  std::vector<std::string> types;
  for (const StoredEventPtr& stored : *events) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromString(stored->runs.envelope + stored->runs.raw));
    EXPECT_FALSE(event.raw().body().empty());
    EXPECT_FALSE(event.dedup_key().empty());
    types.push_back(event.type());
  }
  EXPECT_THAT(types, testing::ElementsAre("payment.capture.succeeded", "payment.capture.succeeded",
                                          "payment.capture.succeeded", "payment_intent.succeeded",
                                          "payment_intent.succeeded", "payment_intent.succeeded"));
  EXPECT_EQ(events->front()->id.ToString(), "01a20dce-fc59-7000-8007-398c707eae96");
  EXPECT_EQ((*journal.Find(events->back()->id))->position, 6u);
  Appender appender(journal);
  const AppendOutcome next = appender.Append("after");
  ASSERT_TRUE(next.status.ok());
  EXPECT_EQ(next.receipts.front().position, 7u);
  EXPECT_GT(next.receipts.front().id, events->back()->id);
}

}  // namespace
}  // namespace hookbridge
