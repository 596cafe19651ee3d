#include "server/base/json_number.h"

#include "server/base/strings.h"

#include "gtest/gtest.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace hookbridge {
namespace {

TEST(JsonNumberTest, WhatTheShortestDecimalReadsBackIsExact) {
  for (const char* const lexeme : {"0",
                                   "-0",
                                   "0.0",
                                   "-0.0e10",
                                   "1",
                                   "-1",
                                   "0.1",
                                   "1.10",
                                   "10.00",
                                   "1e0",
                                   "1E+2",
                                   "1e-2",
                                   "100e-2",
                                   "9007199254740991",
                                   "9007199254740992",
                                   "-9007199254740992",
                                   "9007199254740994",
                                   "1e15",
                                   "1e22",
                                   "1e23",
                                   "123456789012345",
                                   "1234567890123456",
                                   "0.30000000000000004",
                                   "5e-324",
                                   "1.7976931348623157e308",
                                   "2.2250738585072014e-308",
                                   "0e400",
                                   "0e-999999999999",
                                   "1e300",
                                   "3.14159",
                                   "1700000000.123",
                                   "0.000001",
                                   "99999999999999900000"}) {
    const JsonNumber number = ReadJsonNumber(lexeme);
    EXPECT_TRUE(number.exact) << lexeme;
    EXPECT_EQ(number.value, std::strtod(lexeme, nullptr)) << lexeme;
  }
}

TEST(JsonNumberTest, WhatItDoesNotReadBackIsInexact) {
  for (const char* const lexeme :
       {"9007199254740993", "-9007199254740993", "18446744073709551615", "9223372036854775807",
        "1e400", "-1e400", "1e999999999999999999999", "1e-400", "0.10000000000000000555",
        "3.141592653589793238", "0.1000000000000000055511151231257827", "12345678901234567890",
        "4.9e-324", "123456789.123456789123"}) {
    EXPECT_FALSE(ReadJsonNumber(lexeme).exact) << lexeme;
  }
}

TEST(JsonNumberTest, KeepsTheSignOfZero) {
  EXPECT_TRUE(std::signbit(ReadJsonNumber("-0").value));
  EXPECT_TRUE(std::signbit(ReadJsonNumber("-0.00e5").value));
  EXPECT_FALSE(std::signbit(ReadJsonNumber("0").value));
}

// The definition itself, by another way: shortest form, then both as (digits, exponent).
std::pair<std::string, long> Canonical(std::string text) {
  long exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string::npos) {
    exponent = std::atol(text.c_str() + e + 1);
    text.resize(e);
  }
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  if (const size_t dot = text.find('.'); dot != std::string::npos) {
    exponent -= static_cast<long>(text.size() - dot - 1);
    text.erase(dot, 1);
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  while (text.ends_with('0')) {
    text.pop_back();
    ++exponent;
  }
  if (text.empty()) return {"0", 0};
  return {(negative ? "-" : "") + text, exponent};
}

TEST(JsonNumberTest, AgreesWithTheDefinitionOnRandomLexemes) {
  std::mt19937 random(17);
  const auto digits = [&](int most) {
    std::string text;
    for (int i = static_cast<int>(random() % static_cast<unsigned>(most)) + 1; i > 0; --i) {
      text.push_back(static_cast<char>('0' + random() % 10));
    }
    return text;
  };
  for (int i = 0; i < 200'000; ++i) {
    std::string whole = digits(19);
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
    std::string lexeme = random() % 4 == 0 ? "-" + whole : whole;
    if (random() % 2 == 0) lexeme += "." + digits(19);
    if (random() % 3 == 0) lexeme += StrCat("e", static_cast<int>(random() % 660) - 330);
    double value = 0;
    const auto read = std::from_chars(lexeme.data(), lexeme.data() + lexeme.size(), value);
    bool exact = false;
    if (read.ec == std::errc()) {
      char shortest[64];
      const auto end =
          std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific)
              .ptr;
      const auto a = Canonical(lexeme);
      const auto b = Canonical(std::string(shortest, end));
      exact = a == b || (a.first == "0" && b.first == "0");
    } else if (Canonical(lexeme).first == "0") {
      exact = true;
    }
    const JsonNumber number = ReadJsonNumber(lexeme);
    ASSERT_EQ(number.exact, exact) << lexeme;
    if (exact) {
      ASSERT_EQ(number.value, value) << lexeme;
    }
  }
}

TEST(JsonNumberTest, TakesLinearTimeForManyDigits) {
  EXPECT_FALSE(ReadJsonNumber(std::string(1 << 20, '7')).exact);
  EXPECT_TRUE(ReadJsonNumber("1" + std::string(300, '0')).exact);
  EXPECT_TRUE(ReadJsonNumber("0." + std::string(1 << 20, '0')).exact);
}

}  // namespace
}  // namespace hookbridge
