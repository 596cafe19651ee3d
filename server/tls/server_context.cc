#include "server/tls/server_context.h"

#include "server/base/strings.h"
#include "server/tls/internal/pem.h"

#include <openssl/ssl.h>

namespace hookbridge {
namespace {

using internal::LastError;

// The first is of OpenSSL 3.5 and later; a list with a name that OpenSSL does not know is refused.
constexpr const char* kGroups[] = {"X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"};
constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

bool SetProtocol(SSL_CTX* context) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  constexpr unsigned char kSessions[] = "hookbridge";
  if (SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1) != 1) return false;
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return false;
  if (SSL_CTX_set_cipher_list(context, kCiphers) != 1) return false;
  for (const char* const groups : kGroups) {
    if (SSL_CTX_set1_groups_list(context, groups) == 1) {
      ERR_clear_error();
      return true;
    }
  }
  return false;
}

bool SetCertificates(SSL_CTX* context, const Certificates& certificates) {
  const auto chain = internal::ReadChain(certificates.chain).certificates;
  const auto key = internal::ReadKey(certificates.key).key;
  if (chain.empty() || key == nullptr) return false;
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return false;
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return false;
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return false;
  }
  return true;
}

bool SetAuthorities(SSL_CTX* context, const std::string& pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : internal::ReadChain(pem).certificates) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return false;
    if (SSL_CTX_add_client_CA(context, authority.get()) != 1) return false;
  }
  return true;
}

}  // namespace

absl::Status PrepareServerContext(SSL_CTX* context, const Certificates& certificates,
                                  ClientCertificates clients) {
  ERR_clear_error();
  bool set = SetProtocol(context) && SetCertificates(context, certificates);
  if (set && !certificates.client_ca.empty()) {
    set = SetAuthorities(context, certificates.client_ca);
    SSL_CTX_set_verify(context,
                       clients == ClientCertificates::kRequired
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       nullptr);
  }
  if (set) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("OpenSSL: ", LastError()));
}

}  // namespace hookbridge
