#include "server/base/fair_queue.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <memory>
#include <string>
#include <vector>

namespace hookbridge {
namespace {

template <typename T>
std::vector<T> Drain(FairQueue<T>& queue) {
  std::vector<T> all;
  while (auto item = queue.Pop()) all.push_back(*std::move(item));
  return all;
}

TEST(FairQueueTest, OneFlowKeepsItsOrder) {
  FairQueue<int> queue;
  EXPECT_EQ(queue.Pop(), std::nullopt);
  for (int i = 0; i < 5; ++i) queue.Push("a", 1, i);
  EXPECT_EQ(queue.size(), 5u);
  EXPECT_THAT(Drain(queue), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_TRUE(queue.empty());
}

// What a flood of large items makes a small one of another flow wait: one large item.
TEST(FairQueueTest, AFloodDoesNotStandBeforeAnotherFlow) {
  FairQueue<std::string> queue;
  for (int i = 0; i < 100; ++i) queue.Push("flood", 1'000'000, "large");
  EXPECT_EQ(queue.Pop(), "large");
  queue.Push("calm", 1'000, "small");
  EXPECT_EQ(queue.Pop(), "small");
  EXPECT_EQ(queue.next_cost(), 1'000'000u);
  EXPECT_EQ(*queue.Peek(), "large");
}

TEST(FairQueueTest, FlowsThatWaitShareByCost) {
  FairQueue<char> queue;
  for (int i = 0; i < 100; ++i) queue.Push("small", 10, 's');
  for (int i = 0; i < 10; ++i) queue.Push("large", 100, 'l');
  int small = 0;
  int large = 0;
  for (int i = 0; i < 55; ++i) ++(*queue.Pop() == 's' ? small : large);
  EXPECT_EQ(small, 50) << "as many bytes of each";
  EXPECT_EQ(large, 5);
}

// An empty flow saves nothing up: when it comes back it shares from there on.
TEST(FairQueueTest, AFlowThatWasAwayHasNoCredit) {
  FairQueue<char> queue;
  for (int i = 0; i < 50; ++i) queue.Push("a", 10, 'a');
  for (int i = 0; i < 40; ++i) EXPECT_EQ(queue.Pop(), 'a');
  for (int i = 0; i < 10; ++i) queue.Push("b", 10, 'b');
  int a = 0;
  for (int i = 0; i < 10; ++i) a += *queue.Pop() == 'a';
  EXPECT_EQ(a, 5);
}

TEST(FairQueueTest, HoldsWhatOnlyMoves) {
  FairQueue<std::unique_ptr<int>> queue;
  queue.Push("a", 0, std::make_unique<int>(7));
  EXPECT_EQ(**queue.Pop(), 7);
}

}  // namespace
}  // namespace hookbridge
