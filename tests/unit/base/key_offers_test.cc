#include "server/base/key_offers.h"

#include "gtest/gtest.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace hookbridge {
namespace {

OfferedKey Key(std::string secret) {
  return {.secret = std::move(secret), .answer = [](const absl::Status&) {}};
}

TEST(KeyOffersTest, TheFirstKeyGoesToWhoWaits) {
  KeyOffers offers;
  EXPECT_FALSE(offers.Offer("a", Key("early"))) << "nobody waits";
  std::string taken;
  const auto wait = offers.Await("a", [&](std::optional<OfferedKey> key) { taken = key->secret; });
  ASSERT_TRUE(wait.ok());
  EXPECT_FALSE(offers.Offer("b", Key("other"))) << "for another source";
  EXPECT_TRUE(offers.Offer("a", Key("first")));
  EXPECT_FALSE(offers.Offer("a", Key("second")));
  EXPECT_EQ(taken, "first");
  EXPECT_FALSE(offers.Withdraw("a", *wait)) << "it is taken";
}

TEST(KeyOffersTest, OneWaitsForASource) {
  KeyOffers offers;
  const auto first = offers.Await("a", [](auto) {});
  EXPECT_TRUE(absl::IsAlreadyExists(offers.Await("a", [](auto) {}).status()));
  EXPECT_TRUE(offers.Await("b", [](auto) {}).ok());
  EXPECT_TRUE(offers.Withdraw("a", *first));
  EXPECT_FALSE(offers.Withdraw("a", *first));
  const auto next = offers.Await("a", [](auto) {});
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(offers.Withdraw("a", *first)) << "that wait is another one";
  EXPECT_TRUE(offers.Withdraw("a", *next));
}

TEST(KeyOffersTest, ClosingEndsEveryWait) {
  KeyOffers offers;
  int ended = 0;
  const auto take = [&](std::optional<OfferedKey> key) { ended += key ? 0 : 1; };
  const auto wait = offers.Await("a", take);
  ASSERT_TRUE(offers.Await("b", take).ok());
  offers.Close();
  EXPECT_EQ(ended, 2);
  EXPECT_FALSE(offers.Withdraw("a", *wait));
  EXPECT_FALSE(offers.Offer("a", Key("late")));
  EXPECT_TRUE(absl::IsUnavailable(offers.Await("a", take).status()));
}

// Whatever meets at the same moment, a wait has one end and a key one taker.
TEST(KeyOffersTest, EveryWaitEndsOnce) {
  for (int round = 0; round < 200; ++round) {
    KeyOffers offers;
    std::atomic<int> taken{0};
    std::atomic<int> offered{0};
    std::atomic<int> withdrawn{0};
    const auto wait = *offers.Await("a", [&](std::optional<OfferedKey> key) {
      taken.fetch_add(1);
      if (key) key->answer(absl::OkStatus());
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] { offered.fetch_add(offers.Offer("a", Key("k"))); });
    }
    threads.emplace_back([&] { withdrawn.fetch_add(offers.Withdraw("a", wait)); });
    threads.emplace_back([&] { offers.Close(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(taken + withdrawn, 1);
    EXPECT_LE(offered, taken);
  }
}

}  // namespace
}  // namespace hookbridge
