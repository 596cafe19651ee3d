#include "server/verify/internal/ed25519_key.h"

#include <openssl/evp.h>

#include <string>

namespace hookbridge {

absl::StatusOr<Ed25519Key> Ed25519Key::Create(std::string_view raw) {
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                  reinterpret_cast<const unsigned char*>(raw.data()), raw.size()),
      EVP_PKEY_free);
  if (key == nullptr) {
    return absl::InvalidArgumentError("an Ed25519 public key has 32 bytes");
  }
  return Ed25519Key(std::move(key));
}

bool Ed25519Key::Verify(std::span<const std::string_view> message,
                        std::string_view signature) const {
  // Ed25519 hashes the message twice, so OpenSSL wants it in one piece.
  std::string joined;
  for (const std::string_view part : message) joined.append(part);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(joined.data()),
                          joined.size()) == 1;
}

}  // namespace hookbridge
