#include "server/base/network.h"

#include "server/base/strings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace hookbridge {
namespace {

constexpr int kAddressBits = 128;
constexpr int kMappedBits = 96;
constexpr int kSubnetBytes = 8;

// Whether the first `bits` bits are equal.
bool SamePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  const auto bytes = static_cast<size_t>(bits / 8);
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(bytes), b.begin())) {
    return false;
  }
  const int rest = bits % 8;
  return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

absl::Status BadNetwork(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      StrCat("`", text.substr(0, 64), "` ", why, "; write for example 192.0.2.0/24"));
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string copy(text);
  IpAddress address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, copy.c_str(), address.data() + kMappedBits / 8) == 1) return address;
  return std::nullopt;
}

std::string AddressOwner(std::string_view text) {
  const auto address = ParseIpAddress(text);
  if (!address) return "";
  const IpAddress mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool is_ipv4 = SamePrefix(*address, mapped, kMappedBits);
  return {address->begin(), is_ipv4 ? address->end() : address->begin() + kSubnetBytes};
}

absl::StatusOr<Network> Network::Parse(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto address = ParseIpAddress(text.substr(0, slash));
  if (!address) return BadNetwork(text, "is no network");
  Network network;
  network.address_ = *address;
  if (slash == text.size()) return network;
  const std::string_view digits = text.substr(slash + 1);
  const bool is_ipv4 = text.substr(0, slash).find(':') == std::string_view::npos;
  int bits = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || bits < 0 ||
      bits > (is_ipv4 ? kAddressBits - kMappedBits : kAddressBits)) {
    return BadNetwork(text, "has no such prefix length");
  }
  network.prefix_bits_ = bits + (is_ipv4 ? kMappedBits : 0);
  IpAddress masked = *address;
  for (int bit = network.prefix_bits_; bit < kAddressBits; ++bit) {
    uint8_t& byte = masked[static_cast<size_t>(bit / 8)];
    byte = static_cast<uint8_t>(byte & ~(0x80 >> (bit % 8)));
  }
  if (masked != *address) return BadNetwork(text, "has bits set behind its prefix");
  return network;
}

bool Network::Contains(const IpAddress& address) const {
  return SamePrefix(address_, address, prefix_bits_);
}

bool AnyContains(const std::vector<Network>& networks, std::string_view address) {
  const auto parsed = ParseIpAddress(address);
  return parsed && std::any_of(networks.begin(), networks.end(),
                               [&](const Network& network) { return network.Contains(*parsed); });
}

}  // namespace hookbridge
