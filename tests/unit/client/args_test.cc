#include "client/hookctl/args.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hookbridge::hookctl {
namespace {

using ::testing::ElementsAre;

constexpr Flag kFlags[] = {
    {"source", "NAME", "a source", true}, {"limit", "N", "a count"}, {"json", "", "a switch"}};

absl::StatusOr<Args> Parse(std::vector<std::string_view> words) {
  return Args::Parse(words, kFlags);
}

// Both spellings of a value, repeats where allowed, switches and words may mix.
TEST(ArgsTest, ReadsFlagsAndWords) {
  const auto args = Parse({"one", "--source", "a", "--json", "--source=b", "two", "--", "--limit"});
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->All("source"), ElementsAre("a", "b"));
  EXPECT_TRUE(args->Has("json"));
  EXPECT_FALSE(args->Has("limit"));
  EXPECT_THAT(args->words(), ElementsAre("one", "two", "--limit"));
}

struct BadCase {
  const char* name;
  std::vector<std::string_view> words;
  const char* message;
};

class BadArgsTest : public ::testing::TestWithParam<BadCase> {};

// A mistyped command does nothing, and its error says what to write.
TEST_P(BadArgsTest, IsRefusedWithAHint) {
  const auto args = Parse(GetParam().words);
  ASSERT_FALSE(args.ok());
  EXPECT_EQ(args.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(args.status().message()), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadArgsTest,
    ::testing::Values(
        BadCase{"Near", {"--soruce", "a"}, "unknown flag --soruce; did you mean --source?"},
        BadCase{"Far", {"--zebra"}, "unknown flag --zebra"},
        BadCase{"Repeat", {"--limit", "1", "--limit", "2"}, "--limit was given twice"},
        BadCase{"NoValue", {"--limit"}, "--limit needs N"},
        BadCase{"ValueForSwitch", {"--json=yes"}, "--json takes no value"}),
    [](const auto& test) { return test.param.name; });

// Counts begin at 1 and are whole.
TEST(ArgsTest, CountsAreWholeFromOne) {
  EXPECT_EQ(*Parse({})->Count("limit", 7), 7u);
  EXPECT_EQ(*Parse({"--limit", "1"})->Count("limit", 7), 1u);
  for (const char* bad : {"0", "-1", "1.5", "x", ""}) {
    EXPECT_FALSE(Parse({"--limit", bad})->Count("limit", 7).ok()) << bad;
  }
}

// Rates are finite and above zero.
TEST(ArgsTest, RatesArePositive) {
  EXPECT_EQ(*Parse({"--limit", "0.5"})->Rate("limit", 1), 0.5);
  for (const char* bad : {"0", "-1", "inf", "nan", "x"}) {
    EXPECT_FALSE(Parse({"--limit", bad})->Rate("limit", 1).ok()) << bad;
  }
}

// Missing and surplus words are told by name.
TEST(ArgsTest, ExpectsWords) {
  constexpr std::string_view kNames[] = {"ID"};
  EXPECT_TRUE(Parse({"x"})->ExpectWords(kNames).ok());
  EXPECT_FALSE(Parse({})->ExpectWords(kNames).ok());
  EXPECT_FALSE(Parse({"x", "y"})->ExpectWords(kNames).ok());
}

// The three ways to tell a time agree; anything else is refused, a cursor too.
TEST(ParseTimeTest, TakesDatesSecondsAndAges) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_EQ(*ParseTime("2023-11-14T22:13:20Z", absl::UnixEpoch()), now);
  EXPECT_EQ(*ParseTime("1700000000", absl::UnixEpoch()), now);
  EXPECT_EQ(*ParseTime("15m", now), now - absl::Minutes(15));
  EXPECT_EQ(*ParseTime("7d", now), now - absl::Hours(7 * 24));
  for (const char* bad : {"", "yesterday", "-5m", "2023-11-14", "Ab3dEf"}) {
    EXPECT_FALSE(ParseTime(bad, now).ok()) << bad;
  }
}

}  // namespace
}  // namespace hookbridge::hookctl
