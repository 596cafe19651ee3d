#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace hookbridge {

// The file's bytes. kNotFound (with the system's reason) when it cannot be opened or read,
// kInvalidArgument for more than `bytes_max`. Blocks on the disk.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max);

// Whether the process may open it for reading and it is no directory.
bool IsReadableFile(const std::string& path);

// Whether there is a file, and others than its owner may read or write it.
bool IsOpenToOthers(const std::string& path);

// Makes or replaces the file, for its owner alone, on stable storage; the directory may still lack
// its name. kUnavailable with the system's reason. Blocks on the disk.
absl::Status WriteSmallFile(const std::string& path, std::string_view bytes);

// Gives the file its other name, in place of what has it, on stable storage. Both are in one
// directory. kUnavailable with the system's reason. Blocks on the disk.
absl::Status MoveSmallFile(const std::string& from, const std::string& to);

}  // namespace hookbridge
