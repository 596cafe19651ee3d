#include "server/ingress/internal/connection_counts.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

namespace hookbridge {
namespace {

TEST(ConnectionCountsTest, BothLimitsHoldExactly) {
  ConnectionCounts counts(3, 2);
  std::string_view why;
  auto first = counts.Take("a", &why);
  const auto second = counts.Take("a", &why);
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_EQ(counts.Take("a", &why), nullptr);
  EXPECT_EQ(why, "ingress.connections_per_address_max");
  const auto other = counts.Take("b", &why);
  EXPECT_NE(other, nullptr);
  EXPECT_EQ(counts.Take("c", &why), nullptr);
  EXPECT_EQ(why, "ingress.connections_max");
  first.reset();
  EXPECT_NE(counts.Take("a", &why), nullptr);
}

TEST(ConnectionCountsTest, NobodyInParticularIsCountedInAllOnly) {
  ConnectionCounts counts(3, 1);
  std::string_view why;
  std::vector<std::unique_ptr<ConnectionCounts::Slot>> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(counts.Take("", &why));
  EXPECT_NE(slots.back(), nullptr);
  EXPECT_EQ(counts.Take("", &why), nullptr);
}

TEST(ConnectionCountsTest, WaitsForTheLast) {
  ConnectionCounts counts(3, 3);
  std::string_view why;
  EXPECT_TRUE(counts.WaitForNone(absl::ZeroDuration()));
  auto slot = counts.Take("a", &why);
  EXPECT_FALSE(counts.WaitForNone(absl::ZeroDuration()));
  std::thread ends([&slot] { slot.reset(); });
  EXPECT_TRUE(counts.WaitForNone(absl::Seconds(60)));
  ends.join();
}

}  // namespace
}  // namespace hookbridge
