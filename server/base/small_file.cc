#include "server/base/small_file.h"

#include "server/base/strings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace hookbridge
