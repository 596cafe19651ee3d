#include "client/hookctl/connection_flags.h"

namespace hookbridge::hookctl {

std::vector<Flag> WithConnectionFlags(std::vector<Flag> flags) {
  flags.push_back({"grpc", "HOST:PORT", "the bridge; default HOOKBRIDGE_GRPC or 127.0.0.1:9090"});
  flags.push_back({"grpc-ca", "FILE", "TLS: authorities of the bridge's certificate"});
  flags.push_back({"grpc-cert", "FILE", "mutual TLS: this client's certificate"});
  flags.push_back({"grpc-key", "FILE", "mutual TLS: its private key"});
  return flags;
}

ConnectionOptions ReadConnectionFlags(const Args& args, const Environment& environment) {
  ConnectionOptions options;
  if (const std::string target = environment.variable("HOOKBRIDGE_GRPC"); !target.empty()) {
    options.target = target;
  }
  options.target = args.Get("grpc", options.target);
  options.ca_file = args.Get("grpc-ca");
  options.certificate_file = args.Get("grpc-cert");
  options.private_key_file = args.Get("grpc-key");
  return options;
}

}  // namespace hookbridge::hookctl
