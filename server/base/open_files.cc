#include "server/base/open_files.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <sys/resource.h>

#include <algorithm>

namespace hookbridge {
namespace {

// A connection of the gRPC port: the client's socket, and both ends of the pair behind the front.
constexpr uint64_t kFilesOfGrpcConnection = 3;

uint64_t OthersNeeded(const config::v1::Config& config) {
  return limits::kReservedFiles + kFilesOfGrpcConnection * config.grpc().connections_max();
}

rlimit ReadLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit;
}

}  // namespace

uint64_t OpenFilesNeeded(const config::v1::Config& config) {
  return OthersNeeded(config) + config.ingress().connections_max();
}

uint64_t ReachableOpenFilesLimit(uint64_t needed) {
  const rlimit limit = ReadLimit();
  return std::max<uint64_t>(limit.rlim_cur, std::min<uint64_t>(needed, limit.rlim_max));
}

uint64_t RaiseOpenFilesLimit(uint64_t needed) {
  rlimit limit = ReadLimit();
  const uint64_t reachable = ReachableOpenFilesLimit(needed);
  if (reachable <= limit.rlim_cur) return limit.rlim_cur;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = reachable;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? reachable : before;
}

std::optional<std::string> FitConnections(uint64_t limit, config::v1::Config* config) {
  const uint64_t needed = OpenFilesNeeded(*config);
  if (needed <= limit) return std::nullopt;
  const uint64_t others = OthersNeeded(*config);
  const uint64_t left =
      std::max<uint64_t>(limit > others ? limit - others : 0, limits::kConnectionsLeast);
  config::v1::Ingress& ingress = *config->mutable_ingress();
  const std::string message =
      StrCat("this process may open ", limit, " files, and ingress.connections_max ",
             ingress.connections_max(), " needs ", needed, " (grpc.connections_max ",
             config->grpc().connections_max(), " with ", kFilesOfGrpcConnection, " each and ",
             limits::kReservedFiles, " for the journal among them): it is ", left,
             " now; raise the limit (ulimit -Hn ", needed, ", LimitNOFILE=", needed,
             "), or lower ingress.connections_max");
  ingress.set_connections_max(static_cast<uint32_t>(left));
  ingress.set_connections_per_address_max(
      std::min(ingress.connections_per_address_max(), ingress.connections_max()));
  return message;
}

}  // namespace hookbridge
