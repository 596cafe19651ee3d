// Disks that lose, change and hide what they were given: what every durable engine promises then,
// through the interface and on real files.
#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/journal/open_journal.h"
#include "tests/support/append_helper.h"
#include "tests/support/captured_log.h"
#include "tests/support/durable_engines.h"
#include "tests/support/fake_clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;

class JournalDamageTest : public testing::TestWithParam<DurableEngine> {
 protected:
  JournalDamageTest()
      : root_(fs::temp_directory_path() / StrCat("hookbridge-damage-", getpid())),
        path_(root_ / "data") {
    fs::remove_all(root_);
    fs::create_directory(root_);
  }
  ~JournalDamageTest() override {
    Close();
    fs::remove_all(root_);
  }

  absl::Status TryOpen() {
    config::v1::Config config;
    config.mutable_journal()->set_engine(GetParam().engine);
    config.mutable_journal()->set_directory(path_.string());
    config.mutable_journal()->set_max_bytes(max_bytes_);
    ApplyDefaults(&config);
    auto opened = OpenJournal(config.journal(), clock_, nullptr, log_.logger());
    if (!opened.ok()) return opened.status();
    journal_ = *std::move(opened);
    appender_ = std::make_unique<Appender>(*journal_);
    return absl::OkStatus();
  }
  void Open() {
    const absl::Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status;
  }
  void Close() {
    journal_.reset();
    appender_.reset();
  }
  // Keys k<from> to k<to>, each with a body that is its own.
  void Append(int from, int to) {
    for (int i = from; i <= to; ++i) {
      ASSERT_TRUE(appender_->Append(StrCat("k", i), Body(i)).status.ok()) << i;
    }
  }
  static std::string Body(int i) {
    return StrCat("<body ", i, ">", std::string(2'000, static_cast<char>('a' + i % 26)));
  }
  // The files as a crash would leave them now.
  void CopyTo(const std::string& name) {
    fs::remove_all(root_ / name);
    fs::copy(path_, root_ / name);
  }
  void TakeFrom(const std::string& name) {
    fs::remove_all(path_);
    fs::copy(root_ / name, path_);
  }
  // A second passes, and the committer has looked after the directory.
  void Pass() {
    clock_.Advance(absl::Seconds(1));
    for (int i = 0; i < 3; ++i) journal_->WriteState({}).IgnoreError();
  }
  std::vector<Position> ReadPositions(Position after) {
    std::vector<Position> positions;
    const auto events = journal_->Read(after, 10'000, SIZE_MAX);
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return positions;
    for (const StoredEventPtr& event : *events) positions.push_back(event->position);
    return positions;
  }
  // All positions that are either read or said to be lost.
  Position CountReadAndLost() {
    Position at = 0;
    Position counted = 0;
    while (true) {
      const auto events = journal_->Read(at, 10'000, SIZE_MAX);
      const auto lost = events.ok() ? std::nullopt : journal_->FindLost(at);
      if (lost) {
        counted += lost->last - at;
        at = lost->last;
      } else if (!events.ok() || events->empty()) {
        EXPECT_TRUE(events.ok()) << events.status();
        return counted;
      } else {
        counted += events->size();
        at = events->back()->position;
      }
    }
  }
  // Changes one byte of the text wherever it is in a file; how often it was.
  int Flip(const std::string& text) {
    int found = 0;
    for (const auto& entry : fs::directory_iterator(path_)) {
      std::ifstream in(entry.path(), std::ios::binary);
      std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      const size_t at = bytes.find(text);
      if (at == std::string::npos) continue;
      ++found;
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
      std::ofstream(entry.path(), std::ios::binary) << bytes;
    }
    return found;
  }

  FakeClock clock_;
  CapturedLog log_{clock_};
  uint64_t max_bytes_ = 0;
  const fs::path root_;
  const fs::path path_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Appender> appender_;
};

// The newest files were replaced by older ones, removed, or cut: exactly what is gone is said, no
// position is given twice, and a reader is told where the hole is.
TEST_P(JournalDamageTest, WhatIsMissingAtTheEndIsNoticed) {
  Open();
  Append(1, 5);
  CopyTo("older");
  Append(6, 9);
  const EventId newest = appender_->Append("k10").receipts[0].id;
  Close();
  fs::copy_file(path_ / "hookbridge.journal", root_ / "mark");
  TakeFrom("older");
  fs::copy_file(root_ / "mark", path_ / "hookbridge.journal", fs::copy_options::overwrite_existing);

  Open();
  ASSERT_EQ(log_.Of("events_lost").size(), 1u);
  EXPECT_THAT(log_.Of("events_lost")[0], testing::HasSubstr("\"events\":5"));
  EXPECT_THAT(log_.Of("events_lost")[0], testing::HasSubstr("\"first_position\":6"));
  EXPECT_THAT(log_.Of("events_lost")[0], testing::HasSubstr("\"last_position\":10"));
  EXPECT_EQ(journal_->Info().last, 10u) << "a consumer's cursor at 10 is no stranger's";
  const Receipt next = appender_->Append("k11").receipts[0];
  EXPECT_EQ(next.position, 11u);
  EXPECT_GT(next.id, newest);
  EXPECT_THAT(ReadPositions(0), testing::ElementsAre(1, 2, 3, 4, 5));
  for (const Position after : {5u, 7u}) {
    EXPECT_TRUE(absl::IsDataLoss(journal_->Read(after, 10, SIZE_MAX).status())) << after;
    ASSERT_TRUE(journal_->FindLost(after).has_value());
    EXPECT_EQ(journal_->FindLost(after)->first, after + 1);
    EXPECT_EQ(journal_->FindLost(after)->last, 10u);
  }
  EXPECT_THAT(ReadPositions(10), testing::ElementsAre(11));
  EXPECT_FALSE(journal_->FindLost(10).has_value());
  EXPECT_TRUE(journal_->Find(next.id).ok());
  EXPECT_FALSE(appender_->Append("k7").receipts[0].duplicate) << "it is gone, and comes again";

  Close();
  Open();
  EXPECT_EQ(log_.Of("events_lost").size(), 1u) << "told once";
  EXPECT_TRUE(absl::IsDataLoss(journal_->Read(5, 10, SIZE_MAX).status()));
  ASSERT_EQ(journal_->Info().lost.size(), 1u);
  EXPECT_EQ(appender_->Append("k12").receipts[0].position, 13u);
}

// What a crash leaves, and a copy of it, is no loss.
TEST_P(JournalDamageTest, ACrashIsNoLoss) {
  Open();
  Append(1, 20);
  CopyTo("crashed");
  Append(21, 25);
  Close();
  TakeFrom("crashed");
  Open();
  EXPECT_THAT(log_.Of("events_lost"), testing::IsEmpty());
  EXPECT_EQ(journal_->Info().last, 20u);
  EXPECT_EQ(appender_->Append("k21").receipts[0].position, 21u);
}

// One byte changed: the event (or its neighbours too) is lost and said so, with where; the others
// are read; a reader that was told goes on behind it.
TEST_P(JournalDamageTest, AChangedByteCostsItsNeighboursAlone) {
  Open();
  Append(1, 400);
  Close();
  Open();  // what was in a log is in its final files now
  Close();
  ASSERT_GE(Flip("<body 200>"), 1);
  Open();
  Position at = 0;
  int reads = 0;
  while (true) {
    const auto events = journal_->Read(at, 64, SIZE_MAX);
    ASSERT_LT(++reads, 100);
    if (!events.ok()) {
      ASSERT_TRUE(absl::IsDataLoss(events.status())) << events.status();
      break;
    }
    ASSERT_FALSE(events->empty()) << "the damage was not noticed";
    at = events->back()->position;
  }
  EXPECT_LT(at, 200u);
  EXPECT_GT(at, 100u) << "what is whole is read";
  const auto lost = journal_->FindLost(at);
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->first, at + 1);
  EXPECT_GE(lost->last, 200u);
  EXPECT_LT(lost->last, 300u);
  EXPECT_EQ(ReadPositions(lost->last).size(), 400 - lost->last);
  EXPECT_EQ(log_.Of("events_lost").size(), 1u);
  EXPECT_EQ(journal_->Info().lost.size(), 1u);
  EXPECT_TRUE(appender_->Append("after", "b").status.ok());
  EXPECT_EQ(log_.Of("events_lost").size(), 1u) << "once";
}

// Nobody has to read it for that.
TEST_P(JournalDamageTest, DamageIsFoundBeforeAReaderComes) {
  Open();
  Append(1, 100);
  Close();
  Open();
  Close();
  ASSERT_GE(Flip("<body 50>"), 1);
  Open();
  while (log_.Of("events_lost").empty()) {
    clock_.Advance(absl::Milliseconds(1));  // the scrub's pace
    std::this_thread::yield();
  }
  ASSERT_EQ(journal_->Info().lost.size(), 1u);
  EXPECT_LE(journal_->Info().lost[0].first, 50u);
  EXPECT_GE(journal_->Info().lost[0].last, 50u);
}

// The last writes before a power cut reached the disk out of order: the one before the last is
// damaged, the last is whole. Neither was acknowledged, and the journal opens at what was.
TEST_P(JournalDamageTest, AScrambledTailThatNobodyWasToldOfIsDropped) {
  Open();
  Append(1, 8);
  CopyTo("acknowledged");
  Append(9, 10);
  CopyTo("cut");
  Close();
  TakeFrom("cut");
  fs::copy_file(root_ / "acknowledged" / "hookbridge.journal", path_ / "hookbridge.journal",
                fs::copy_options::overwrite_existing);
  ASSERT_EQ(Flip("<body 9>"), 1);
  Open();
  EXPECT_THAT(log_.Of("events_lost"), testing::IsEmpty());
  EXPECT_EQ(journal_->Info().last, 8u);
  EXPECT_FALSE(appender_->Append("k9").receipts[0].duplicate);
  EXPECT_EQ(ReadPositions(0).size(), 9u);
}

// The same damage in what was acknowledged is never passed over in silence.
TEST_P(JournalDamageTest, ADamagedLogOfAcknowledgedEventsIsSaid) {
  Open();
  Append(1, 10);
  CopyTo("cut");
  Close();
  TakeFrom("cut");
  ASSERT_EQ(Flip("<body 9>"), 1);
  const absl::Status status = TryOpen();
  if (GetParam().opens_after_any_loss) {
    ASSERT_TRUE(status.ok()) << status;
  }
  if (status.ok()) {
    EXPECT_EQ(log_.Of("events_lost").size(), 1u);
  } else {
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path_.string()));
  }
}

// Whichever file is gone or cut: every event is read, or is said to be lost, or the start fails.
TEST_P(JournalDamageTest, NoFileGoesMissingUnnoticed) {
  constexpr int kEvents = 1'500;
  max_bytes_ = 32 << 20;  // small files, so that there are several of each kind
  Open();
  for (int i = 1; i <= kEvents; i += 30) {
    AppendRequest request = Appender::One(StrCat("k", i), Body(i));
    for (int k = i + 1; k < i + 30; ++k) {
      request.events.push_back(Appender::Event(StrCat("k", k), Body(k)));
    }
    ASSERT_TRUE(appender_->Start(std::move(request)).get().status.ok());
  }
  CopyTo("whole");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(root_ / "whole")) {
    if (!entry.path().filename().string().starts_with("hookbridge.")) files.push_back(entry);
  }
  for (const fs::path& file : files) {
    for (const bool cut : {false, true}) {
      Close();
      TakeFrom("whole");
      const fs::path victim = path_ / file.filename();
      if (cut) {
        fs::resize_file(victim, fs::file_size(victim) / 2);
      } else {
        fs::remove(victim);
      }
      const absl::Status status = TryOpen();
      if (GetParam().opens_after_any_loss) {
        EXPECT_TRUE(status.ok()) << status;
      }
      if (!status.ok()) continue;
      EXPECT_EQ(CountReadAndLost(), Position{kEvents}) << file << (cut ? " cut" : " gone");
    }
  }
}

// A damaged file of the engine's own is not taken for another process.
TEST_P(JournalDamageTest, DamageIsNotCalledInUse) {
  Open();
  Append(1, 100);
  Close();
  Open();
  Close();
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("hookbridge.") || name == "LOCK" || entry.file_size() < 600) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    file << std::string(64, '\x5a');
  }
  const absl::Status status = TryOpen();
  if (status.ok()) return;  // an engine that notices it when it reads
  EXPECT_THAT(std::string(status.message()), testing::Not(testing::HasSubstr("in use")));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path_.string()));
}

// The directory goes away under a running bridge: nothing more is acknowledged, nothing is made in
// its place, and when it is back all goes on where it was.
TEST_P(JournalDamageTest, ADirectoryThatIsGoneIsNoticedAndComesBack) {
  Open();
  Append(1, 3);
  Pass();
  const fs::path away = root_ / "away";
  fs::rename(path_, away);
  Pass();
  EXPECT_FALSE(journal_->Info().writable);
  EXPECT_THAT(journal_->Info().not_writable_reason, testing::HasSubstr("is gone"));
  EXPECT_TRUE(absl::IsUnavailable(journal_->CanAppend("source")));
  EXPECT_FALSE(appender_->Append("k4").status.ok());
  EXPECT_EQ(log_.Of("journal_directory_lost").size(), 1u);
  for (int i = 0; i < 5; ++i) Pass();
  EXPECT_FALSE(fs::exists(path_));
  fs::create_directory(path_);
  for (int i = 0; i < 5; ++i) Pass();
  EXPECT_FALSE(appender_->Append("k4").status.ok());
  EXPECT_TRUE(fs::is_empty(path_)) << "no journal is made but at a start";
  EXPECT_THAT(journal_->Info().not_writable_reason, testing::HasSubstr(path_.string()));
  fs::remove(path_);
  fs::rename(away, path_);
  while (!journal_->Info().writable) Pass();
  EXPECT_TRUE(appender_->Append("k4").status.ok());
  EXPECT_THAT(ReadPositions(0), testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(log_.Of("events_lost"), testing::IsEmpty());
}

// An older copy of the directory comes back: what it lacks is lost, and said.
TEST_P(JournalDamageTest, AnOlderDirectoryThatComesBackIsNoticed) {
  Open();
  Append(1, 3);
  CopyTo("older");
  Append(4, 6);
  Pass();
  fs::rename(path_, root_ / "away");
  Pass();
  ASSERT_FALSE(journal_->Info().writable);
  fs::rename(root_ / "older", path_);
  while (!journal_->Info().writable) Pass();
  ASSERT_EQ(log_.Of("events_lost").size(), 1u);
  EXPECT_EQ(appender_->Append("k7").receipts[0].position, 7u);
  EXPECT_TRUE(absl::IsDataLoss(journal_->Read(3, 10, SIZE_MAX).status()));
  EXPECT_EQ(journal_->FindLost(3)->last, 6u);
}

// A start finds the mark of a journal and not its files: it does not begin another one.
TEST_P(JournalDamageTest, AStartWithoutTheFilesOfItsJournalFails) {
  Open();
  Append(1, 3);
  Close();
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (!entry.path().filename().string().starts_with("hookbridge.")) fs::remove(entry.path());
  }
  const absl::Status status = TryOpen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path_.string()));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("files are not there"));
}

// Files that are made later are this user's alone too.
TEST_P(JournalDamageTest, EveryFileIsThisUsersAlone) {
  const mode_t before = umask(0);
  Open();
  Append(1, 50);
  Close();
  Open();
  Append(51, 60);
  for (const auto& entry : fs::directory_iterator(path_)) {
    struct stat found {};
    ASSERT_EQ(stat(entry.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u) << entry.path();
  }
  umask(before);
}

// What events take falls at once when they are trimmed, in whatever files they are.
TEST_P(JournalDamageTest, TrimmedBytesAreNotCountedAnyMore) {
  Open();
  Append(1, 1'000);
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Close();
      Open();
      Append(1'001, 1'100);
    }
    Pass();
    const uint64_t before = journal_->Info().bytes;
    const Position first = journal_->Info().first;
    const Position kept = journal_->Info().last - first + 1;
    ASSERT_TRUE(journal_->Trim(first + kept / 2 - 1).ok());
    Pass();
    const uint64_t after = journal_->Info().bytes;
    EXPECT_GT(before, kept * 2'000);
    EXPECT_GT(after, kept / 2 * 2'000);
    EXPECT_LT(after, before - kept / 2 * 1'700) << before;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, JournalDamageTest, testing::ValuesIn(DurableEngines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace hookbridge
