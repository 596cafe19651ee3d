#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace hookbridge {

// So many a second, and some at once after a pause: a leaky bucket as one point in time (the
// generic cell rate algorithm, ITU-T I.371). Threads: thread-compatible.
class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Both at least 1.
  Pace(uint32_t per_second, uint32_t burst)
      : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second),
        slack_(interval_ * (burst - 1)) {}

  // When the next one may begin; at or before `now` for at once.
  Time next() const { return full_at_ - slack_; }
  // One begins.
  void Take(Time now) { full_at_ = std::max(full_at_, now) + interval_; }

 private:
  const std::chrono::nanoseconds interval_;
  const std::chrono::nanoseconds slack_;
  Time full_at_{};
};

}  // namespace hookbridge
