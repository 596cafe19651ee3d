#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <memory>
#include <span>
#include <string_view>

typedef struct evp_md_st EVP_MD;
typedef struct evp_pkey_st EVP_PKEY;

namespace hookbridge {

// A provider's public key. Threads: thread-safe, immutable.
class PublicKey {
 public:
  // Ed25519 (RFC 8032): the raw 32 bytes. kInvalidArgument.
  static absl::StatusOr<PublicKey> Ed25519(std::string_view raw);
  // ECDSA over P-256 with SHA-256: a DER SubjectPublicKeyInfo (RFC 5480). kInvalidArgument, also
  // for another curve.
  static absl::StatusOr<PublicKey> EcdsaP256(std::string_view der);
  // RSA with PKCS #1 v1.5 padding (RFC 8017 section 8.2): a SubjectPublicKeyInfo, PEM or DER, of
  // limits::kRsaBitsMin to kRsaBitsMax bits. kInvalidArgument, also for a key bound to PSS.
  static absl::StatusOr<PublicKey> RsaPkcs1(std::string_view text, config::v1::HashFunction hash);
  static absl::StatusOr<PublicKey> RsaPkcs1(std::shared_ptr<EVP_PKEY> key,
                                            config::v1::HashFunction hash);

  // A key of JSON Web Signatures (RFC 7518 sections 3.3 to 3.5, RFC 8037): RSA of the bounds above,
  // P-256, or Ed25519, as the algorithm asks. kInvalidArgument for another key, and for HMAC.
  static absl::StatusOr<PublicKey> Jws(std::shared_ptr<EVP_PKEY> key,
                                       config::v1::JwtAlgorithm algorithm);
  // The key in a SubjectPublicKeyInfo, PEM or DER; null when there is none.
  static std::shared_ptr<EVP_PKEY> Read(std::string_view text);

  // The same RSA key for signatures over another hash.
  PublicKey WithHash(config::v1::HashFunction hash) const;

  // Whether `signature` is this key's over the parts, one after the other.
  bool Verify(std::span<const std::string_view> message, std::string_view signature) const;

 private:
  // Beside what OpenSSL takes for the key's type.
  enum class Form {
    kUsual,
    kPss,       // RSA PSS, the salt as long as the hash
    kRawEcdsa,  // r and s of 32 bytes each, in place of DER
  };
  PublicKey(std::shared_ptr<EVP_PKEY> key, const EVP_MD* hash, Form form = Form::kUsual)
      : key_(std::move(key)), hash_(hash), form_(form) {}

  std::shared_ptr<EVP_PKEY> key_;
  const EVP_MD* hash_;  // of the message; null for Ed25519, which has its own
  Form form_;
};

}  // namespace hookbridge
