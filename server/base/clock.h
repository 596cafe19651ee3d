#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

// Time is an argument: whoever needs the wall clock is given a Clock, so that tests own time.
namespace hookbridge {

// Wall clock. Threads: thread-safe. Never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace hookbridge
