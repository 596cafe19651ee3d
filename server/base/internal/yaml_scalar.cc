#include "server/base/internal/yaml_scalar.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace hookbridge::internal {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 9> kByteUnits = {{{"B", 1},
                                             {"kB", 1'000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000},
                                             {"TB", 1'000'000'000'000},
                                             {"KiB", 1ull << 10},
                                             {"MiB", 1ull << 20},
                                             {"GiB", 1ull << 30},
                                             {"TiB", 1ull << 40}}};

constexpr std::array<Unit, 5> kTimeUnits = {
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

constexpr std::string_view kByteSizeFix = "write a whole number of bytes, or for example `64MiB`";
constexpr std::string_view kDurationFix =
    "write a whole number and a unit (ms, s, m, h, d), for example `30s`";

struct NumberAndUnit {
  std::string_view number;
  std::string_view unit;
};

NumberAndUnit Split(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return {text.substr(0, digits), text.substr(digits)};
}

template <size_t N>
const Unit* FindUnit(const std::array<Unit, N>& units, std::string_view name) {
  const auto it =
      std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
  return it == units.end() ? nullptr : &*it;
}

// Of any size; Split has seen that they are digits.
bool IsNumber(std::string_view digits) {
  return !digits.empty() && (digits.size() == 1 || digits[0] != '0');
}

std::optional<uint64_t> Multiply(uint64_t a, uint64_t b) {
  if (b != 0 && a > std::numeric_limits<uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

// The unit that a word stands for, or empty.
std::string_view UsualByteUnit(std::string_view word) {
  const std::string unit = absl::AsciiStrToLower(std::string(word));
  if (unit == "k" || unit == "kb" || unit == "kib") return "KiB";
  if (unit == "m" || unit == "mb" || unit == "mib") return "MiB";
  if (unit == "g" || unit == "gb" || unit == "gib") return "GiB";
  if (unit == "t" || unit == "tb" || unit == "tib") return "TiB";
  return unit == "bytes" || unit == "byte" || unit == "b" ? "B" : "";
}

std::string_view UsualTimeUnit(std::string_view word) {
  const std::string unit = absl::AsciiStrToLower(std::string(word));
  if (unit == "msec" || unit.starts_with("milli") || unit == "ms") return "ms";
  if (unit.empty() || unit == "s" || unit.starts_with("sec")) return "s";
  if (unit == "m" || unit.starts_with("min")) return "m";
  if (unit == "h" || unit == "hr" || unit.starts_with("hour")) return "h";
  return unit == "d" || unit.starts_with("day") ? "d" : "";
}

std::string Suggest(std::string_view text, std::string_view (*usual)(std::string_view),
                    std::string_view otherwise) {
  const auto [number, word] = Split(text);
  const std::string_view unit =
      usual(word.substr(std::min(word.find_first_not_of(' '), word.size())));
  if (!ParseUnsigned(number).has_value() || unit.empty()) return std::string(otherwise);
  return StrCat(otherwise, "; did you mean `", number, unit, "`?");
}

}  // namespace

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseSigned(std::string_view text) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool negative = text.starts_with("-");
  const auto magnitude = ParseUnsigned(text.substr(negative ? 1 : 0));
  if (!magnitude.has_value() || *magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<uint64_t> ParseByteSize(std::string_view text) {
  const auto [number, word] = Split(text);
  const auto value = ParseUnsigned(number);
  if (!value.has_value() || word.empty()) return value;
  const Unit* const unit = FindUnit(kByteUnits, word);
  return unit == nullptr ? std::nullopt : Multiply(*value, unit->factor);
}

std::optional<SecondsAndNanos> ParseDurationText(std::string_view text) {
  const auto [number, word] = Split(text);
  const auto value = ParseUnsigned(number);
  const Unit* const unit = FindUnit(kTimeUnits, word);
  if (!value.has_value() || unit == nullptr) return std::nullopt;
  const auto millis = Multiply(*value, unit->factor);
  const auto millis_max =
      static_cast<uint64_t>(absl::ToInt64Milliseconds(limits::kConfigDurationMax));
  if (!millis.has_value() || *millis > millis_max) return std::nullopt;
  return SecondsAndNanos{.seconds = static_cast<int64_t>(*millis / 1'000),
                         .nanos = static_cast<int32_t>(*millis % 1'000) * 1'000'000};
}

bool IsLargeByteSize(std::string_view text) {
  const auto [number, word] = Split(text);
  return IsNumber(number) && (word.empty() || FindUnit(kByteUnits, word) != nullptr);
}

bool IsLongDuration(std::string_view text) {
  const auto [number, word] = Split(text);
  return IsNumber(number) && FindUnit(kTimeUnits, word) != nullptr;
}

std::string ByteSizeHint(std::string_view text) {
  return Suggest(text, UsualByteUnit, kByteSizeFix);
}

std::string DurationHint(std::string_view text) {
  return Suggest(text, UsualTimeUnit, kDurationFix);
}

}  // namespace hookbridge::internal
