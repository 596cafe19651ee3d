#pragma once

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include <grpcpp/server.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// A DeliveryService on loopback that plays one script per stream, in order; a stream beyond the
// scripts is refused with a terminal error, so that a test which reconnects too often ends.
namespace hookbridge::testing {

class FakeDeliveryService final : public v1::DeliveryService::Service {
 public:
  using Writer = grpc::ServerWriter<v1::SubscribeResponse>;
  using Script = std::function<grpc::Status(grpc::ServerContext&, Writer&)>;

  FakeDeliveryService();
  ~FakeDeliveryService() override;

  void Play(Script script);
  std::string target() const;
  // The requests so far, one per stream.
  std::vector<v1::SubscribeRequest> requests() const;
  // Where they came from: address and port, one per stream.
  std::vector<std::string> peers() const;

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         Writer* writer) override;

 private:
  mutable std::mutex mutex_;
  std::deque<Script> scripts_;
  std::vector<v1::SubscribeRequest> requests_;
  std::vector<std::string> peers_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

v1::SubscribeResponse Started(const std::string& cursor);
// Events whose cursor and type are the names.
v1::SubscribeResponse Batch(const std::vector<std::string>& names);
v1::SubscribeResponse Heartbeat(const std::string& cursor);
v1::SubscribeResponse Ending(const std::string& cursor, int reconnect_delay_ms);

// A status with google.rpc.ErrorInfo.
grpc::Status ErrorWithReason(grpc::StatusCode code, const std::string& reason);

}  // namespace hookbridge::testing
