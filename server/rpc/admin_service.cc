#include "server/rpc/admin_service.h"

#include "server/base/limits.h"
#include "server/delivery/filter.h"
#include "server/rpc/admin_reads.h"
#include "server/rpc/body_read.h"
#include "server/rpc/errors.h"
#include "server/rpc/learn_key.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <utility>

namespace hookbridge {
namespace {

using admin::v1::AdminService;

grpc::ServerUnaryReactor* Unimplemented(grpc::CallbackServerContext* context) {
  auto* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(NotImplemented("durable subscriptions are not in this build")));
  return reactor;
}

class Service final : public AdminService::CallbackService {
 public:
  Service(const SourceCatalog& catalog, const EventLog& log, Worker& worker)
      : catalog_(catalog), log_(log), worker_(worker) {}

  grpc::ServerUnaryReactor* ListSources(grpc::CallbackServerContext* context,
                                        const admin::v1::ListSourcesRequest* request,
                                        admin::v1::ListSourcesResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(hookbridge::ListSources(catalog_, *request, response)));
    return reactor;
  }
  grpc::ServerWriteReactor<admin::v1::LearnKeyResponse>* LearnKey(
      grpc::CallbackServerContext* context, const admin::v1::LearnKeyRequest* request) override {
    return MakeLearnKey(*context, catalog_, worker_, *request);
  }
  grpc::ServerUnaryReactor* ListRejections(grpc::CallbackServerContext* context,
                                           const admin::v1::ListRejectionsRequest* request,
                                           admin::v1::ListRejectionsResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(hookbridge::ListRejections(catalog_, *request, response)));
    return reactor;
  }
  grpc::ServerUnaryReactor* ListQuarantine(grpc::CallbackServerContext* context,
                                           const admin::v1::ListQuarantineRequest* request,
                                           admin::v1::ListQuarantineResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, request, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::ListQuarantine(catalog_, *request, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  grpc::ServerUnaryReactor* ReverifyQuarantined(
      grpc::CallbackServerContext* context, const admin::v1::ReverifyQuarantinedRequest* request,
      admin::v1::ReverifyQuarantinedResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, request, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::ReverifyQuarantined(catalog_, *request, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  grpc::ServerUnaryReactor* GetJournal(grpc::CallbackServerContext* context,
                                       const admin::v1::GetJournalRequest*,
                                       admin::v1::GetJournalResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::GetJournal(log_, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  grpc::ServerUnaryReactor* ReleaseRetention(
      grpc::CallbackServerContext* context, const admin::v1::ReleaseRetentionRequest* request,
      admin::v1::ReleaseRetentionResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, request, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::ReleaseRetention(catalog_, *request, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  // gRPC keeps request and response until the reactor has finished.
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const admin::v1::GetEventRequest* request,
                                     admin::v1::GetEventResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, request, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::GetEvent(log_, *request, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const admin::v1::ListEventsRequest* request,
                                       admin::v1::ListEventsResponse* response) override {
    auto* const reactor = context->DefaultReactor();
    const bool queued = worker_.Do([this, reactor, request, response] {
      reactor->Finish(ToGrpcStatus(hookbridge::ListEvents(log_, *request, response)));
    });
    if (!queued) reactor->Finish(ToGrpcStatus(TooManyCalls()));
    return reactor;
  }
  grpc::ServerWriteReactor<admin::v1::ReadEventBodyResponse>* ReadEventBody(
      grpc::CallbackServerContext* context,
      const admin::v1::ReadEventBodyRequest* request) override {
    return MakeBodyRead(*context, log_, worker_, body_places_, *request);
  }

  grpc::ServerUnaryReactor* CreateSubscription(grpc::CallbackServerContext* context,
                                               const admin::v1::CreateSubscriptionRequest*,
                                               admin::v1::CreateSubscriptionResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* GetSubscription(grpc::CallbackServerContext* context,
                                            const admin::v1::GetSubscriptionRequest*,
                                            admin::v1::GetSubscriptionResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* ListSubscriptions(grpc::CallbackServerContext* context,
                                              const admin::v1::ListSubscriptionsRequest*,
                                              admin::v1::ListSubscriptionsResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* UpdateSubscription(grpc::CallbackServerContext* context,
                                               const admin::v1::UpdateSubscriptionRequest*,
                                               admin::v1::UpdateSubscriptionResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* DeleteSubscription(grpc::CallbackServerContext* context,
                                               const admin::v1::DeleteSubscriptionRequest*,
                                               admin::v1::DeleteSubscriptionResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* SeekSubscription(grpc::CallbackServerContext* context,
                                             const admin::v1::SeekSubscriptionRequest*,
                                             admin::v1::SeekSubscriptionResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* ReplayEvents(grpc::CallbackServerContext* context,
                                         const admin::v1::ReplayEventsRequest*,
                                         admin::v1::ReplayEventsResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* ListDeadLetters(grpc::CallbackServerContext* context,
                                            const admin::v1::ListDeadLettersRequest*,
                                            admin::v1::ListDeadLettersResponse*) override {
    return Unimplemented(context);
  }
  grpc::ServerUnaryReactor* ResolveDeadLetters(grpc::CallbackServerContext* context,
                                               const admin::v1::ResolveDeadLettersRequest*,
                                               admin::v1::ResolveDeadLettersResponse*) override {
    return Unimplemented(context);
  }

 private:
  const SourceCatalog& catalog_;
  const EventLog& log_;
  Worker& worker_;
  BodyPlaces body_places_{limits::kBodyReadsMax, limits::kBodyReadStall};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(const SourceCatalog& catalog, const EventLog& log,
                                                Worker& worker) {
  return std::make_unique<Service>(catalog, log, worker);
}

}  // namespace hookbridge
