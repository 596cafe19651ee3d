#include "server/delivery/cursor.h"

#include "gtest/gtest.h"

#include <limits>

namespace hookbridge {
namespace {

TEST(CursorTest, OpensWhatItSealed) {
  for (const Position position :
       {Position{0}, Position{1}, Position{1'000'000}, std::numeric_limits<Position>::max()}) {
    const auto opened =
        OpenCursor(SealCursor({.journal = {1, 2, 3}, .partition = 9, .position = position}));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->journal, (JournalId{1, 2, 3}));
    EXPECT_EQ(opened->partition, 9u);
    EXPECT_EQ(opened->position, position);
  }
}

TEST(CursorTest, IsOneShortUrlSafeWord) {
  const std::string text = SealCursor({.journal = {0xff, 0xfe}, .partition = 0, .position = 1});
  EXPECT_LE(text.size(), 64u);
  EXPECT_EQ(
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
      std::string::npos);
}

TEST(CursorTest, NoticesEveryChangedCharacter) {
  const std::string text = SealCursor({.journal = {1}, .partition = 0, .position = 77});
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char other : {'A', 'z', '0', '-', '=', ' ', '\0'}) {
      std::string damaged = text;
      if (damaged[i] == other) continue;
      damaged[i] = other;
      EXPECT_FALSE(OpenCursor(damaged).has_value()) << i << other;
    }
    EXPECT_FALSE(OpenCursor(text.substr(0, i)).has_value());
  }
  EXPECT_FALSE(OpenCursor(text + "A").has_value());
}

}  // namespace
}  // namespace hookbridge
