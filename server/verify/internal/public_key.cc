#include "server/verify/internal/public_key.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

namespace hookbridge {
namespace {

const EVP_MD* HashOf(config::v1::HashFunction hash) {
  if (hash == config::v1::HASH_FUNCTION_SHA1) return EVP_sha1();
  if (hash == config::v1::HASH_FUNCTION_SHA384) return EVP_sha384();
  return hash == config::v1::HASH_FUNCTION_SHA512 ? EVP_sha512() : EVP_sha256();
}

// Never asks anybody for a password.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<PublicKey> PublicKey::Ed25519(std::string_view raw) {
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                  reinterpret_cast<const unsigned char*>(raw.data()), raw.size()),
      EVP_PKEY_free);
  if (key == nullptr) return absl::InvalidArgumentError("is not an Ed25519 public key of 32 bytes");
  return PublicKey(std::move(key), /*hash=*/nullptr);
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
  return PublicKey(std::move(key), EVP_sha256());
}

absl::StatusOr<PublicKey> PublicKey::RsaPkcs1(std::string_view text,
                                              config::v1::HashFunction hash) {
  std::shared_ptr<EVP_PKEY> key;
  if (text.starts_with("-----BEGIN ")) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
    key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassword, nullptr), EVP_PKEY_free);
  } else {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const end = at + text.size();
    key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(text.size())), EVP_PKEY_free);
    if (at != end) key.reset();
  }
  ERR_clear_error();
  return RsaPkcs1(std::move(key), hash);
}

absl::StatusOr<PublicKey> PublicKey::RsaPkcs1(std::shared_ptr<EVP_PKEY> key,
                                              config::v1::HashFunction hash) {
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return absl::InvalidArgumentError("is not an RSA public key");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < limits::kRsaBitsMin || bits > limits::kRsaBitsMax) {
    return absl::InvalidArgumentError(StrCat("has ", bits, " bits; RSA needs ", limits::kRsaBitsMin,
                                             " to ", limits::kRsaBitsMax));
  }
  return PublicKey(std::move(key), HashOf(hash));
}

PublicKey PublicKey::WithHash(config::v1::HashFunction hash) const {
  return PublicKey(key_, HashOf(hash));
}

bool PublicKey::Verify(std::span<const std::string_view> message,
                       std::string_view signature) const {
  // Ed25519 hashes the message twice, so OpenSSL wants it in one piece.
  std::string joined;
  for (const std::string_view part : message) joined.append(part);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool matches =
      EVP_DigestVerifyInit(context.get(), nullptr, hash_, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(joined.data()),
                       joined.size()) == 1;
  if (!matches) ERR_clear_error();
  return matches;
}

}  // namespace hookbridge
