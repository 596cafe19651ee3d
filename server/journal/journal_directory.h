#pragma once

#include "server/base/mutex.h"
#include "server/journal/journal.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace hookbridge {

// How far a journal came.
struct JournalMark {
  JournalId id{};
  Position last = 0;  // newest durable position
  EventId last_id;
};

// The directory of a durable journal, whatever engine keeps its files there. It is this user's
// alone (0700, files 0600), one process's at a time, and recognised again: what a path leads to can
// change under a running process (an unmount, rm -rf), and files that were unlinked take writes and
// syncs without a word. Holds two files:
//
//   hookbridge.journal   the lock, and the mark: the newest durable position. It tells a start that
//                        files are missing or cut, so that no position is given twice. Two slots of
//                        64 bytes, at 0 and 512, written in turn, little-endian:
//                          0  u32  'HBJ1'      24  u64  newest durable position
//                          4  u32  CRC-32C     32  16   its event id
//                          8  16   journal id  48  u64  counts the writes; the larger slot is valid
//   hookbridge.reserve   space that is given up to read and to remove on a full disk
//
// Threads: Check from anywhere; all else by one thread. Blocks on the disk. Errors: kUnavailable,
// and as the functions say.
class JournalDirectory {
 public:
  using Mark = JournalMark;

  // Makes the directory and its parents when they are not there, and makes all of that durable.
  // kFailedPrecondition: in use by another process.
  static absl::StatusOr<std::unique_ptr<JournalDirectory>> Open(std::string path);
  ~JournalDirectory();
  JournalDirectory(const JournalDirectory&) = delete;
  JournalDirectory& operator=(const JournalDirectory&) = delete;

  const std::string& path() const { return path_; }
  // As found by Open; none in a new directory, and in one of an older build.
  const std::optional<Mark>& found() const { return found_; }
  // The newest one that was noted or found.
  const Mark& mark() const { return mark_; }
  // Whether others than this user may look into it; its owner is somebody else, then.
  bool open_to_others() const { return open_to_others_; }

  // The journal that lives here; writes the mark, durably.
  absl::Status Begin(const Mark& mark);
  // A commit is durable up to here. Writes and does not sync: a process that dies loses nothing of
  // it, and a power cut at most what came after the last Sync.
  void Note(Position last, const EventId& last_id);
  absl::Status Sync();

  // Whether the path still leads to this directory with this mark file in it. Cheap.
  absl::Status Check() const ABSL_LOCKS_EXCLUDED(mutex_);
  // After Check failed: takes the directory that is at the path now, when it is this journal's.
  absl::Status Attach() ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the reserve, if it is not there. kResourceExhausted: no space for it. OK where the file
  // system keeps none.
  absl::Status TakeReserve(uint64_t bytes);
  // Gives it up. False: there was none.
  bool GiveUpReserve();

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };

  explicit JournalDirectory(std::string path) : path_(std::move(path)) {}

  absl::Status OpenMarkFile(bool create) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status WriteMark();
  std::string file(std::string_view name) const;
  absl::Status Gone(std::string_view why) const;

  const std::string path_;
  std::optional<Mark> found_;
  Mark mark_;
  uint64_t writes_ = 0;
  int fd_ = -1;
  bool open_to_others_ = false;
  bool noted_ = false;  // since the last Sync
  mutable Mutex mutex_;
  Identity directory_ ABSL_GUARDED_BY(mutex_);
  Identity file_ ABSL_GUARDED_BY(mutex_);
};

// Makes what is missing of the path, mode 0700, and syncs the parent of everything that it made, so
// that a power cut does not take it. `sync` stands in for fsync in tests.
absl::Status MakeDirectories(const std::string& path, const std::function<int(int fd)>& sync);

}  // namespace hookbridge
