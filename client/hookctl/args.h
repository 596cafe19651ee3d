#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Flags of one command: `--name value`, `--name=value`, `--switch`; `--` ends them.
namespace hookbridge::hookctl {

struct Flag {
  std::string_view name;   // without dashes
  std::string_view value;  // how help calls the value; empty makes it a switch
  std::string_view help;
  bool repeated = false;
};

// What was given. Threads: thread-compatible.
class Args {
 public:
  // kInvalidArgument, with the nearest flag that exists: unknown flag, repeat of one that is not
  // repeated, missing value, value for a switch.
  static absl::StatusOr<Args> Parse(std::span<const std::string_view> words,
                                    std::span<const Flag> flags);

  bool Has(std::string_view name) const { return values_.contains(name); }
  // The value, else `otherwise`.
  std::string Get(std::string_view name, std::string_view otherwise = "") const;
  std::vector<std::string> All(std::string_view name) const;
  const std::vector<std::string>& words() const { return words_; }

  // `otherwise` when absent; kInvalidArgument names the flag.
  absl::StatusOr<uint64_t> Count(std::string_view name, uint64_t otherwise) const;
  absl::StatusOr<double> Rate(std::string_view name, double otherwise) const;
  // kInvalidArgument unless there are exactly as many positional words as names.
  absl::Status ExpectWords(std::span<const std::string_view> names) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> words_;
};

// RFC 3339, seconds since 1970, or a time ago (`15m`, `2h`, `7d`).
absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now);

// The candidate that shares the longest beginning with `word`; empty when none shares two letters.
std::string_view Closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace hookbridge::hookctl
