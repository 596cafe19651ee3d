#pragma once

#include "absl/time/time.h"

namespace hookbridge {

// How long to wait between attempts: the limit grows from `initial` by `multiplier` up to `max`,
// and each wait is a random part of the limit (full jitter), so that clients of one bridge spread
// out.
struct BackoffPolicy {
  absl::Duration initial = absl::Milliseconds(200);
  absl::Duration max = absl::Seconds(30);
  double multiplier = 2.0;
};

// The waits of one run of failures. Created by Subscriber. Threads: thread-compatible. Never
// blocks.
class Backoff {
 public:
  explicit Backoff(BackoffPolicy policy) : policy_(policy), limit_(policy.initial) {}

  // The next wait; `part` is uniform in [0, 1].
  absl::Duration Next(double part);

  // After a success: the next wait is short again.
  void Reset() { limit_ = policy_.initial; }

 private:
  BackoffPolicy policy_;
  absl::Duration limit_;
};

}  // namespace hookbridge
