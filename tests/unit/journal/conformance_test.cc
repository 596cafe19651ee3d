#include "server/base/strings.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"
#include "tests/support/append_helper.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

namespace hookbridge {
namespace {

enum class Engine { kMemory, kRocksDb };

// Hears commits, as a stream would.
class Listener final : public CommitListener {
 public:
  void OnCommitted(std::span<const StoredEventPtr> events) override {
    MutexLock lock(mutex_);
    for (const StoredEventPtr& event : events) positions_.push_back(event->position);
  }
  std::vector<Position> positions() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    return positions_;
  }

 private:
  Mutex mutex_;
  std::vector<Position> positions_ ABSL_GUARDED_BY(mutex_);
};

// What every engine promises, through the interface.
class JournalConformanceTest : public testing::TestWithParam<Engine> {
 protected:
  JournalConformanceTest() {
    directory_ = std::filesystem::temp_directory_path() /
                 StrCat("hookbridge-journal-", reinterpret_cast<uintptr_t>(this), "-",
                        std::hash<std::thread::id>()(std::this_thread::get_id()));
    std::filesystem::remove_all(directory_);
    options_.queue = {.events_max = 64, .bytes_max = 1 << 20};
    options_.max_age = absl::Hours(24);
    Open();
  }
  ~JournalConformanceTest() override {
    journal_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    std::unique_ptr<Store> store;
    if (GetParam() == Engine::kMemory) {
      store = std::make_unique<MemoryStore>(JournalId{1, 2, 3});
    } else {
      auto opened = RocksDbStore::Open({.directory = directory_.string()}, clock_);
      ASSERT_TRUE(opened.ok()) << opened.status();
      store = *std::move(opened);
    }
    journal_ = std::make_unique<QueuedJournal>(options_, std::move(store), clock_, &listener_);
    appender_ = std::make_unique<Appender>(*journal_);
  }
  // Closes and opens again; only a durable engine has anything then.
  void Reopen() {
    journal_.reset();
    Open();
  }

  std::vector<std::string> ReadBodies(Position after) {
    const auto events = journal_->Read(after, 1000, SIZE_MAX);
    std::vector<std::string> bodies;
    if (!events.ok()) return {"error"};
    for (const StoredEventPtr& event : *events) bodies.push_back(event->runs.raw);
    return bodies;
  }

  FakeClock clock_;
  Listener listener_;
  QueuedJournalOptions options_;
  std::filesystem::path directory_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Appender> appender_;
};

// Positions grow without gaps, ids in the same order, and what was appended is read back.
TEST_P(JournalConformanceTest, AppendsInOrderAndReadsBack) {
  EventId last;
  for (int i = 1; i <= 5; ++i) {
    const AppendOutcome outcome = appender_->Append(StrCat("key", i), StrCat("body", i));
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    ASSERT_EQ(outcome.receipts.size(), 1u);
    EXPECT_EQ(outcome.receipts[0].position, static_cast<Position>(i));
    EXPECT_GT(outcome.receipts[0].id, last);
    last = outcome.receipts[0].id;
  }
  EXPECT_THAT(ReadBodies(0), testing::ElementsAre("body1", "body2", "body3", "body4", "body5"));
  EXPECT_THAT(ReadBodies(3), testing::ElementsAre("body4", "body5"));
  EXPECT_THAT(ReadBodies(5), testing::IsEmpty());
  EXPECT_THAT(listener_.positions(), testing::ElementsAre(1, 2, 3, 4, 5));
  const auto events = *journal_->Read(0, 1, SIZE_MAX);
  EXPECT_EQ(events[0]->runs.envelope, "envelope of key1");
  EXPECT_EQ(events[0]->runs.parsed_form, ParsedForm::kJson);
}

// The same provider event enters once, and the retry gets the first one's receipt.
TEST_P(JournalConformanceTest, DuplicateGetsTheFirstReceipt) {
  const AppendOutcome first = appender_->Append("same", "first body");
  const AppendOutcome second = appender_->Append("same", "other body");
  ASSERT_TRUE(second.status.ok());
  EXPECT_FALSE(first.receipts[0].duplicate);
  EXPECT_TRUE(second.receipts[0].duplicate);
  EXPECT_EQ(second.receipts[0].id, first.receipts[0].id);
  EXPECT_EQ(second.receipts[0].position, first.receipts[0].position);
  EXPECT_THAT(ReadBodies(0), testing::ElementsAre("first body"));
}

// After the window the same id is a new event.
TEST_P(JournalConformanceTest, TellsARepeatFromAnotherBodyAlsoAfterARestart) {
  const auto append = [&](uint32_t crc) {
    AppendRequest request = Appender::One("k");
    request.events[0].body_crc = crc;
    return appender_->Start(std::move(request)).get().receipts.front();
  };
  EXPECT_FALSE(append(7).duplicate);
  EXPECT_FALSE(append(7).other_body);
  EXPECT_TRUE(append(8).other_body);
  EXPECT_TRUE(append(0xffffffff).other_body);
  if (GetParam() == Engine::kMemory) return;
  journal_.reset();
  Open();
  EXPECT_FALSE(append(7).other_body);
  EXPECT_TRUE(append(8).other_body);
}

// An event whose body is `crc`, under the id `key`; another body gets the id `key`, `+` and its
// crc.
NewEvent Conflicting(const std::string& key, uint32_t crc, const std::string& body) {
  NewEvent event = Appender::Event(key, body);
  event.body_crc = crc;
  event.unconflict = [key, crc](const EventRuns& runs, const EventId& first) {
    return NewEvent::Unconflicted{
        .hash = Appender::Event(StrCat(key, "+", crc), "").dedup_hash,
        .envelope = StrCat(runs.envelope, " conflicts with ", first.ToString())};
  };
  return event;
}

// What was acknowledged is on the stream: the same id with another body is an event of its own, and
// its retry is a duplicate of that one; in one request, in one group, later and after a restart.
TEST_P(JournalConformanceTest, AnotherBodyUnderAKnownIdIsStored) {
  const auto append = [&](std::vector<NewEvent> events) {
    AppendRequest request;
    request.source = "source";
    request.events = std::move(events);
    return appender_->Start(std::move(request)).get().receipts;
  };
  const auto batch = append({Conflicting("k", 1, "a"), Conflicting("k", 2, "b"),
                             Conflicting("k", 1, "a"), Conflicting("k", 2, "b")});
  ASSERT_EQ(batch.size(), 4u);
  EXPECT_FALSE(batch[0].duplicate || batch[0].other_body);
  EXPECT_TRUE(batch[1].other_body && !batch[1].duplicate) << "stored, and told";
  EXPECT_NE(batch[1].id, batch[0].id);
  EXPECT_TRUE(batch[2].duplicate && batch[2].id == batch[0].id);
  EXPECT_TRUE(batch[3].duplicate && batch[3].id == batch[1].id) << "the retry of the second";
  EXPECT_FALSE(batch[3].other_body);
  EXPECT_EQ((*journal_->Read(1, 1, SIZE_MAX))[0]->runs.envelope,
            StrCat("envelope of k conflicts with ", batch[0].id.ToString()));

  EXPECT_TRUE(append({Conflicting("k", 2, "b")})[0].duplicate) << "in a later group";
  if (GetParam() != Engine::kMemory) Reopen();
  EXPECT_TRUE(append({Conflicting("k", 1, "a")})[0].duplicate);
  EXPECT_EQ(append({Conflicting("k", 2, "b")})[0].id, batch[1].id);
  EXPECT_FALSE(append({Conflicting("k", 3, "c")})[0].duplicate);
  EXPECT_THAT(ReadBodies(0), testing::ElementsAre("a", "b", "c"));
}

// Requests that meet in one group see each other's conflicts.
TEST_P(JournalConformanceTest, ConflictsBetweenConcurrentRequestsLoseNothing) {
  std::vector<std::future<AppendOutcome>> waiting;
  for (uint32_t i = 0; i < 40; ++i) {
    AppendRequest request;
    request.source = "source";
    request.events.push_back(Conflicting("k", i % 4, StrCat("body", i % 4)));
    waiting.push_back(appender_->Start(std::move(request)));
    if (i % 8 == 7) waiting[i - 7].wait();
  }
  for (auto& outcome : waiting) EXPECT_TRUE(outcome.get().status.ok());
  EXPECT_THAT(ReadBodies(0), testing::UnorderedElementsAre("body0", "body1", "body2", "body3"));
}

TEST_P(JournalConformanceTest, DedupEndsWithItsWindow) {
  appender_->Append("same", "one");
  clock_.Advance(absl::Minutes(59));
  EXPECT_TRUE(appender_->Append("same", "two").receipts[0].duplicate);
  clock_.Advance(absl::Minutes(2));
  EXPECT_FALSE(appender_->Append("same", "three").receipts[0].duplicate);
}

// Copies inside one request and between concurrent requests are found too.
TEST_P(JournalConformanceTest, DuplicatesWithinAGroup) {
  AppendRequest request = Appender::One("a");
  request.events.push_back(Appender::Event("a", "again"));
  request.events.push_back(Appender::Event("b", "b"));
  const AppendOutcome outcome = appender_->Start(std::move(request)).get();
  ASSERT_EQ(outcome.receipts.size(), 3u);
  EXPECT_TRUE(outcome.receipts[1].duplicate);
  EXPECT_EQ(outcome.receipts[1].id, outcome.receipts[0].id);
  EXPECT_FALSE(outcome.receipts[2].duplicate);
}

// Many appenders at once: every key once, positions dense, the listener in order.
TEST_P(JournalConformanceTest, ConcurrentAppendersKeepOneOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        // Every key is sent by two threads.
        appender_->Append(StrCat("key", t / 2, "-", i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto events = journal_->Read(0, 10'000, SIZE_MAX);
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), static_cast<size_t>(kThreads / 2 * kEach));
  std::set<std::string> envelopes;
  EventId last;
  for (size_t i = 0; i < events->size(); ++i) {
    EXPECT_EQ((*events)[i]->position, i + 1);
    EXPECT_GT((*events)[i]->id, last);
    last = (*events)[i]->id;
    envelopes.insert((*events)[i]->runs.envelope);
  }
  EXPECT_EQ(envelopes.size(), events->size());
  const std::vector<Position> heard = listener_.positions();
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
  EXPECT_EQ(heard.size(), events->size());
}

// Reads are cut by count and by bytes, but give at least one event.
TEST_P(JournalConformanceTest, ReadLimits) {
  for (int i = 0; i < 4; ++i) appender_->Append(StrCat("k", i), std::string(100, 'x'));
  EXPECT_EQ(journal_->Read(0, 3, SIZE_MAX)->size(), 3u);
  EXPECT_EQ(journal_->Read(0, 10, 1)->size(), 1u);
  EXPECT_EQ(journal_->ReadBefore(5, 2, SIZE_MAX)->front()->position, 4u);
  EXPECT_EQ(journal_->ReadBefore(3, 10, SIZE_MAX)->size(), 2u);
  EXPECT_TRUE(journal_->ReadBefore(1, 10, SIZE_MAX)->empty());
}

// An event is found by its id, and only by its id.
TEST_P(JournalConformanceTest, FindsById) {
  std::vector<EventId> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(appender_->Append(StrCat("k", i), StrCat("b", i)).receipts[0].id);
    if (i % 3 == 0) clock_.Advance(absl::Milliseconds(7));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto found = journal_->Find(ids[i]);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ((*found)->runs.raw, StrCat("b", i));
  }
  auto other = ids[3].bytes();
  other[15] = static_cast<uint8_t>(other[15] ^ 1);
  EXPECT_TRUE(absl::IsNotFound(journal_->Find(EventId(other)).status()));
}

// Time starts: the largest position before the time, also when the clock stood still.
TEST_P(JournalConformanceTest, PositionsByTime) {
  const absl::Time start = clock_.Now();
  appender_->Append("a");
  appender_->Append("b");
  clock_.Advance(absl::Seconds(10));
  appender_->Append("c");
  EXPECT_EQ(*journal_->PositionBefore(start), 0u);
  EXPECT_EQ(*journal_->PositionBefore(start + absl::Seconds(1)), 2u);
  EXPECT_EQ(*journal_->PositionBefore(start + absl::Seconds(10)), 2u);
  EXPECT_EQ(*journal_->PositionBefore(start + absl::Seconds(11)), 3u);
}

// append_time never decreases, whatever the clock does.
TEST_P(JournalConformanceTest, TimeNeverDecreases) {
  const EventId before = appender_->Append("a").receipts[0].id;
  clock_.Step(-absl::Hours(1));
  const EventId after = appender_->Append("b").receipts[0].id;
  EXPECT_GT(after, before);
  EXPECT_GE(after.time(), before.time());
}

// Trimmed events are gone, reading at them says so, and their ids stay duplicates.
TEST_P(JournalConformanceTest, TrimRemovesAndSaysSo) {
  for (int i = 1; i <= 5; ++i) appender_->Append(StrCat("k", i), StrCat("b", i));
  ASSERT_TRUE(journal_->Trim(3).ok());
  EXPECT_TRUE(absl::IsOutOfRange(journal_->Read(0, 10, SIZE_MAX).status()));
  EXPECT_TRUE(absl::IsOutOfRange(journal_->Read(2, 10, SIZE_MAX).status()));
  EXPECT_THAT(ReadBodies(3), testing::ElementsAre("b4", "b5"));
  EXPECT_EQ(journal_->Info().first, 4u);
  EXPECT_TRUE(appender_->Append("k2").receipts[0].duplicate);
  ASSERT_TRUE(journal_->Trim(99).ok());
  EXPECT_EQ(journal_->Info().first, 6u);
  EXPECT_EQ(journal_->Info().last, 5u);
  EXPECT_EQ(appender_->Append("k6").receipts[0].position, 6u);
}

// The small state of the layers above: written, replaced, deleted, listed by prefix.
TEST_P(JournalConformanceTest, StateIsKept) {
  ASSERT_TRUE(journal_->WriteState({{"sub/a", "1"}, {"sub/b", "2"}, {"other", "3"}}).ok());
  ASSERT_TRUE(journal_->WriteState({{"sub/a", "9"}, {"sub/b", std::nullopt}}).ok());
  const auto state = journal_->ReadState("sub/");
  ASSERT_TRUE(state.ok());
  EXPECT_THAT(*state, testing::ElementsAre(testing::Pair("sub/a", "9")));
}

// After Close every call has an answer, and none is OK.
TEST_P(JournalConformanceTest, ClosedJournalAnswersUnavailable) {
  appender_->Append("a");
  journal_->Close();
  EXPECT_TRUE(absl::IsUnavailable(appender_->Append("b").status));
  EXPECT_TRUE(absl::IsUnavailable(journal_->CanAppend("source")));
  EXPECT_TRUE(absl::IsUnavailable(journal_->Read(0, 1, 1).status()));
  EXPECT_TRUE(absl::IsUnavailable(journal_->Trim(1)));
  EXPECT_TRUE(absl::IsUnavailable(journal_->WriteState({{"k", "v"}})));
}

// A durable engine has everything after a restart; the others start empty.
TEST_P(JournalConformanceTest, RestartKeepsWhatIsDurable) {
  appender_->Append("a", "one");
  appender_->Append("b", "two");
  ASSERT_TRUE(journal_->WriteState({{"s", "t"}}).ok());
  const JournalInfo before = journal_->Info();
  Reopen();
  if (!journal_->Info().durable) {
    EXPECT_THAT(ReadBodies(0), testing::IsEmpty());
    return;
  }
  EXPECT_EQ(journal_->Info().id, before.id);
  EXPECT_THAT(ReadBodies(0), testing::ElementsAre("one", "two"));
  EXPECT_TRUE(appender_->Append("a").receipts[0].duplicate);
  EXPECT_EQ(appender_->Append("c").receipts[0].position, 3u);
  EXPECT_THAT(*journal_->ReadState("s"), testing::SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Engines, JournalConformanceTest,
                         testing::Values(Engine::kMemory, Engine::kRocksDb),
                         [](const auto& engine) {
                           return engine.param == Engine::kMemory ? "Memory" : "RocksDb";
                         });

}  // namespace
}  // namespace hookbridge
