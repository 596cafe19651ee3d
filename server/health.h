#pragma once

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace hookbridge {

// Asks /readyz of the bridge that listens as `ingress` says, over TLS where it serves TLS; the
// certificate is not checked, because the question goes to this machine. OK when the answer is 200.
// kUnavailable tells what was answered, or why nothing was; kInvalidArgument: no usable address.
// Blocks at most about `timeout` for each step.
absl::Status CheckHealth(const config::v1::Ingress& ingress, absl::Duration timeout);

}  // namespace hookbridge
