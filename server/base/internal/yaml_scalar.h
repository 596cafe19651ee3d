#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Texts of configuration values: strict, one spelling for one value.
namespace hookbridge::internal {

// Decimal digits, no sign, no leading zero; nullopt beyond 64 bits.
std::optional<uint64_t> ParseUnsigned(std::string_view text);

// As above, after an optional `-`.
std::optional<int64_t> ParseSigned(std::string_view text);

// A whole number, or one with a unit: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB.
std::optional<uint64_t> ParseByteSize(std::string_view text);

struct SecondsAndNanos {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

// A whole number and a unit: ms, s, m, h, d. At most limits::kConfigDurationMax.
std::optional<SecondsAndNanos> ParseDurationText(std::string_view text);

// Whether a text that the functions above refuse is of their form, and the value alone too large.
bool IsLargeByteSize(std::string_view text);
bool IsLongDuration(std::string_view text);

// What the writer may have meant, as a fix; for other texts that are refused.
std::string ByteSizeHint(std::string_view text);
std::string DurationHint(std::string_view text);

}  // namespace hookbridge::internal
