#include "client/cpp/error.h"

#include "google/rpc/error_details.pb.h"

#include "absl/strings/cord.h"

namespace hookbridge {
namespace {

// True when the status carries a detail of this message's type that parses.
template <typename Detail>
bool ReadDetail(const absl::Status& status, Detail* detail) {
  const absl::optional<absl::Cord> payload =
      status.GetPayload("type.googleapis.com/" + Detail::descriptor()->full_name());
  return payload.has_value() && detail->ParseFromString(std::string(*payload));
}

}  // namespace

std::string ErrorReason(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  return ReadDetail(status, &info) ? info.reason() : "";
}

std::string ErrorMetadata(const absl::Status& status, const std::string& key) {
  google::rpc::ErrorInfo info;
  if (!ReadDetail(status, &info)) return "";
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

std::optional<absl::Duration> ErrorRetryDelay(const absl::Status& status) {
  google::rpc::RetryInfo info;
  if (!ReadDetail(status, &info) || !info.has_retry_delay()) return std::nullopt;
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

}  // namespace hookbridge
