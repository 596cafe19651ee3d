#include "server/base/event_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hookbridge {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1'700'000'000'123);

// The time inside is append_time: it survives, to the millisecond.
TEST(EventIdMinter, KeepsTheTime) {
  EventIdMinter minter(1, EventId());
  EXPECT_EQ(minter.Next(kNow + absl::Microseconds(400)).time(), kNow);
}

// Version and variant are those of RFC 9562, so that any UUID library reads an id.
TEST(EventIdMinter, MakesVersion7) {
  const std::string text = EventIdMinter(1, EventId()).Next(kNow).ToString();
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
}

// Ids sort in journal order within a millisecond, also as texts.
TEST(EventIdMinter, GrowsWithinAMillisecond) {
  EventIdMinter minter(7, EventId());
  EventId last = minter.Next(kNow);
  for (int i = 0; i < 5'000; ++i) {
    const EventId next = minter.Next(kNow);
    ASSERT_LT(last, next);
    ASSERT_LT(last.ToString(), next.ToString());
    last = next;
  }
  EXPECT_EQ(last.time(), kNow);
}

// A clock that steps back neither breaks the order nor the time's monotony.
TEST(EventIdMinter, GrowsWhenTheClockStepsBack) {
  EventIdMinter minter(1, EventId());
  const EventId before = minter.Next(kNow);
  const EventId after = minter.Next(kNow - absl::Hours(1));
  EXPECT_LT(before, after);
  EXPECT_EQ(after.time(), kNow);
  EXPECT_EQ(minter.Next(kNow + absl::Milliseconds(1)).time(), kNow + absl::Milliseconds(1));
}

// A time before 1970 is taken as 1970 and not as the far future.
TEST(EventIdMinter, ClampsEarlyTimes) {
  EXPECT_EQ(EventIdMinter(1, EventId()).Next(absl::InfinitePast()).time(), absl::UnixEpoch());
}

// When the counter of a millisecond is used up, the next id moves on to the next millisecond.
TEST(EventIdMinter, CarriesTheCounterIntoTheTime) {
  const auto last = EventId::Parse("018bcfe5-687b-7fff-bfff-ffffffffffff");
  ASSERT_TRUE(last.has_value());
  ASSERT_EQ(last->time(), kNow);
  EventIdMinter minter(1, *last);
  const EventId next = minter.Next(kNow);
  EXPECT_LT(*last, next);
  EXPECT_EQ(next.time(), kNow + absl::Milliseconds(1));
}

// One below the end of the counter still fits into the millisecond.
TEST(EventIdMinter, UsesTheWholeCounter) {
  const auto last = EventId::Parse("018bcfe5-687b-7fff-bfef-ffffffffffff");
  ASSERT_TRUE(last.has_value());
  const EventId next = EventIdMinter(1, *last).Next(kNow);
  EXPECT_LT(*last, next);
  EXPECT_EQ(next.time(), kNow);
}

// After a restart with a clock behind, new ids are still above the newest one known.
TEST(EventIdMinter, ResumesAboveTheLastId) {
  EventIdMinter first(1, EventId());
  EventId last;
  for (int i = 0; i < 1'000; ++i) last = first.Next(kNow);
  EventIdMinter second(1, last);
  EXPECT_LT(last, second.Next(kNow - absl::Seconds(5)));
}

// Two minters of one moment do not collide: the random bits depend on the seed.
TEST(EventIdMinter, SeedsDiffer) {
  EXPECT_NE(EventIdMinter(1, EventId()).Next(kNow), EventIdMinter(2, EventId()).Next(kNow));
}

// Text and value are one to one; either case is read, lower case is written.
TEST(EventId, ParsesItsText) {
  const EventId id = EventIdMinter(3, EventId()).Next(kNow);
  EXPECT_EQ(EventId::Parse(id.ToString()), id);
  EXPECT_EQ(EventId::Parse("018BCFE5-687B-7FFF-BFFF-FFFFFFFFFFFF")->ToString(),
            "018bcfe5-687b-7fff-bfff-ffffffffffff");
}

struct BadText {
  std::string name;
  std::string text;
};
class EventIdParse : public testing::TestWithParam<BadText> {};

// Clients send ids: what is not one is refused and never misread.
TEST_P(EventIdParse, Refuses) { EXPECT_EQ(EventId::Parse(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    All, EventIdParse,
    testing::Values(BadText{"Empty", ""}, BadText{"Short", "018bcfe5-687b-7fff-bfff-fffffffffff"},
                    BadText{"Long", "018bcfe5-687b-7fff-bfff-fffffffffffff"},
                    BadText{"NoDashes", "018bcfe5x687b-7fff-bfff-ffffffffffff"},
                    BadText{"NotHex", "018bcfe5-687b-7fff-bfff-fffffffffffg"},
                    BadText{"Version4", "018bcfe5-687b-4fff-bfff-ffffffffffff"},
                    BadText{"WrongVariant", "018bcfe5-687b-7fff-cfff-ffffffffffff"},
                    BadText{"DashForDigit", "018bcfe5-687b-7fff-bfff-ffffff-fffff"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace hookbridge
