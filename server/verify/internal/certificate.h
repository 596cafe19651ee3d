#pragma once

#include "server/verify/internal/public_key.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

typedef struct x509_store_st X509_STORE;

namespace hookbridge {

// Certificates that are trusted without an issuer. Threads: thread-safe, immutable.
class Authorities {
 public:
  // Those of the system, or those of a PEM file's text in their place. kInvalidArgument.
  static absl::StatusOr<Authorities> System();
  static absl::StatusOr<Authorities> Of(std::string_view pem);

  X509_STORE* store() const { return store_.get(); }

 private:
  explicit Authorities(std::shared_ptr<X509_STORE> store) : store_(std::move(store)) {}

  std::shared_ptr<X509_STORE> store_;
};

// What a signing certificate must be, beside valid.
struct CertificatePolicy {
  std::vector<std::string> names;  // it bears one of these; wildcards count for nothing
  // The issuer may be missing: the provider serves the leaf alone, over a verified connection.
  bool issuer_may_be_missing = false;
};

// A certificate whose key may be used while it is valid. Immutable.
struct SigningCertificate {
  PublicKey key;  // RSA, SHA-256
  absl::Time not_before;
  absl::Time not_after;

  bool ValidAt(absl::Time now) const { return not_before <= now && now <= not_after; }
};

// Reads a file of certificates, PEM (the first signs, the others help the chain) or one in DER.
// kFailedPrecondition says what is wrong: no certificate, too many, not valid at `now`, none of the
// names, an authority's, not for signing, no RSA key of limits::kRsaBitsMin to kRsaBitsMax bits, no
// chain to the authorities. Source: RFC 5280 section 6, RFC 6125.
absl::StatusOr<SigningCertificate> ReadCertificate(std::string_view file,
                                                   const CertificatePolicy& policy,
                                                   const Authorities& authorities, absl::Time now);

}  // namespace hookbridge
