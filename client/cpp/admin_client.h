#pragma once

#include "client/cpp/connection.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace hookbridge {

// Does: the read calls of AdminService, for tools. No retries: a person is waiting.
// Threads: thread-safe. Blocks: up to 10 s a call, ReadEventBody up to 60 s, LearnKey as told.
// Errors: the bridge's, with their details (client/cpp/error.h); kUnavailable when it cannot be
// reached.
class AdminClient {
 public:
  // kInvalidArgument: unusable TLS files.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Create(const ConnectionOptions& connection);
  ~AdminClient();

  absl::StatusOr<admin::v1::ListSourcesResponse> ListSources(
      const admin::v1::ListSourcesRequest& request);
  absl::StatusOr<admin::v1::ListRejectionsResponse> ListRejections(
      const admin::v1::ListRejectionsRequest& request);
  absl::StatusOr<admin::v1::ListQuarantineResponse> ListQuarantine(
      const admin::v1::ListQuarantineRequest& request);
  absl::StatusOr<admin::v1::ReverifyQuarantinedResponse> ReverifyQuarantined(
      const admin::v1::ReverifyQuarantinedRequest& request);
  absl::StatusOr<admin::v1::GetJournalResponse> GetJournal();
  absl::Status ReleaseRetention(const admin::v1::ReleaseRetentionRequest& request);
  absl::StatusOr<admin::v1::ListEventsResponse> ListEvents(
      const admin::v1::ListEventsRequest& request);
  absl::StatusOr<admin::v1::GetEventResponse> GetEvent(const admin::v1::GetEventRequest& request);
  // Waits for the key that a provider sends; each message goes to `on_step`. Blocks for up to
  // `wait`; kDeadlineExceeded: none came.
  absl::Status LearnKey(const admin::v1::LearnKeyRequest& request, absl::Duration wait,
                        const std::function<void(const admin::v1::LearnKeyResponse&)>& on_step);
  // Hands the body on in chunks of at most 1 MiB.
  absl::Status ReadEventBody(const std::string& id,
                             const std::function<void(std::string_view chunk)>& on_chunk);

 private:
  class Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
