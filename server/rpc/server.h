#pragma once

#include "server/base/clock.h"
#include "server/delivery/event_log.h"
#include "server/delivery/stream_hub.h"
#include "server/rpc/source_catalog.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <string>

namespace hookbridge {

struct RpcServerOptions {
  config::v1::Grpc grpc;  // with its defaults
  absl::Duration stream_max_age;
};

// The gRPC port: DeliveryService, AdminService, health, reflection. Created and stopped by Bridge.
// Ownership: all references outlive it. Threads: gRPC's, one worker, one that keeps gRPC's callback
// threads awake (ADR 0002); the methods belong to one owner.
class RpcServer {
 public:
  // Errors name the address or the file.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const RpcServerOptions& options,
                                                          const SourceCatalog& catalog,
                                                          const EventLog& log, StreamHub& hub,
                                                          const Clock& clock);
  ~RpcServer();

  // HOST:PORT with the port that was bound.
  const std::string& address() const;
  // Health of all services.
  void SetServing(bool serving);
  // Ends what is left at the deadline and joins gRPC's threads. Idempotent.
  void Shutdown(absl::Duration deadline);

 private:
  struct Impl;
  explicit RpcServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
