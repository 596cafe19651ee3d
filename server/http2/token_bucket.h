#pragma once

#include <algorithm>
#include <chrono>

namespace hookbridge {

using SteadyTime = std::chrono::steady_clock::time_point;

// So many at once, so many a second after that. Begins full. Threads: thread-compatible.
class TokenBucket {
 public:
  TokenBucket(double per_second, double burst, SteadyTime now)
      : per_second_(per_second), burst_(burst), level_(burst), filled_(now) {}

  // False: it is empty; nothing is taken.
  bool Take(SteadyTime now) {
    Fill(now);
    if (level_ < 1) return false;
    level_ -= 1;
    return true;
  }
  // Takes them in any case; returns how long to wait until they are there.
  std::chrono::nanoseconds Owe(double count, SteadyTime now) {
    Fill(now);
    level_ -= count;
    if (level_ >= 0) return std::chrono::nanoseconds(0);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(-level_ / per_second_));
  }
  void Add(double count) { level_ = std::min(burst_, level_ + count); }

 private:
  void Fill(SteadyTime now) {
    Add(std::chrono::duration<double>(now - filled_).count() * per_second_);
    filled_ = now;
  }

  double per_second_;
  double burst_;
  double level_;
  SteadyTime filled_;
};

}  // namespace hookbridge
