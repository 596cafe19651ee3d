#include "server/rpc/errors.h"

#include "google/protobuf/util/time_util.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include <utility>

namespace hookbridge {
namespace {

constexpr char kDomain[] = "hookbridge.dev";

}  // namespace

grpc::Status ToGrpcStatus(const RichError& error) {
  if (error.ok()) return grpc::Status::OK;
  google::rpc::Status status;
  status.set_code(static_cast<int>(error.code));
  status.set_message(error.message);
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(error.reason);
  for (const auto& [key, value] : error.metadata) (*info.mutable_metadata())[key] = value;
  status.add_details()->PackFrom(info);
  if (error.retry_delay) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = google::protobuf::util::TimeUtil::NanosecondsToDuration(
        absl::ToInt64Nanoseconds(*error.retry_delay));
    status.add_details()->PackFrom(retry);
  }
  if (!error.field_violations.empty()) {
    google::rpc::BadRequest bad;
    for (const auto& [field, description] : error.field_violations) {
      auto& violation = *bad.add_field_violations();
      violation.set_field(field);
      violation.set_description(description);
    }
    status.add_details()->PackFrom(bad);
  }
  return {static_cast<grpc::StatusCode>(error.code), error.message, status.SerializeAsString()};
}

RichError FromJournal(const absl::Status& status) {
  RichError error;
  if (absl::IsNotFound(status)) {
    error.code = absl::StatusCode::kNotFound;
    error.message = "no such event is kept";
    error.reason = "EVENT_NOT_FOUND";
    return error;
  }
  if (absl::IsDataLoss(status)) {
    error.code = absl::StatusCode::kDataLoss;
    error.message = "the event is damaged or missing";
    error.reason = "EVENTS_LOST";
    return error;
  }
  error.code = absl::StatusCode::kUnavailable;
  error.message = "the journal cannot be read now";
  error.reason = "STORE_UNAVAILABLE";
  error.retry_delay = absl::Seconds(1);
  return error;
}

RichError TooManyCalls() {
  RichError error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = "TOO_MANY_CALLS";
  error.message = "too many admin calls wait for the journal";
  error.retry_delay = absl::Seconds(1);
  return error;
}

RichError NotImplemented(std::string what) {
  RichError error;
  error.code = absl::StatusCode::kUnimplemented;
  error.message = std::move(what);
  error.reason = "NOT_IMPLEMENTED";
  return error;
}

}  // namespace hookbridge
