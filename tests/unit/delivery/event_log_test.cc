#include "server/delivery/event_log.h"

#include "tests/support/delivery_fixture.h"

namespace hookbridge {
namespace {

class EventLogTest : public DeliveryFixture {};

// Room for about three of these events.
class SmallCacheTest : public DeliveryFixture {
 protected:
  SmallCacheTest() : DeliveryFixture(8'000) {}
};

TEST_F(EventLogTest, RecentEventsKeepTheParsedFormThatIngestMade) {
  for (int i = 0; i < 5; ++i) Append({});
  const auto events = log_.Read(1, 100, SIZE_MAX, /*want_data=*/true);
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), 4u);
  EXPECT_EQ(remade_, 0);
}

TEST_F(SmallCacheTest, OlderOnesAreReadAgainAndTheirParsedFormMadeAgain) {
  for (int i = 0; i < 10; ++i) Append({.body_bytes = 1'000});
  auto events = log_.Read(0, 100, SIZE_MAX, /*want_data=*/true);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 10u);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ((*events)[i]->position, i + 1);
    EXPECT_FALSE((*events)[i]->runs.data.empty());
  }
  events = log_.Read(9, 100, SIZE_MAX, /*want_data=*/true);
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), 1u);
}

TEST_F(SmallCacheTest, AnEventLargerThanTheCacheIsStillRead) {
  Append({.body_bytes = 100'000});
  const auto events = log_.Read(0, 100, SIZE_MAX, /*want_data=*/true);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 1u);
  EXPECT_GT((*events)[0]->runs.data.size(), 100'000u);
}

TEST_F(EventLogTest, ReadsAreBoundedInEventsAndBytesAndGiveAtLeastOne) {
  for (int i = 0; i < 5; ++i) Append({.body_bytes = 1'000});
  EXPECT_EQ(log_.Read(0, 2, SIZE_MAX, true)->size(), 2u);
  EXPECT_EQ(log_.Read(0, 100, 1, true)->size(), 1u);
  EXPECT_EQ(log_.Read(5, 100, 1, true)->size(), 0u);
}

}  // namespace
}  // namespace hookbridge
