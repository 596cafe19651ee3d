#pragma once

#include "absl/status/statusor.h"

#include <memory>
#include <span>
#include <string_view>

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

  // Whether `signature` is this key's over the parts, one after the other.
  bool Verify(std::span<const std::string_view> message, std::string_view signature) const;

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, bool hashed) : key_(std::move(key)), hashed_(hashed) {}

  std::shared_ptr<EVP_PKEY> key_;
  bool hashed_;  // the message is hashed with SHA-256 first
};

}  // namespace hookbridge
