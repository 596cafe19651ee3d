#pragma once

#include "hookbridge/config/v1/config.pb.h"

#include <cstdint>
#include <optional>
#include <string>

// Descriptors: what the process may open, and what its connections leave to the journal.
namespace hookbridge {

// Files and sockets that `config` can have open at once: its connections, and what is reserved for
// the journal, the logs and the operator's ports (limits::kReservedFiles).
uint64_t OpenFilesNeeded(const config::v1::Config& config);

// Raises the process's own limit to `needed`, as far as the hard limit allows. The limit that is in
// force then.
uint64_t RaiseOpenFilesLimit(uint64_t needed);

// What RaiseOpenFilesLimit would come to.
uint64_t ReachableOpenFilesLimit(uint64_t needed);

// Lowers ingress.connections_max so that all fits into `limit`, and says so in one line with what
// an operator can do; nullopt when it fits.
std::optional<std::string> FitConnections(uint64_t limit, config::v1::Config* config);

}  // namespace hookbridge
