#include "server/ingress/internal/tls_context.h"

#include "server/tls/server_context.h"

#include <boost/asio/ssl/context.hpp>

namespace hookbridge {

absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const Certificates& certificates) {
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  const absl::Status status =
      PrepareServerContext(context->native_handle(), certificates, ClientCertificates::kAsked);
  if (!status.ok()) return status;
  return context;
}

}  // namespace hookbridge
