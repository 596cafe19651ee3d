#include "server/base/small_file.h"

#include "server/base/strings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace hookbridge {
namespace {

absl::Status Failure(const std::string& path) {
  return absl::NotFoundError(
      StrCat("cannot read ", path, ": ", std::generic_category().message(errno)));
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, size_t bytes_max) {
  std::string bytes;
  char block[16 << 10];
  while (true) {
    const ssize_t count = read(fd, block, sizeof(block));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure(path);
    if (count == 0) return bytes;
    bytes.append(block, static_cast<size_t>(count));
    if (bytes.size() > bytes_max) {
      return absl::InvalidArgumentError(StrCat(path, " has more than ", bytes_max, " bytes"));
    }
  }
}

absl::Status CannotWrite(const std::string& path) {
  return absl::UnavailableError(
      StrCat("cannot write ", path, ": ", std::generic_category().message(errno)));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Closes it, and keeps the error of what went before.
void CloseQuietly(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failure(path);
  absl::StatusOr<std::string> bytes = ReadAll(fd, path, bytes_max);
  close(fd);
  return bytes;
}

bool IsReadableFile(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode) &&
         access(path.c_str(), R_OK) == 0;
}

bool IsOpenToOthers(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

absl::Status WriteSmallFile(const std::string& path, std::string_view bytes) {
  constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kOwnerAlone);
  if (fd < 0) return CannotWrite(path);
  // One that was left there may be open to others.
  const bool written = fchmod(fd, kOwnerAlone) == 0 && WriteAll(fd, bytes) && fsync(fd) == 0;
  CloseQuietly(fd);
  return written ? absl::OkStatus() : CannotWrite(path);
}

absl::Status MoveSmallFile(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return CannotWrite(to);
  const std::string directory = std::filesystem::path(to).parent_path().string();
  const int fd =
      open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return CannotWrite(to);
  const bool synced = fsync(fd) == 0;
  CloseQuietly(fd);
  return synced ? absl::OkStatus() : CannotWrite(to);
}

}  // namespace hookbridge
