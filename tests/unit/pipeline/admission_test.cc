#include "server/admission.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

namespace hookbridge {
namespace {

TEST(AdmissionTest, OneSourceHoldsAtMostHalf) {
  BodyBudget budget(100);
  BodyBudget::Share a;
  BodyBudget::Share b;
  const auto first = budget.Reserve(a, 50);
  EXPECT_NE(first, nullptr) << "at its half";
  EXPECT_EQ(budget.Reserve(a, 1), nullptr);
  auto second = budget.Reserve(b, 49);
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->Grow(2)) << "over the whole";
  EXPECT_TRUE(second->Grow(1));
  EXPECT_EQ(budget.bytes_in_use(), 100u);
  second.reset();
  EXPECT_EQ(budget.bytes_in_use(), 50u) << "what it grew by comes back too";
}

TEST(AdmissionTest, NothingLeaksUnderContention) {
  BodyBudget budget(1'000);
  std::vector<BodyBudget::Share> shares(4);
  std::vector<std::thread> threads;
  for (auto& share : shares) {
    threads.emplace_back([&budget, &share] {
      for (int i = 0; i < 10'000; ++i) {
        const auto ticket = budget.Reserve(share, 200);
        if (ticket != nullptr) ticket->Grow(200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace hookbridge
