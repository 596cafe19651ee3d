#include "server/verify/internal/timestamp.h"

#include <cstdint>
#include <string>

namespace hookbridge {
namespace {

constexpr size_t kDigitsMax = 13;

std::optional<int64_t> ParseDigits(std::string_view text) {
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::optional<absl::Time> ParseTimestamp(config::v1::TimestampUnit unit, std::string_view text) {
  if (unit == config::v1::TIMESTAMP_UNIT_ISO8601) {
    absl::Time time;
    if (text.size() < 20 || text.size() > 40 || text.front() < '0' || text.front() > '9') {
      return std::nullopt;
    }
    if (!absl::ParseTime(absl::RFC3339_full, std::string(text), &time, nullptr))
      return std::nullopt;
    return time;
  }
  const auto value = ParseDigits(text);
  if (!value) return std::nullopt;
  return unit == config::v1::TIMESTAMP_UNIT_MILLISECONDS ? absl::FromUnixMillis(*value)
                                                         : absl::FromUnixSeconds(*value);
}

}  // namespace hookbridge
