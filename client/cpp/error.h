#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

#include <optional>
#include <string>

// What the bridge said about an error. The google.rpc details travel as payloads of the status
// under their type URLs.
namespace hookbridge {

// ErrorInfo.reason, for example `CURSOR_EXPIRED` (hookbridge/v1/delivery_service.proto lists them);
// empty when there is none.
std::string ErrorReason(const absl::Status& status);

// A value of ErrorInfo.metadata, for example of `oldest_cursor`; empty when there is none.
std::string ErrorMetadata(const absl::Status& status, const std::string& key);

// RetryInfo.retry_delay.
std::optional<absl::Duration> ErrorRetryDelay(const absl::Status& status);

}  // namespace hookbridge
