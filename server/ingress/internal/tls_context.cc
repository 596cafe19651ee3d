#include "server/ingress/internal/tls_context.h"

#include "server/base/strings.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

namespace hookbridge {
namespace {

namespace ssl = boost::asio::ssl;

constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// An OpenSSL that does not know the first one takes none of the list.
constexpr const char* kGroups[] = {"X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"};

bool SetPolicy(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // What an idle connection needs no buffers for.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_cipher_list(context, kCiphers12) != 1) return false;
  for (const char* const groups : kGroups) {
    if (SSL_CTX_set1_groups_list(context, groups) == 1) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::shared_ptr<ssl::context>> MakeTlsContext(const Certificates& certificates) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  const auto fail = [](std::string_view what) {
    return absl::InvalidArgumentError(StrCat("ingress.tls: ", what));
  };
  if (!SetPolicy(context->native_handle())) return fail("OpenSSL lacks a cipher or group");
  boost::system::error_code error;
  context->use_certificate_chain(boost::asio::buffer(certificates.chain), error);
  if (!error) {
    context->use_private_key(boost::asio::buffer(certificates.key), ssl::context::pem, error);
  }
  if (error) return fail(error.message());
  if (certificates.client_ca.empty()) return context;
  context->add_certificate_authority(boost::asio::buffer(certificates.client_ca), error);
  if (!error) context->set_verify_mode(ssl::verify_peer, error);
  if (error) return fail(error.message());
  // Sessions that are resumed keep the verified certificate.
  constexpr unsigned char kSessions[] = "hookbridge";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessions, sizeof kSessions - 1);
  return context;
}

}  // namespace hookbridge
