#pragma once

#include "absl/status/statusor.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// An IP address; IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that a dual-stack socket
// and a configuration mean the same.
using IpAddress = std::array<uint8_t, 16>;

// nullopt for what is no address; brackets, ports and zones are not read.
std::optional<IpAddress> ParseIpAddress(std::string_view text);

// Whom an address belongs to, as a key for shares and counts: itself, or of IPv6 its /64, of which
// one host has all (RFC 4291 section 2.5.4). Empty for a text that is no address.
std::string AddressOwner(std::string_view text);

// A network in CIDR form (RFC 4632, RFC 4291). Immutable value.
class Network {
 public:
  // `192.0.2.0/24`, `2001:db8::/32`, or one address. kInvalidArgument: no address, a prefix that is
  // too long, or bits set behind the prefix.
  static absl::StatusOr<Network> Parse(std::string_view text);

  bool Contains(const IpAddress& address) const;

 private:
  IpAddress address_{};
  int prefix_bits_ = 128;
};

// Whether any of them contains the address; false for a text that is none.
bool AnyContains(const std::vector<Network>& networks, std::string_view address);

}  // namespace hookbridge
