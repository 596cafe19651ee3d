#include "server/journal/journal_directory.h"

#include "server/base/crc32c.h"
#include "server/base/strings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

constexpr std::string_view kMarkFile = "hookbridge.journal";
constexpr std::string_view kReserveFile = "hookbridge.reserve";
constexpr uint32_t kMagic = 0x314a4248;  // HBJ1
constexpr size_t kSlotBytes = 64;
constexpr off_t kSlotStride = 512;

using Slot = std::array<char, kSlotBytes>;

template <typename T>
void Put(Slot& slot, size_t at, T value) {
  for (size_t i = 0; i < sizeof value; ++i) slot[at + i] = static_cast<char>(value >> (8 * i));
}

template <typename T>
T Get(const Slot& slot, size_t at) {
  T value = 0;
  for (size_t i = sizeof value; i > 0; --i) {
    value = static_cast<T>((value << 8) | static_cast<uint8_t>(slot[at + i - 1]));
  }
  return value;
}

uint32_t ChecksumOf(const Slot& slot) { return Crc32c(0, {slot.data() + 8, kSlotBytes - 8}); }

Slot Encode(const JournalDirectory::Mark& mark, uint64_t writes) {
  Slot slot{};
  Put(slot, 0, kMagic);
  std::copy(mark.id.begin(), mark.id.end(), slot.begin() + 8);
  Put<uint64_t>(slot, 24, mark.last);
  std::copy(mark.last_id.bytes().begin(), mark.last_id.bytes().end(), slot.begin() + 32);
  Put(slot, 48, writes);
  Put(slot, 4, ChecksumOf(slot));
  return slot;
}

// The newer of the valid slots; nullopt when none is.
std::optional<JournalDirectory::Mark> ReadMark(int fd, uint64_t& writes) {
  std::optional<JournalDirectory::Mark> newest;
  for (const off_t at : {off_t{0}, kSlotStride}) {
    Slot slot{};
    if (pread(fd, slot.data(), slot.size(), at) != static_cast<ssize_t>(slot.size())) continue;
    if (Get<uint32_t>(slot, 0) != kMagic || Get<uint32_t>(slot, 4) != ChecksumOf(slot)) continue;
    const auto count = Get<uint64_t>(slot, 48);
    if (newest && count < writes) continue;
    writes = count;
    JournalDirectory::Mark& mark = newest.emplace();
    std::copy_n(slot.begin() + 8, mark.id.size(), mark.id.begin());
    mark.last = Get<uint64_t>(slot, 24);
    std::array<uint8_t, EventId::kBytes> id{};
    std::copy_n(slot.begin() + 32, id.size(), id.begin());
    mark.last_id = EventId(id);
  }
  return newest;
}

absl::Status Failed(std::string_view what, const std::string& path) {
  const std::string text = StrCat("journal: cannot ", what, " ", path, ": ", std::strerror(errno));
  if (errno == ENOSPC || errno == EDQUOT) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

absl::Status SyncDirectory(const std::string& path, const std::function<int(int fd)>& sync) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const bool synced = sync(fd) == 0;
  const absl::Status status = synced ? absl::OkStatus() : Failed("sync", path);
  close(fd);
  return status;
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Takes the rights of group and others from the directory and the files in it. True: they keep
// some, because it is somebody else's, or because it has other directories in it, which a journal
// has not: then it serves more than the journal and is left alone.
bool CloseToOthers(const std::string& path) {
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return false;
  const mode_t mode = found.st_mode;
  std::vector<std::pair<std::string, mode_t>> open;
  if ((mode & kOthers) != 0) open.emplace_back(path, mode);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().string();
    if (lstat(name.c_str(), &found) != 0) continue;
    const bool is_own = !S_ISDIR(found.st_mode) || entry.path().filename() == "lost+found";
    if (!is_own) return (mode & kOthers) != 0;
    if (S_ISREG(found.st_mode) && (found.st_mode & kOthers) != 0) {
      open.emplace_back(name, found.st_mode);
    }
  }
  bool closed = true;
  for (const auto& [name, its_mode] : open) {
    closed &= chmod(name.c_str(), its_mode & ~kOthers & 07777) == 0;
  }
  return !closed;
}

}  // namespace

absl::Status MakeDirectories(const std::string& path, const std::function<int(int fd)>& sync) {
  std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // a final slash
  std::vector<std::string> missing;
  struct stat found {};
  for (std::filesystem::path at = whole; !at.empty() && stat(at.c_str(), &found) != 0;
       at = at.parent_path()) {
    missing.push_back(at.string());
  }
  for (auto name = missing.rbegin(); name != missing.rend(); ++name) {
    if (mkdir(name->c_str(), S_IRWXU) != 0 && errno != EEXIST) return Failed("create", *name);
    if (absl::Status status = SyncDirectory(ParentOf(*name), sync); !status.ok()) return status;
  }
  if (stat(whole.c_str(), &found) != 0) return Failed("look at", path);
  if (S_ISDIR(found.st_mode)) return absl::OkStatus();
  errno = ENOTDIR;
  return Failed("use", path);
}

absl::StatusOr<std::unique_ptr<JournalDirectory>> JournalDirectory::Open(std::string path) {
  if (absl::Status status = MakeDirectories(path, fsync); !status.ok()) return status;
  std::unique_ptr<JournalDirectory> directory(new JournalDirectory(std::move(path)));
  directory->open_to_others_ = CloseToOthers(directory->path_);
  if (absl::Status status = directory->OpenMarkFile(/*create=*/true); !status.ok()) return status;
  directory->found_ = ReadMark(directory->fd_, directory->writes_);
  if (directory->found_) directory->mark_ = *directory->found_;
  return directory;
}

JournalDirectory::~JournalDirectory() {
  if (fd_ >= 0) close(fd_);
}

std::string JournalDirectory::file(std::string_view name) const { return StrCat(path_, "/", name); }

absl::Status JournalDirectory::OpenMarkFile(bool create) {
  const std::string name = file(kMarkFile);
  const int fd = open(name.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), S_IRUSR | S_IWUSR);
  if (fd < 0) return Failed("open", name);
  struct stat directory {};
  struct stat opened {};
  absl::Status status;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    status = errno == EWOULDBLOCK
                 ? absl::FailedPreconditionError(
                       StrCat("journal: ", path_,
                              " is in use by another process: stop it, or use another directory"))
                 : Failed("lock", name);
  } else if (stat(path_.c_str(), &directory) != 0 || fstat(fd, &opened) != 0) {
    status = Failed("look at", path_);
  } else if (create) {
    status = SyncDirectory(path_, fsync);
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  MutexLock lock(mutex_);
  directory_ = {.device = directory.st_dev, .inode = directory.st_ino};
  file_ = {.device = opened.st_dev, .inode = opened.st_ino};
  return absl::OkStatus();
}

absl::Status JournalDirectory::WriteMark() {
  ++writes_;
  const Slot slot = Encode(mark_, writes_);
  const off_t at = writes_ % 2 == 0 ? 0 : kSlotStride;
  if (pwrite(fd_, slot.data(), slot.size(), at) == static_cast<ssize_t>(slot.size())) {
    return absl::OkStatus();
  }
  return Failed("write", file(kMarkFile));
}

absl::Status JournalDirectory::Begin(const Mark& mark) {
  mark_ = mark;
  // Both slots, so that every later write goes to space that is there.
  for (int i = 0; i < 2; ++i) {
    if (absl::Status status = WriteMark(); !status.ok()) return status;
  }
  noted_ = true;
  return Sync();
}

void JournalDirectory::Note(Position last, const EventId& last_id) {
  mark_.last = last;
  mark_.last_id = last_id;
  noted_ = true;
  // Best effort: the next one says it again, and a start that finds more than the mark is a good
  // one.
  WriteMark().IgnoreError();
}

absl::Status JournalDirectory::Sync() {
  if (!std::exchange(noted_, false)) return absl::OkStatus();
  return fdatasync(fd_) == 0 ? absl::OkStatus() : Failed("sync", file(kMarkFile));
}

absl::Status JournalDirectory::Gone(std::string_view why) const {
  return absl::UnavailableError(StrCat("journal: the directory ", path_, " ", why,
                                       "; nothing is stored until it is there again"));
}

absl::Status JournalDirectory::Check() const {
  struct stat directory {};
  struct stat mark {};
  if (stat(path_.c_str(), &directory) != 0) return Gone("is gone");
  if (stat(file(kMarkFile).c_str(), &mark) != 0) return Gone("has lost its files");
  MutexLock lock(mutex_);
  if (directory_ != Identity{.device = directory.st_dev, .inode = directory.st_ino} ||
      file_ != Identity{.device = mark.st_dev, .inode = mark.st_ino}) {
    return Gone("was replaced by another");
  }
  return absl::OkStatus();
}

absl::Status JournalDirectory::Attach() {
  struct stat found {};
  if (stat(path_.c_str(), &found) != 0) return Gone("is gone");
  if (stat(file(kMarkFile).c_str(), &found) != 0) return Gone("has lost its files");
  const int fd = open(file(kMarkFile).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", file(kMarkFile));
  uint64_t writes = 0;
  const auto mark = ReadMark(fd, writes);
  close(fd);
  if (!mark || mark->id != mark_.id) return Gone("holds another journal");
  // It may be the same file, which this process has locked.
  if (fd_ >= 0) close(std::exchange(fd_, -1));
  if (absl::Status status = OpenMarkFile(/*create=*/false); !status.ok()) return status;
  writes_ = std::max(writes_, writes);
  return absl::OkStatus();
}

absl::Status JournalDirectory::TakeReserve(uint64_t bytes) {
  const std::string name = file(kReserveFile);
  struct stat found {};
  if (stat(name.c_str(), &found) == 0 && static_cast<uint64_t>(found.st_size) == bytes) {
    return absl::OkStatus();
  }
  // As much again for what comes next; and no try that takes the last bytes from the engine.
  struct statvfs space {};
  if (statvfs(path_.c_str(), &space) != 0) return Failed("look at", path_);
  const uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  if (free < 2 * bytes) {
    return absl::ResourceExhaustedError(StrCat("journal: the disk of ", path_, " is full: ", free,
                                               " bytes are free, ", 2 * bytes, " are needed"));
  }
  const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return Failed("create", name);
  errno = ftruncate(fd, 0) == 0 ? posix_fallocate(fd, 0, static_cast<off_t>(bytes)) : errno;
  const int failure = errno;
  close(fd);
  if (failure == 0) return absl::OkStatus();
  unlink(name.c_str());
  errno = failure;
  if (failure == ENOSPC || failure == EDQUOT) return Failed("reserve space in", path_);
  return absl::OkStatus();
}

bool JournalDirectory::GiveUpReserve() { return unlink(file(kReserveFile).c_str()) == 0; }

}  // namespace hookbridge
