#include "tests/unit/client/fake_delivery_service.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <utility>

namespace hookbridge::testing {

FakeDeliveryService::FakeDeliveryService() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeDeliveryService::~FakeDeliveryService() { server_->Shutdown(std::chrono::system_clock::now()); }

void FakeDeliveryService::Play(Script script) {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_.push_back(std::move(script));
}

std::string FakeDeliveryService::target() const { return "127.0.0.1:" + std::to_string(port_); }

std::vector<v1::SubscribeRequest> FakeDeliveryService::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

std::vector<std::string> FakeDeliveryService::peers() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return peers_;
}

grpc::Status FakeDeliveryService::Subscribe(grpc::ServerContext* context,
                                            const v1::SubscribeRequest* request, Writer* writer) {
  Script script;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(*request);
    peers_.push_back(context->peer());
    if (scripts_.empty()) return {grpc::StatusCode::FAILED_PRECONDITION, "no script left"};
    script = std::move(scripts_.front());
    scripts_.pop_front();
  }
  return script(*context, *writer);
}

v1::SubscribeResponse Started(const std::string& cursor) {
  v1::SubscribeResponse response;
  response.mutable_started()->set_cursor(cursor);
  return response;
}

v1::SubscribeResponse Batch(const std::vector<std::string>& names) {
  v1::SubscribeResponse response;
  for (const std::string& name : names) {
    v1::Delivery& delivery = *response.mutable_batch()->add_deliveries();
    delivery.set_cursor(name);
    delivery.mutable_event()->set_type(name);
  }
  return response;
}

v1::SubscribeResponse Heartbeat(const std::string& cursor) {
  v1::SubscribeResponse response;
  response.mutable_heartbeat()->set_cursor(cursor);
  return response;
}

v1::SubscribeResponse Ending(const std::string& cursor, int reconnect_delay_ms) {
  v1::SubscribeResponse response;
  v1::Ending& ending = *response.mutable_ending();
  ending.set_reason(v1::ENDING_REASON_DRAINING);
  ending.set_cursor(cursor);
  ending.mutable_reconnect_delay()->set_nanos(reconnect_delay_ms * 1'000'000);
  return response;
}

grpc::Status ErrorWithReason(grpc::StatusCode code, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  (*info.mutable_metadata())["oldest_cursor"] = "oldest";
  google::rpc::Status details;
  details.set_code(code);
  details.add_details()->PackFrom(info);
  return {code, "refused", details.SerializeAsString()};
}

}  // namespace hookbridge::testing
