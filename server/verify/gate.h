#pragma once

#include "server/base/network.h"
#include "server/ingress/request.h"

#include "absl/status/statusor.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A source's conditions beside its recipe (config.v1.Gate), secrets resolved.
struct GateOptions {
  std::vector<std::string> allow_networks = {};
  std::string basic = {};  // `user:password`; empty is none
  std::string header_name = {};
  std::string header_value = {};
  std::vector<std::string> client_names = {};
};

// What a gate sees of a request: its head and its connection.
struct GateInput {
  std::string_view remote_address;  // of the sender, proxies resolved
  std::span<const HeaderLine> headers;
  std::span<const std::string> client_names;  // of a verified client certificate
};

// Decides on the head alone whether a request may come in. Immutable; threads: thread-safe. Never
// blocks. Secrets compare in constant time.
class Gate {
 public:
  // kInvalidArgument, naming the field.
  static absl::StatusOr<Gate> Create(GateOptions options);

  // Why it may not, for the operator; nullopt when it may.
  std::optional<std::string> Refusal(const GateInput& input) const;

 private:
  std::optional<std::string> CheckHeader(std::span<const HeaderLine> headers, std::string_view name,
                                         std::string_view expected) const;

  GateOptions options_;
  std::vector<Network> networks_;
  std::string authorization_;  // the whole header value
};

}  // namespace hookbridge
