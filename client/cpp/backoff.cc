#include "client/cpp/backoff.h"

#include <algorithm>

namespace hookbridge {

absl::Duration Backoff::Next(double part) {
  const absl::Duration limit = std::min(limit_, policy_.max);
  limit_ = std::min(limit * std::max(policy_.multiplier, 1.0), policy_.max);
  return limit * std::clamp(part, 0.0, 1.0);
}

}  // namespace hookbridge
