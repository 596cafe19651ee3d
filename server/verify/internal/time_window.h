#pragma once

#include "server/verify/internal/decision.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/time/time.h"

#include <optional>
#include <string_view>

namespace hookbridge {

// How old, and how far in the future, a signed time may be. A value type.
class TimeWindow {
 public:
  TimeWindow() = default;
  // Unset bounds are 5 min; 0 is none.
  explicit TimeWindow(const config::v1::TimestampRule& rule);

  // Reads `text` into `time`; the refusal, when it is malformed or outside.
  std::optional<Decision> Check(std::string_view text, absl::Time now, absl::Time& time) const;

 private:
  config::v1::TimestampUnit unit_ = config::v1::TIMESTAMP_UNIT_UNSPECIFIED;
  absl::Duration max_age_;
  absl::Duration max_future_;
};

}  // namespace hookbridge
