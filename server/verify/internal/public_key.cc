#include "server/verify/internal/public_key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <string>

namespace hookbridge {

absl::StatusOr<PublicKey> PublicKey::Ed25519(std::string_view raw) {
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                  reinterpret_cast<const unsigned char*>(raw.data()), raw.size()),
      EVP_PKEY_free);
  if (key == nullptr) return absl::InvalidArgumentError("is not an Ed25519 public key of 32 bytes");
  return PublicKey(std::move(key), /*hashed=*/false);
}

absl::StatusOr<PublicKey> PublicKey::EcdsaP256(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  std::shared_ptr<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())),
                                EVP_PKEY_free);
  char group[64] = {};
  size_t bytes = 0;
  if (key == nullptr || at != end || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key.get(), group, sizeof group, &bytes) != 1 ||
      OBJ_sn2nid(group) != NID_X9_62_prime256v1) {
    return absl::InvalidArgumentError("is not a P-256 public key in DER");
  }
  return PublicKey(std::move(key), /*hashed=*/true);
}

bool PublicKey::Verify(std::span<const std::string_view> message,
                       std::string_view signature) const {
  // Ed25519 hashes the message twice, so OpenSSL wants it in one piece.
  std::string joined;
  for (const std::string_view part : message) joined.append(part);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, hashed_ ? EVP_sha256() : nullptr, nullptr,
                              key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(joined.data()),
                          joined.size()) == 1;
}

}  // namespace hookbridge
