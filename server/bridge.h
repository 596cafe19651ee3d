#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/pipeline.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"

#include <memory>
#include <string>
#include <vector>

namespace hookbridge {

// The whole bridge: builds the rooms, wires them, starts and stops them. Created by `serve` and by
// the integration tests. Ownership: owns all rooms; clock and log outlive it. Threads:
// thread-compatible (one owner starts and stops it). Blocks while it starts and stops.
//
// Start order: journal, delivery, rpc, ingress; so that whoever can send can also be served.
// Shutdown, in this order, each part with what is left of the deadline:
//   1. not ready, health NOT_SERVING, new webhooks answered 503; nobody waits for a key any more
//   2. stop accepting connections; requests in flight finish; what is still being fetched is given
//      up
//   3. streams get Ending{DRAINING, cursor} and their status
//   4. journal writes what waits, syncs, and closes; its outcomes are answered
//   5. threads end; what the quarantine has not written in a second is left out
class Bridge {
 public:
  // `config` has its defaults; `sources` come from BuildSources. Errors say what could not be
  // opened or bound, and where.
  static absl::StatusOr<std::unique_ptr<Bridge>> Start(const config::v1::Config& config,
                                                       SourceMap sources, const Clock& clock,
                                                       Logger& log);
  ~Bridge();

  // Where it listens, HOST:PORT with the port that was bound.
  const std::string& http_address() const;
  const std::string& grpc_address() const;

  // As Pipeline::ReplaceAccess; keys that were learned meanwhile stay. Blocks on the disk.
  std::vector<std::string> ReplaceAccess(const SourceMap& fresh);

  // Reads the ports' certificates again, for connections from now on; it also happens when a file
  // has changed. What is wrong is logged and leaves the old ones of that port. Blocks on the disk.
  void ReloadCertificates();

  // As above; the second call does nothing.
  void Shutdown();

 private:
  struct Rooms;
  explicit Bridge(std::unique_ptr<Rooms> rooms);

  std::unique_ptr<Rooms> rooms_;
};

}  // namespace hookbridge
