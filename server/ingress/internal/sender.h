#pragma once

#include "server/base/network.h"
#include "server/ingress/request.h"

#include <openssl/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

// Who sent a request.
namespace hookbridge {

// `peer`, or, where that is a trusted proxy, the last address of X-Forwarded-For that is none. Of a
// header that holds something else, or nothing but proxies, the last that is an address of a proxy:
// nobody but a trusted proxy can make the result another than its own address.
std::string_view SenderAddress(const std::vector<Network>& trusted_proxies, std::string_view peer,
                               std::span<const HeaderLine> headers);

// DNS names and common names of the peer's certificate, which the handshake has verified; none
// when it showed none.
std::vector<std::string> ClientNames(SSL* connection);

}  // namespace hookbridge
