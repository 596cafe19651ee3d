#include "server/base/encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace hookbridge {
namespace {

std::string AllBytes(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37 + 11));
  return bytes;
}

// What is encoded comes back, at every length modulo the group sizes.
TEST(Encoding, RoundTrips) {
  for (size_t size = 0; size < 70; ++size) {
    const std::string bytes = AllBytes(size);
    EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
  }
}

// The test vectors of RFC 4648 section 10.
TEST(Base64, MatchesTheStandard) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Encode("\xfb\xff"), "+/8=");
  EXPECT_EQ(Base64UrlEncode("\xfb\xff"), "-_8");
}

struct Base64Case {
  std::string name;
  std::string text;
  bool good_required;
  bool good_optional;
};
class Base64Strict : public testing::TestWithParam<Base64Case> {};

// One value has one text: a signature cannot be changed and still match.
TEST_P(Base64Strict, Decides) {
  EXPECT_EQ(Base64Decode(GetParam().text).has_value(), GetParam().good_required);
  EXPECT_EQ(Base64Decode(GetParam().text, Base64Padding::kOptional).has_value(),
            GetParam().good_optional);
}

INSTANTIATE_TEST_SUITE_P(All, Base64Strict,
                         testing::Values(Base64Case{"Padded", "Zg==", true, true},
                                         Base64Case{"Unpadded", "Zg", false, true},
                                         Base64Case{"HalfPadded", "Zg=", false, false},
                                         Base64Case{"Overpadded", "Zm9v=", false, false},
                                         Base64Case{"OverpaddedByFour", "Zm9v====", false, false},
                                         Base64Case{"OnlyPadding", "====", false, false},
                                         Base64Case{"OneDigit", "Z", false, false},
                                         Base64Case{"OneDigitPadded", "Z===", false, false},
                                         Base64Case{"TrailingBits", "Zh==", false, false},
                                         Base64Case{"TrailingBitsUnpadded", "Zh", false, false},
                                         Base64Case{"TrailingBitsOfThree", "Zm9=", false, false},
                                         Base64Case{"LineEnd", "Zm9v\n", false, false},
                                         Base64Case{"Blank", "Zm 9v", false, false},
                                         Base64Case{"UrlAlphabet", "-_8=", false, false},
                                         Base64Case{"TextAfterPadding", "Zg==Zg==", false, false},
                                         Base64Case{"HighByte", "Zm9\xff", false, false}),
                         [](const auto& param) { return param.param.name; });

// Cursors are as strict.
TEST(Base64Url, RefusesOtherForms) {
  EXPECT_TRUE(Base64UrlDecode("-_8").has_value());
  EXPECT_FALSE(Base64UrlDecode("-_8=").has_value());
  EXPECT_FALSE(Base64UrlDecode("+/8").has_value());
  EXPECT_FALSE(Base64UrlDecode("-_9").has_value());
}

// Either case is read; anything else is not.
TEST(Hex, IsStrict) {
  EXPECT_EQ(HexEncode("\x01\xfe"), "01fe");
  EXPECT_EQ(HexDecode("01Fe"), std::string("\x01\xfe"));
  EXPECT_EQ(HexDecode(""), std::string());
  for (const char* bad : {"0", "0g", "0x", " 1", "1\n", "\xff\xff", "0G", "0:", "0@", "0`", "0/"}) {
    EXPECT_FALSE(HexDecode(bad).has_value()) << bad;
  }
}

struct Utf8Case {
  std::string name;
  std::string text;
  size_t valid;
};
class Utf8 : public testing::TestWithParam<Utf8Case> {};

// Protobuf clients refuse a message with a bad string: the limits are RFC 3629's.
TEST_P(Utf8, FindsTheValidPrefix) {
  const Utf8Case& c = GetParam();
  // Behind and before long ASCII runs, so that the fast path has its edges too.
  for (const size_t before : {0u, 1u, 7u, 8u, 9u, 15u, 16u}) {
    const std::string text = std::string(before, 'a') + c.text;
    EXPECT_EQ(ValidUtf8PrefixBytes(text), before + c.valid);
    EXPECT_EQ(IsValidUtf8(text), c.valid == c.text.size());
    const std::string longer = text + std::string(20, 'z');
    EXPECT_EQ(IsValidUtf8(longer), c.valid == c.text.size());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Utf8,
    testing::Values(
        Utf8Case{"Empty", "", 0}, Utf8Case{"Two", "\xc2\x80", 2},
        Utf8Case{"Three", "\xe0\xa0\x80", 3}, Utf8Case{"Four", "\xf0\x90\x80\x80", 4},
        Utf8Case{"Last", "\xf4\x8f\xbf\xbf", 4}, Utf8Case{"BeforeSurrogates", "\xed\x9f\xbf", 3},
        Utf8Case{"AfterSurrogates", "\xee\x80\x80", 3}, Utf8Case{"Surrogate", "\xed\xa0\x80", 0},
        Utf8Case{"OverlongTwo", "\xc1\xbf", 0}, Utf8Case{"OverlongThree", "\xe0\x9f\xbf", 0},
        Utf8Case{"OverlongFour", "\xf0\x8f\xbf\xbf", 0},
        Utf8Case{"AboveLast", "\xf4\x90\x80\x80", 0}, Utf8Case{"LeadF5", "\xf5\x80\x80\x80", 0},
        Utf8Case{"Continuation", "\x80", 0}, Utf8Case{"CutTwo", "\xc3", 0},
        Utf8Case{"CutFour", "\xf0\x9f\x98", 0}, Utf8Case{"BadSecond", "\xc3(", 0},
        Utf8Case{"BadThird", "\xe2\x82(", 0}, Utf8Case{"GoodThenBad", "\xc3\xa9\xff", 2}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace hookbridge
