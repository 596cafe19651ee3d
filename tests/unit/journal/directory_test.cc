#include "server/base/strings.h"
#include "server/journal/journal_directory.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;

class JournalDirectoryTest : public testing::Test {
 protected:
  JournalDirectoryTest()
      : root_(fs::temp_directory_path() / StrCat("hookbridge-directory-", getpid())),
        path_((root_ / "a" / "b").string()) {
    fs::remove_all(root_);
    fs::create_directory(root_);
  }
  ~JournalDirectoryTest() override { fs::remove_all(root_); }

  static mode_t ModeOf(const fs::path& path) {
    struct stat found {};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  }
  std::unique_ptr<JournalDirectory> Open() {
    auto opened = JournalDirectory::Open(path_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  static JournalDirectory::Mark MarkAt(Position last) {
    return {.id = {1, 2, 3},
            .last = last,
            .last_id = EventIdMinter(last, EventId()).Next(absl::FromUnixSeconds(1'800'000'000))};
  }

  const fs::path root_;
  const std::string path_;
};

// A power cut must not take a directory whose journal has answered 2xx: the parent of everything
// that was made is synced, outermost first, and of nothing else.
TEST_F(JournalDirectoryTest, ParentsOfWhatItMakesAreSynced) {
  std::vector<std::string> synced;
  const auto sync = [&synced](int fd) {
    synced.push_back(fs::read_symlink(StrCat("/proc/self/fd/", fd)).string());
    return 0;
  };
  ASSERT_TRUE(MakeDirectories(path_, sync).ok());
  EXPECT_THAT(synced, testing::ElementsAre(root_.string(), (root_ / "a").string()));
  EXPECT_EQ(ModeOf(root_ / "a"), 0700u);
  EXPECT_EQ(ModeOf(path_), 0700u);
  synced.clear();
  ASSERT_TRUE(MakeDirectories(path_ + "/", sync).ok());
  EXPECT_THAT(synced, testing::IsEmpty());
  EXPECT_FALSE(MakeDirectories((root_ / "x").string(), [](int) { return -1; }).ok());
}

TEST_F(JournalDirectoryTest, AFileInTheWayIsNamed) {
  std::ofstream(root_ / "a") << "a file";
  for (const std::string& path : {path_, (root_ / "a").string()}) {
    const auto opened = JournalDirectory::Open(path);
    ASSERT_FALSE(opened.ok());
    EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr((root_ / "a").string()));
  }
}

// Payments are in it: what an older build left open to others is closed.
TEST_F(JournalDirectoryTest, IsClosedToOthers) {
  fs::create_directories(fs::path(path_) / "lost+found");
  std::ofstream(fs::path(path_) / "000001.sst") << "x";
  chmod(path_.c_str(), 0755);
  chmod((path_ + "/000001.sst").c_str(), 0644);
  EXPECT_FALSE(Open()->open_to_others());
  EXPECT_EQ(ModeOf(path_), 0700u);
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(ModeOf(entry), 0600u) << entry.path();
  }
}

// A directory that others live in is not the journal's to close.
TEST_F(JournalDirectoryTest, ASharedDirectoryIsLeftAsItIsAndSaid) {
  fs::create_directories(fs::path(path_) / "of-somebody");
  chmod(path_.c_str(), 0755);
  EXPECT_TRUE(Open()->open_to_others());
  EXPECT_EQ(ModeOf(path_), 0755u);
}

TEST_F(JournalDirectoryTest, OneHolderAtATime) {
  auto first = Open();
  const auto second = JournalDirectory::Open(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr("in use"));
  first.reset();
  EXPECT_NE(Open(), nullptr);
}

// The mark is the newest that was noted, whichever of its slots is torn.
TEST_F(JournalDirectoryTest, TheMarkSurvivesATornSlot) {
  auto directory = Open();
  EXPECT_FALSE(directory->found().has_value());
  ASSERT_TRUE(directory->Begin(MarkAt(4)).ok());
  directory->Note(5, MarkAt(5).last_id);
  ASSERT_TRUE(directory->Sync().ok());
  directory.reset();
  directory = Open();
  ASSERT_TRUE(directory->found().has_value());
  EXPECT_EQ(directory->found()->last, 5u);
  EXPECT_EQ(directory->found()->last_id, MarkAt(5).last_id);
  EXPECT_EQ(directory->found()->id, MarkAt(5).id);
  directory.reset();

  for (const int slot : {0, 512}) {
    const std::string copy = root_.string() + "/copy";
    fs::remove_all(copy);
    fs::copy(path_, copy);
    const int fd = open((copy + "/hookbridge.journal").c_str(), O_WRONLY);
    ASSERT_EQ(pwrite(fd, "torn", 4, slot + 24), 4);
    close(fd);
    const auto opened = JournalDirectory::Open(copy);
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE((*opened)->found().has_value()) << slot;
    EXPECT_GE((*opened)->found()->last, 4u);
  }
}

// Gone, replaced, another journal's; and come back.
TEST_F(JournalDirectoryTest, KnowsItselfAgain) {
  auto directory = Open();
  ASSERT_TRUE(directory->Begin(MarkAt(4)).ok());
  EXPECT_TRUE(directory->Check().ok());
  const std::string away = path_ + "-away";
  fs::rename(path_, away);
  EXPECT_THAT(std::string(directory->Check().message()), testing::HasSubstr("is gone"));
  EXPECT_FALSE(directory->Attach().ok());

  fs::create_directory(path_);
  EXPECT_FALSE(directory->Check().ok());
  EXPECT_FALSE(directory->Attach().ok()) << "an empty directory";
  EXPECT_TRUE(fs::is_empty(path_)) << "nothing is made there";
  fs::remove(path_);

  const std::string other = root_.string() + "/other";
  auto another = *JournalDirectory::Open(other);
  ASSERT_TRUE(another->Begin({.id = {9}, .last = 1, .last_id = {}}).ok());
  another.reset();
  fs::rename(other, path_);
  EXPECT_THAT(std::string(directory->Attach().message()), testing::HasSubstr("another journal"));
  fs::remove_all(path_);

  // The same journal on another volume, as after a restore.
  fs::copy(away, path_);
  EXPECT_FALSE(directory->Check().ok()) << "not the one that is open";
  EXPECT_TRUE(directory->Attach().ok());
  EXPECT_TRUE(directory->Check().ok());
  fs::remove_all(path_);
  fs::rename(away, path_);
  EXPECT_TRUE(directory->Attach().ok());
  EXPECT_TRUE(directory->Check().ok());
}

TEST_F(JournalDirectoryTest, TheReserveIsThereUntilItIsGivenUp) {
  auto directory = Open();
  EXPECT_FALSE(directory->GiveUpReserve());
  ASSERT_TRUE(directory->TakeReserve(1 << 20).ok());
  EXPECT_EQ(fs::file_size(path_ + "/hookbridge.reserve"), 1u << 20);
  EXPECT_EQ(ModeOf(path_ + "/hookbridge.reserve"), 0600u);
  ASSERT_TRUE(directory->TakeReserve(1 << 20).ok());
  EXPECT_TRUE(directory->GiveUpReserve());
  EXPECT_FALSE(fs::exists(path_ + "/hookbridge.reserve"));
  const auto volume = fs::space(path_).available;
  EXPECT_TRUE(absl::IsResourceExhausted(directory->TakeReserve(volume)));
  EXPECT_FALSE(fs::exists(path_ + "/hookbridge.reserve"));
}

}  // namespace
}  // namespace hookbridge
