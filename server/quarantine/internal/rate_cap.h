#pragma once

#include "absl/time/time.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace hookbridge::internal {

// At most so many in a second, and of one source at most half of them (rounded up), so that a flood
// of one leaves room for the others. Threads: thread-compatible. Never blocks.
class RateCap {
 public:
  explicit RateCap(uint32_t per_second_max) : per_second_max_(per_second_max) {}

  // Whether one more of `source` fits; then it is counted. `now` is of a clock that never steps.
  bool Take(std::string_view source, absl::Duration now) {
    if (total_ == 0 || now - begin_ >= absl::Seconds(1)) {
      begin_ = now;
      total_ = 0;
      of_source_.clear();
    }
    auto it = of_source_.find(source);
    const uint32_t of_source = it == of_source_.end() ? 0 : it->second;
    if (total_ >= per_second_max_ || of_source >= per_second_max_ - per_second_max_ / 2) {
      return false;
    }
    if (it == of_source_.end()) it = of_source_.emplace(source, 0).first;
    ++it->second;
    ++total_;
    return true;
  }

 private:
  const uint32_t per_second_max_;
  absl::Duration begin_;
  uint32_t total_ = 0;
  std::map<std::string, uint32_t, std::less<>> of_source_;
};

}  // namespace hookbridge::internal
