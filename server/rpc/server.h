#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/delivery/event_log.h"
#include "server/delivery/stream_hub.h"
#include "server/http2/frame_guard.h"
#include "server/rpc/source_catalog.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <functional>
#include <memory>
#include <string>

namespace hookbridge {

struct RpcServerOptions {
  config::v1::Grpc grpc;  // with its defaults
  absl::Duration stream_max_age;
  Logger* log = nullptr;  // required; outlives the server
  // Called every limits::kTlsFilesCheckInterval on a thread of the server's, until Shutdown.
  std::function<void()> upkeep = {};
};

// The gRPC port: DeliveryService, AdminService, health, reflection, behind an Http2Front (ADR
// 0010). Created and stopped by Bridge. Ownership: all references outlive it. Threads: gRPC's, the
// front's, one worker, one that keeps gRPC's callback threads awake (ADR 0002) and looks after the
// certificates; the methods belong to one owner.
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
  // Reads the files of grpc.tls again, for connections from now on; those that are open stay. On
  // an error, which is logged too, the old ones stay. OK where there is no TLS. Blocks on the disk.
  absl::Status ReloadCertificates();
  // Connections that were cut for this reason, and those that are open.
  uint64_t cut_total(Cut cut) const;
  size_t connection_count() const;
  // Ends what is left at the deadline, or after limits::kDrainWriteTimeout, and joins the threads.
  // Idempotent.
  void Shutdown(absl::Duration deadline);

 private:
  struct Impl;
  explicit RpcServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
