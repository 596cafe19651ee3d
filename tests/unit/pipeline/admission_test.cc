#include "server/admission.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

namespace hookbridge {
namespace {

TEST(AdmissionTest, OneSourceHoldsAtMostHalf) {
  BodyBudget budget({.bytes_max = 100, .owner_bytes_max = 100});
  BodyBudget::Share a;
  BodyBudget::Share b;
  const auto first = budget.Open(a, "1");
  EXPECT_TRUE(first->Grow(49));
  EXPECT_FALSE(first->Grow(2));
  EXPECT_TRUE(first->Grow(1)) << "at its half";
  EXPECT_EQ(budget.Open(a, "2"), nullptr) << "refused before a byte is read";
  auto second = budget.Open(b, "1");
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(second->Grow(49));
  EXPECT_FALSE(second->Grow(2)) << "over the whole";
  EXPECT_TRUE(second->Grow(1));
  EXPECT_EQ(budget.bytes_in_use(), 100u);
  second.reset();
  EXPECT_EQ(budget.bytes_in_use(), 50u) << "what it grew by comes back";
}

// A stranger who sends to every source holds no more than one address may.
TEST(AdmissionTest, OneAddressHoldsAtMostItsPart) {
  BodyBudget budget({.bytes_max = 100, .owner_bytes_max = 25});
  BodyBudget::Share a;
  BodyBudget::Share b;
  const auto first = budget.Open(a, "stranger");
  const auto second = budget.Open(b, "stranger");
  EXPECT_TRUE(first->Grow(20));
  EXPECT_FALSE(second->Grow(6));
  EXPECT_TRUE(second->Grow(5));
  EXPECT_EQ(budget.Open(b, "stranger"), nullptr);
  const auto provider = budget.Open(a, "provider");
  ASSERT_NE(provider, nullptr);
  EXPECT_TRUE(provider->Grow(25));
  EXPECT_EQ(budget.bytes_in_use(), 50u) << "what was refused is not charged";
}

// A head that announces a body and sends none costs no other sender anything.
TEST(AdmissionTest, AnOpenTicketHoldsNothing) {
  BodyBudget budget({.bytes_max = 100, .owner_bytes_max = 100});
  BodyBudget::Share share;
  std::vector<std::unique_ptr<AdmissionTicket>> silent;
  for (int i = 0; i < 1'000; ++i) silent.push_back(budget.Open(share, "1"));
  EXPECT_EQ(budget.bytes_in_use(), 0u);
  EXPECT_TRUE(budget.Open(share, "1")->Grow(50));
}

TEST(AdmissionTest, NothingLeaksUnderContention) {
  BodyBudget budget({.bytes_max = 1'000, .owner_bytes_max = 500});
  std::vector<BodyBudget::Share> shares(4);
  std::vector<std::thread> threads;
  for (auto& share : shares) {
    threads.emplace_back([&budget, &share] {
      for (int i = 0; i < 10'000; ++i) {
        const auto ticket = budget.Open(share, i % 2 == 0 ? "even" : "odd");
        if (ticket != nullptr && ticket->Grow(200)) ticket->Grow(200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.bytes_in_use(), 0u);
  EXPECT_TRUE(budget.Open(shares[0], "even")->Grow(500));
}

}  // namespace
}  // namespace hookbridge
