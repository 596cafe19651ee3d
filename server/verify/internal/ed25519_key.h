#pragma once

#include "absl/status/statusor.h"

#include <memory>
#include <span>
#include <string_view>

typedef struct evp_pkey_st EVP_PKEY;

namespace hookbridge {

// An Ed25519 public key (RFC 8032). Threads: thread-safe, immutable.
class Ed25519Key {
 public:
  // `raw` is the 32-byte public key. kInvalidArgument.
  static absl::StatusOr<Ed25519Key> Create(std::string_view raw);

  // Whether `signature` (64 bytes) is this key's over the parts, one after the other.
  bool Verify(std::span<const std::string_view> message, std::string_view signature) const;

 private:
  explicit Ed25519Key(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace hookbridge
