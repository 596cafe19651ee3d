#include "server/verify/internal/public_key.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string>

namespace hookbridge {
namespace {

const EVP_MD* HashOf(config::v1::HashFunction hash) {
  if (hash == config::v1::HASH_FUNCTION_SHA1) return EVP_sha1();
  if (hash == config::v1::HASH_FUNCTION_SHA384) return EVP_sha384();
  return hash == config::v1::HASH_FUNCTION_SHA512 ? EVP_sha512() : EVP_sha256();
}

bool IsP256(const EVP_PKEY* key) {
  char group[64] = {};
  size_t bytes = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(const_cast<EVP_PKEY*>(key), group, sizeof group, &bytes) == 1 &&
         OBJ_sn2nid(group) == NID_X9_62_prime256v1;
}

constexpr size_t kP256ScalarBytes = 32;

// A raw P-256 signature in DER; empty for another length.
std::string RawEcdsaToDer(std::string_view raw) {
  if (raw.size() != 2 * kP256ScalarBytes) return {};
  const auto* const bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* const r = BN_bin2bn(bytes, kP256ScalarBytes, nullptr);
  BIGNUM* const s = BN_bin2bn(bytes + kP256ScalarBytes, kP256ScalarBytes, nullptr);
  ECDSA_SIG_set0(pair.get(), r, s);  // takes both
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  std::string made(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return made;
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
  if (key == nullptr || at != end || !IsP256(key.get())) {
    return absl::InvalidArgumentError("is not a P-256 public key in DER");
  }
  return PublicKey(std::move(key), EVP_sha256());
}

std::shared_ptr<EVP_PKEY> PublicKey::Read(std::string_view text) {
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
  return key;
}

absl::StatusOr<PublicKey> PublicKey::Jws(std::shared_ptr<EVP_PKEY> key,
                                         config::v1::JwtAlgorithm algorithm) {
  using config::v1::HashFunction;
  switch (algorithm) {
    case config::v1::JWT_ALGORITHM_RS256:
      return RsaPkcs1(std::move(key), HashFunction::HASH_FUNCTION_SHA256);
    case config::v1::JWT_ALGORITHM_RS384:
      return RsaPkcs1(std::move(key), HashFunction::HASH_FUNCTION_SHA384);
    case config::v1::JWT_ALGORITHM_RS512:
      return RsaPkcs1(std::move(key), HashFunction::HASH_FUNCTION_SHA512);
    case config::v1::JWT_ALGORITHM_PS256: {
      auto rsa = RsaPkcs1(std::move(key), HashFunction::HASH_FUNCTION_SHA256);
      if (rsa.ok()) rsa->form_ = Form::kPss;
      return rsa;
    }
    case config::v1::JWT_ALGORITHM_ES256:
      if (key != nullptr && IsP256(key.get())) {
        return PublicKey(std::move(key), EVP_sha256(), Form::kRawEcdsa);
      }
      return absl::InvalidArgumentError("is not a P-256 public key");
    case config::v1::JWT_ALGORITHM_EDDSA:
      if (key != nullptr && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519) {
        return PublicKey(std::move(key), /*hash=*/nullptr);
      }
      return absl::InvalidArgumentError("is not an Ed25519 public key");
    default:
      return absl::InvalidArgumentError("is a public key, and the algorithm is HMAC");
  }
}

absl::StatusOr<PublicKey> PublicKey::RsaPkcs1(std::string_view text,
                                              config::v1::HashFunction hash) {
  return RsaPkcs1(Read(text), hash);
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
  return PublicKey(key_, HashOf(hash), form_);
}

bool PublicKey::Verify(std::span<const std::string_view> message,
                       std::string_view signature) const {
  std::string der;
  if (form_ == Form::kRawEcdsa) {
    der = RawEcdsaToDer(signature);
    signature = der;
  }
  // Ed25519 hashes the message twice, so OpenSSL wants it in one piece.
  std::string joined;
  for (const std::string_view part : message) joined.append(part);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* padding = nullptr;  // the context's
  const bool matches =
      EVP_DigestVerifyInit(context.get(), &padding, hash_, nullptr, key_.get()) == 1 &&
      (form_ != Form::kPss ||
       (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(joined.data()),
                       joined.size()) == 1;
  if (!matches) ERR_clear_error();
  return matches;
}

}  // namespace hookbridge
