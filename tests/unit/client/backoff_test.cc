#include "client/cpp/backoff.h"

#include <gtest/gtest.h>

namespace hookbridge {
namespace {

// The limit doubles up to the maximum and stays there; jitter takes any part of it.
TEST(BackoffTest, GrowsToTheMaximum) {
  Backoff backoff({.initial = absl::Seconds(1), .max = absl::Seconds(3), .multiplier = 2});
  EXPECT_EQ(backoff.Next(1), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(0.5), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(1), absl::Seconds(3));
  EXPECT_EQ(backoff.Next(0), absl::ZeroDuration());
  EXPECT_EQ(backoff.Next(1), absl::Seconds(3));
}

// A success makes the next wait short again.
TEST(BackoffTest, ResetStartsAgain) {
  Backoff backoff({.initial = absl::Seconds(1), .max = absl::Seconds(8), .multiplier = 2});
  backoff.Next(1);
  backoff.Next(1);
  backoff.Reset();
  EXPECT_EQ(backoff.Next(1), absl::Seconds(1));
}

// A policy that cannot be meant still waits: no shrinking, no part outside [0, 1].
TEST(BackoffTest, OddPoliciesStayInRange) {
  Backoff backoff({.initial = absl::Seconds(5), .max = absl::Seconds(2), .multiplier = 0});
  EXPECT_EQ(backoff.Next(7), absl::Seconds(2));
  EXPECT_EQ(backoff.Next(-1), absl::ZeroDuration());
}

}  // namespace
}  // namespace hookbridge
