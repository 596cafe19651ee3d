#pragma once

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/http2/frame_guard.h"
#include "server/tls/certificates.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace hookbridge {

struct Http2FrontOptions {
  std::string listen = {};                        // HOST:PORT
  std::optional<Certificates> certificates = {};  // TLS; with client_ca every client must show one
  uint32_t connections_max = limits::kGrpcConnectionsMax;
  uint32_t calls_per_connection_max = limits::kGrpcCallsPerConnectionMax;
  absl::Duration handshake_timeout = limits::kGrpcHandshakeTimeout;  // TLS and first SETTINGS
  absl::Duration write_timeout = limits::kGrpcWriteTimeout;          // a client that reads nothing
};

// The listener before an HTTP/2 server that does not defend itself: takes connections, ends TLS,
// and passes bytes both ways between the client and a socket pair, while a FrameGuard looks at the
// heads of the frames. Created by RpcServer.
//
//   client ══TCP, TLS══ front ══socket pair══ gRPC
//
// A connection that a FrameGuard or a deadline gives up is closed, counted and logged as
// `grpc_connection_cut` with a reason. At connections_max the one that has been without a call for
// longest gives way; where all have calls, the new one is closed. Calls beyond
// kGrpcCallsPerSecondMax and connections beyond kGrpcConnectionsPerSecondMax wait. What it holds
// of a connection is two blocks of at most 64 KiB and what the kernel buffers.
//
// Ownership: log outlives it. Threads: one of its own; the methods are thread-safe.
class Http2Front {
 public:
  // `serve` takes over a connected, non-blocking socket that speaks HTTP/2 in plain text; it is
  // called on the front's thread and must not block. Errors name the address or the file.
  static absl::StatusOr<std::unique_ptr<Http2Front>> Start(Http2FrontOptions options,
                                                           std::function<void(int fd)> serve,
                                                           Logger& log);
  ~Http2Front();

  // HOST:PORT with the port that was bound.
  const std::string& address() const;
  // For connections from now on; those that are open stay. On an error the old ones stay too.
  absl::Status ReplaceCertificates(const Certificates& certificates);
  // Closes the listener and what has not been served yet; after it returns, `serve` is not called.
  // Blocks for a turn of the front's thread.
  void StopAccepting();
  // Passes on what the server has written, until it has closed all its sockets or the deadline;
  // then closes what is left and joins the thread. Idempotent.
  void Stop(absl::Duration deadline);

  // Connections that were cut for this reason.
  uint64_t cut_total(Cut cut) const;
  size_t connection_count() const;

 private:
  struct Impl;
  explicit Http2Front(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
