#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hookbridge {

// An error as a client gets it: google.rpc.Status with ErrorInfo{domain hookbridge.dev, reason,
// metadata}, and RetryInfo or BadRequest where they apply. rpc/ puts it on the wire.
struct RichError {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::optional<absl::Duration> retry_delay;
  std::vector<std::pair<std::string, std::string>> field_violations;  // field, what is wrong

  bool ok() const { return code == absl::StatusCode::kOk; }
};

}  // namespace hookbridge
