#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <string>

namespace hookbridge {

// The file's bytes. kNotFound (with the system's reason) when it cannot be opened or read,
// kInvalidArgument for more than `bytes_max`. Blocks on the disk.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max);

// Whether the process may open it for reading and it is no directory.
bool IsReadableFile(const std::string& path);

}  // namespace hookbridge
