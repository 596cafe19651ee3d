#pragma once

#include "server/base/clock.h"
#include "server/ingress/handler.h"
#include "server/tls/certificates.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <memory>
#include <string>

namespace hookbridge {

// The HTTP front: accepts connections, reads requests within their limits and deadlines, and hands
// whole ones to the handler. Created and stopped by Bridge. Ownership: handler and clock outlive
// it. Threads: one per lane; the methods belong to one owner. One acceptor, on lane 0, deals
// connections to the lanes in turn, so that a port that is taken is an error also with several
// lanes (SO_REUSEPORT would share it silently).
class IngressServer {
 public:
  // Binds, reads the certificate, starts the threads. `config` has its defaults. Errors name the
  // address, or the file.
  static absl::StatusOr<std::unique_ptr<IngressServer>> Start(const config::v1::Ingress& config,
                                                              RequestHandler& handler,
                                                              const Clock& clock);
  ~IngressServer();

  // HOST:PORT with the port that was bound.
  const std::string& address() const;

  // From now on new connections are served with these, which are for a server that serves TLS;
  // those that are open keep theirs. kInvalidArgument: OpenSSL does not take them, and nothing
  // changes.
  absl::Status UseCertificates(const Certificates& certificates);

  // No new connections; idle ones close after limits::kDrainIdleTime. Whoever has sent the first
  // byte of a request before gets its answer, and then the connection closes.
  void StopAccepting();
  // Blocks until every connection has ended, or the deadline; false when some are left.
  bool Drain(absl::Duration deadline);
  // Closes what is left and joins the threads; work that was posted to a lane has run. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit IngressServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
