#pragma once

#include "server/tls/certificates.h"

#include "absl/status/statusor.h"

#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace hookbridge {

// PrepareServerContext for Asio: a client may show a certificate and need not.
absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const Certificates& certificates);

}  // namespace hookbridge
