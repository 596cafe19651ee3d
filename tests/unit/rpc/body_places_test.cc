#include "server/rpc/body_places.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

class Place final : public BodyPlace {
 public:
  std::optional<BodyPlaces::Time> WritingSince() const override { return since; }
  bool Pin() override {
    pinned = !ends;
    return pinned;
  }

  std::optional<BodyPlaces::Time> since;
  bool ends = false;
  bool pinned = false;
};

class BodyPlacesTest : public testing::Test {
 protected:
  bool Enter(Place& place) { return places_.Enter(place, now_, &gave_way_); }

  const BodyPlaces::Time now_ = BodyPlaces::Time() + std::chrono::hours(1);
  BodyPlaces places_{2, absl::Seconds(10)};
  BodyPlace* gave_way_ = nullptr;
  Place one_, two_, three_;
};

TEST_F(BodyPlacesTest, PlacesAtTheLimitAndOneMore) {
  EXPECT_TRUE(Enter(one_));
  EXPECT_TRUE(Enter(two_));
  EXPECT_FALSE(Enter(three_));
  places_.Leave(one_);
  EXPECT_TRUE(Enter(three_));
  EXPECT_EQ(gave_way_, nullptr);
}

TEST_F(BodyPlacesTest, TheLongestStalledGivesWay) {
  ASSERT_TRUE(Enter(one_));
  ASSERT_TRUE(Enter(two_));
  one_.since = now_ - std::chrono::seconds(11);
  two_.since = now_ - std::chrono::seconds(12);
  EXPECT_TRUE(Enter(three_));
  EXPECT_EQ(gave_way_, &two_);
  EXPECT_TRUE(two_.pinned);
  EXPECT_FALSE(one_.pinned);
}

TEST_F(BodyPlacesTest, WhoTakesItsChunksStays) {
  ASSERT_TRUE(Enter(one_));
  ASSERT_TRUE(Enter(two_));
  one_.since = now_ - std::chrono::milliseconds(9'999);
  EXPECT_FALSE(Enter(three_));
  two_.since = now_ - std::chrono::seconds(10);
  two_.ends = true;
  EXPECT_FALSE(Enter(three_)) << "it leaves by itself";
  two_.ends = false;
  EXPECT_TRUE(Enter(three_));
}

}  // namespace
}  // namespace hookbridge
