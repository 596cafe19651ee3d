#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <array>
#include <memory>
#include <span>
#include <string_view>

typedef struct evp_md_ctx_st EVP_MD_CTX;

namespace hookbridge {

// A digest; `bytes()` is as long as its hash.
struct Digest {
  std::array<char, 64> data{};
  unsigned int size = 0;
  std::string_view bytes() const { return {data.data(), size}; }
};

// An HMAC key (RFC 2104) with the hash states after its inner and outer pad made once, so that a
// signature costs no more than hashing the message. Threads: thread-safe, immutable.
class HmacKey {
 public:
  // kInternal when OpenSSL does not know the hash.
  static absl::StatusOr<HmacKey> Create(config::v1::HashFunction hash, std::string_view key);
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;
  ~HmacKey();

  // HMAC of the parts, one after the other.
  Digest Sign(std::span<const std::string_view> message) const;

 private:
  HmacKey();

  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;

  Context inner_;
  Context outer_;
};

// The hash of `bytes`; unspecified is SHA-256.
Digest Hash(config::v1::HashFunction hash, std::string_view bytes);

}  // namespace hookbridge
