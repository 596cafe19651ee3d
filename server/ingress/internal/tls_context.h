#pragma once

#include "server/tls/certificates.h"

#include "absl/status/statusor.h"

#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace hookbridge {

// What TLS is spoken with on the webhook port: 1.2 and 1.3, forward secrecy and authenticated
// encryption alone (RFC 9325 sections 3.1.1 and 4.2), and elliptic groups alone, because a finite
// field group costs the server a hundred times what it costs the client. kInvalidArgument: OpenSSL
// does not take the certificates.
absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const Certificates& certificates);

}  // namespace hookbridge
