#include "server/ingress/internal/turns.h"

#include "server/base/limits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <boost/asio/post.hpp>

#include <string>
#include <vector>

namespace hookbridge {
namespace {

using std::chrono::milliseconds;

TEST(PaceTest, SomeAtOnceThenOneByOne) {
  Pace pace(/*per_second=*/10, /*burst=*/3);
  Pace::Time now{std::chrono::hours(1)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(pace.next(), now) << i;
    pace.Take(now);
  }
  EXPECT_EQ(pace.next(), now + milliseconds(100));
  now += milliseconds(100);
  pace.Take(now);
  EXPECT_EQ(pace.next(), now + milliseconds(100));
  now += std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) pace.Take(now);
  EXPECT_EQ(pace.next(), now + milliseconds(100)) << "a pause saves up no more than the burst";
}

// Beyond the burst a flood of one address and a single handshake of another take turns.
TEST(HandshakeTurnsTest, AddressesTakeTurns) {
  boost::asio::io_context context(1);
  HandshakeTurns turns(context, /*per_second=*/1'000);
  std::vector<std::string> order;
  for (uint32_t i = 0; i < limits::kHandshakeBurst + 5; ++i)
    turns.Ask("flood", [&order] { order.emplace_back("flood"); });
  boost::asio::post(context, [&] { turns.Ask("calm", [&order] { order.emplace_back("calm"); }); });
  EXPECT_TRUE(order.empty()) << "never from inside the call";
  context.run();
  ASSERT_EQ(order.size(), limits::kHandshakeBurst + 6u);
  const auto calm = std::find(order.begin(), order.end(), "calm") - order.begin();
  EXPECT_LE(calm, limits::kHandshakeBurst + 2);
}

TEST(HandshakeTurnsTest, StopRunsWhatWaits) {
  boost::asio::io_context context(1);
  HandshakeTurns turns(context, /*per_second=*/1);
  uint32_t ran = 0;
  for (uint32_t i = 0; i < limits::kHandshakeBurst + 1; ++i) turns.Ask("a", [&ran] { ++ran; });
  context.poll();
  EXPECT_EQ(ran, limits::kHandshakeBurst) << "at the burst; the next one waits";
  turns.Stop();
  EXPECT_EQ(ran, limits::kHandshakeBurst + 1);
}

// Between two large pieces of work everything else that is ready runs.
TEST(LargeTurnsTest, OneEachTimeAroundTheLoop) {
  boost::asio::io_context context(1);
  LargeTurns turns(context);
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) turns.Ask("a", 1'000, [&order] { order.emplace_back("a"); });
  turns.Ask("b", 1'000, [&order] { order.emplace_back("b"); });
  boost::asio::post(context, [&order] { order.emplace_back("small"); });
  context.run();
  EXPECT_THAT(order, testing::ElementsAre("a", "small", "b", "a", "a"));
}

}  // namespace
}  // namespace hookbridge
