#include "server/base/reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace hookbridge {
namespace {

// The words are metric labels: each is its own and in snake_case.
TEST(Reason, NamesAreDistinctSnakeCase) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kReasonCount; ++i) {
    const std::string_view name = ReasonName(static_cast<Reason>(i));
    EXPECT_TRUE(names.insert(name).second) << name;
    ASSERT_FALSE(name.empty()) << i;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_NE(name.front(), '_');
    EXPECT_NE(name.back(), '_');
  }
}

// The table has the order of the enumeration.
TEST(Reason, NamesMatchValues) {
  EXPECT_EQ(ReasonName(Reason::kUnknownSource), "unknown_source");
  EXPECT_EQ(ReasonName(Reason::kSignatureMismatch), "signature_mismatch");
  EXPECT_EQ(ReasonName(Reason::kMalformedBody), "malformed_body");
  EXPECT_EQ(ReasonName(Reason::kInternal), "internal");
}

}  // namespace
}  // namespace hookbridge
