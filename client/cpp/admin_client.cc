#include "client/cpp/admin_client.h"

#include "client/cpp/internal/channel.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"

#include <grpcpp/client_context.h>

#include <chrono>

namespace hookbridge {
namespace {

constexpr std::chrono::seconds kCallTimeout{10};
constexpr std::chrono::seconds kBodyTimeout{60};

}  // namespace

class AdminClient::Impl {
 public:
  explicit Impl(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(admin::v1::AdminService::NewStub(channel)) {}

  admin::v1::AdminService::Stub& stub() { return *stub_; }

  // One unary call.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (admin::v1::AdminService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    Response response;
    const grpc::Status status = ((*stub_).*method)(&context, request, &response);
    if (!status.ok()) return internal::ToStatus(status);
    return response;
  }

 private:
  const std::unique_ptr<admin::v1::AdminService::Stub> stub_;
};

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Create(
    const ConnectionOptions& connection) {
  const auto channel = internal::MakeChannel(connection);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<AdminClient>(new AdminClient(std::make_unique<Impl>(*channel)));
}

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

absl::StatusOr<admin::v1::ListRejectionsResponse> AdminClient::ListRejections(
    const admin::v1::ListRejectionsRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ListRejections, request);
}

absl::StatusOr<admin::v1::ListSourcesResponse> AdminClient::ListSources(
    const admin::v1::ListSourcesRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ListSources, request);
}

absl::StatusOr<admin::v1::ListQuarantineResponse> AdminClient::ListQuarantine(
    const admin::v1::ListQuarantineRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ListQuarantine, request);
}

absl::StatusOr<admin::v1::ReverifyQuarantinedResponse> AdminClient::ReverifyQuarantined(
    const admin::v1::ReverifyQuarantinedRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ReverifyQuarantined, request);
}

absl::StatusOr<admin::v1::GetJournalResponse> AdminClient::GetJournal() {
  return impl_->Call(&admin::v1::AdminService::Stub::GetJournal, admin::v1::GetJournalRequest());
}

absl::Status AdminClient::ReleaseRetention(const admin::v1::ReleaseRetentionRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ReleaseRetention, request).status();
}

absl::StatusOr<admin::v1::ListEventsResponse> AdminClient::ListEvents(
    const admin::v1::ListEventsRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::ListEvents, request);
}

absl::StatusOr<admin::v1::GetEventResponse> AdminClient::GetEvent(
    const admin::v1::GetEventRequest& request) {
  return impl_->Call(&admin::v1::AdminService::Stub::GetEvent, request);
}

absl::Status AdminClient::LearnKey(
    const admin::v1::LearnKeyRequest& request, absl::Duration wait,
    const std::function<void(const admin::v1::LearnKeyResponse&)>& on_step) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(wait));
  const auto reader = impl_->stub().LearnKey(&context, request);
  admin::v1::LearnKeyResponse response;
  while (reader->Read(&response)) on_step(response);
  return internal::ToStatus(reader->Finish());
}

absl::Status AdminClient::ReadEventBody(
    const std::string& id, const std::function<void(std::string_view chunk)>& on_chunk) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kBodyTimeout);
  admin::v1::ReadEventBodyRequest request;
  request.set_id(id);
  const auto reader = impl_->stub().ReadEventBody(&context, request);
  admin::v1::ReadEventBodyResponse response;
  while (reader->Read(&response)) on_chunk(response.chunk());
  return internal::ToStatus(reader->Finish());
}

}  // namespace hookbridge
