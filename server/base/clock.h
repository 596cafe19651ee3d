#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

#include <chrono>

// Time is an argument: whoever needs a clock is given a Clock, so that tests own time. Two readings
// that do not mix: absl::Time is the wall clock, which an operator or NTP may set; absl::Duration
// is the steady clock, for intervals, deadlines and back-offs.
namespace hookbridge {

// Wall clock and steady clock. Threads: thread-safe. Never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  // Since some moment of the past; never goes back, and no one sets it.
  virtual absl::Duration Steady() const {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

// Both readings of one moment.
struct Moment {
  absl::Time wall;
  absl::Duration steady;
};
inline Moment ReadClock(const Clock& clock) {
  return {.wall = clock.Now(), .steady = clock.Steady()};
}

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace hookbridge
