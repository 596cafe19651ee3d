#pragma once

#include "server/base/clock.h"

#include <atomic>
#include <cstdint>

namespace hookbridge {

// Time that a test moves. Threads: thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'800'000'000))
      : nanos_(absl::ToUnixNanos(now)) {}

  absl::Time Now() const override { return absl::FromUnixNanos(nanos_.load()); }
  absl::Duration Steady() const override { return absl::Nanoseconds(steady_nanos_.load()); }

  // Time passes.
  void Advance(absl::Duration by) {
    steady_nanos_.fetch_add(absl::ToInt64Nanoseconds(by));
    Step(by);
  }
  // The wall clock is set, forward or back; no time passes.
  void Step(absl::Duration by) { nanos_.fetch_add(absl::ToInt64Nanoseconds(by)); }

 private:
  std::atomic<int64_t> nanos_;
  std::atomic<int64_t> steady_nanos_{0};
};

}  // namespace hookbridge
