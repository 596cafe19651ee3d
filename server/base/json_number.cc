#include "server/base/json_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace hookbridge {
namespace {

// Decimals of at most 15 digits read back as themselves from a double (DBL_DIG).
constexpr size_t kAlwaysExactDigits = 15;
// No shortest form has more.
constexpr size_t kShortestDigitsMax = 17;
constexpr int64_t kExponentMax = 1'000'000;

constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// A decimal in one form: digits without zeros at either end, times ten to the exponent.
struct Decimal {
  std::array<char, kShortestDigitsMax> digits{};
  size_t count = 0;
  bool too_many = false;  // more digits than a shortest form has
  int64_t exponent = 0;

  uint64_t Integer() const {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value * 10 + static_cast<uint64_t>(digits[i] - '0');
    return value;
  }
  bool operator==(const Decimal& other) const {
    return count == other.count && exponent == other.exponent && too_many == other.too_many &&
           std::equal(digits.begin(), digits.begin() + static_cast<std::ptrdiff_t>(count),
                      other.digits.begin());
  }
};

Decimal ReadDecimal(std::string_view text) {
  Decimal decimal;
  int64_t zeros = 0;  // seen after the last digit that counts, not yet counted
  bool fraction = false;
  size_t i = text.starts_with('-') ? 1 : 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    if (fraction) --decimal.exponent;
    if (text[i] == '0') {
      if (decimal.count > 0) ++zeros;
      continue;
    }
    for (; zeros > 0; --zeros) {
      if (decimal.count == kShortestDigitsMax) {
        decimal.too_many = true;
        zeros = 0;
        break;
      }
      decimal.digits[decimal.count++] = '0';
    }
    if (decimal.count == kShortestDigitsMax) {
      decimal.too_many = true;
      continue;
    }
    decimal.digits[decimal.count++] = text[i];
  }
  decimal.exponent += zeros;
  if (i < text.size()) {
    ++i;
    const bool negative = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') ++i;
    int64_t exponent = 0;
    for (; i < text.size(); ++i) exponent = std::min(exponent * 10 + (text[i] - '0'), kExponentMax);
    decimal.exponent += negative ? -exponent : exponent;
  }
  if (decimal.count == 0) decimal.exponent = 0;
  return decimal;
}

// Digits alone, few enough to be exact: most numbers.
std::optional<uint64_t> ReadSmallInteger(std::string_view digits) {
  if (digits.size() > kAlwaysExactDigits) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

JsonNumber ReadJsonNumber(std::string_view lexeme) {
  const bool negative = lexeme.starts_with('-');
  if (const auto integer = ReadSmallInteger(lexeme.substr(negative ? 1 : 0))) {
    const auto value = static_cast<double>(*integer);
    return {.value = negative ? -value : value, .exact = true};
  }
  const Decimal decimal = ReadDecimal(lexeme);
  if (decimal.too_many) return {};
  if (decimal.count == 0) return {.value = negative ? -0.0 : 0.0, .exact = true};
  if (decimal.count <= kAlwaysExactDigits && decimal.exponent >= -22 && decimal.exponent <= 22) {
    // Both operands are exact, so the result is the nearest double.
    double value = static_cast<double>(decimal.Integer());
    if (decimal.exponent < 0) {
      value /= kPowersOfTen[static_cast<size_t>(-decimal.exponent)];
    } else {
      value *= kPowersOfTen[static_cast<size_t>(decimal.exponent)];
    }
    return {.value = negative ? -value : value, .exact = true};
  }
  double value = 0;
  const auto read = std::from_chars(lexeme.data(), lexeme.data() + lexeme.size(), value);
  if (read.ec != std::errc()) return {};
  std::array<char, 32> shortest{};
  const auto written = std::to_chars(shortest.data(), shortest.data() + shortest.size(), value,
                                     std::chars_format::scientific);
  const Decimal back =
      ReadDecimal({shortest.data(), static_cast<size_t>(written.ptr - shortest.data())});
  return {.value = value, .exact = back == decimal};
}

}  // namespace hookbridge
