#pragma once

#include "server/tls/certificates.h"

#include "absl/status/status.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace hookbridge {

enum class ClientCertificates {
  kAsked,     // a client that shows one must have it from client_ca; one without is served too
  kRequired,  // every client must show one from client_ca
};

// Sets up a server's context: these certificates; TLS 1.2 and later; (EC)DHE on X25519, P-256 and
// P-384 alone, since the others cost the server far more than the client that asks for them; AEAD
// ciphers; no renegotiation; sessions that are resumed keep the client's certificate. Clients are
// asked for certificates only where `certificates.client_ca` is set. kInvalidArgument with
// OpenSSL's reason. Threads: thread-compatible. Never blocks.
absl::Status PrepareServerContext(SSL_CTX* context, const Certificates& certificates,
                                  ClientCertificates clients);

}  // namespace hookbridge
