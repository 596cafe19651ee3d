#include "tests/support/test_jwt.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstdlib>

namespace hookbridge {
namespace {

const EVP_MD* HashOf(config::v1::JwtAlgorithm algorithm) {
  switch (algorithm) {
    case config::v1::JWT_ALGORITHM_EDDSA:
      return nullptr;
    case config::v1::JWT_ALGORITHM_HS384:
    case config::v1::JWT_ALGORITHM_RS384:
      return EVP_sha384();
    case config::v1::JWT_ALGORITHM_HS512:
    case config::v1::JWT_ALGORITHM_RS512:
      return EVP_sha512();
    default:
      return EVP_sha256();
  }
}

EVP_PKEY* Generate(KeyType type) {
  switch (type) {
    case KeyType::kRsa2048:
      return EVP_RSA_gen(2048);
    case KeyType::kRsa1024:
      return EVP_RSA_gen(1024);
    case KeyType::kP256:
      return EVP_EC_gen("P-256");
    case KeyType::kP384:
      return EVP_EC_gen("P-384");
    case KeyType::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  std::abort();
}

template <typename Write>
std::string Pem(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(bytes - 1));
  BIO_free(bio);
  return pem;
}

// The big number of a key, `bytes` long; 0 is as long as it is.
std::string Number(const EVP_PKEY* key, const char* name, size_t bytes) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string text(bytes == 0 ? static_cast<size_t>(BN_num_bytes(number)) : bytes, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()),
               static_cast<int>(text.size()));
  BN_free(number);
  return text;
}

// DER to r and s of 32 bytes each.
std::string RawEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string raw(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
  ECDSA_SIG_free(pair);
  return raw;
}

std::string Join(std::string_view header, std::string_view payload) {
  return StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(payload));
}

}  // namespace

ProviderKey::ProviderKey(KeyType type) : key_(Generate(type), EVP_PKEY_free) {}

std::string ProviderKey::PublicPem() const {
  return Pem([this](BIO* bio) { PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string ProviderKey::PrivatePem() const {
  return Pem([this](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string ProviderKey::Jwk(std::string_view kid, std::string_view more) const {
  std::string members;
  if (EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA) {
    members = StrCat(R"("kty":"RSA","n":")",
                     Base64UrlEncode(Number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0)), R"(","e":")",
                     Base64UrlEncode(Number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0)), "\"");
  } else if (EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_EC) {
    members =
        StrCat(R"("kty":"EC","crv":"P-256","x":")",
               Base64UrlEncode(Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)), R"(","y":")",
               Base64UrlEncode(Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)), "\"");
  } else {
    std::string raw(32, '\0');
    size_t bytes = raw.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &bytes);
    members = StrCat(R"("kty":"OKP","crv":"Ed25519","x":")", Base64UrlEncode(raw), "\"");
  }
  return StrCat("{", members, kid.empty() ? "" : StrCat(R"(,"kid":")", kid, "\""), more, "}");
}

std::string ProviderKey::Sign(config::v1::JwtAlgorithm algorithm, std::string_view message) const {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* padding = nullptr;
  EVP_DigestSignInit(context, &padding, HashOf(algorithm), nullptr, key_.get());
  if (algorithm == config::v1::JWT_ALGORITHM_PS256) {
    EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST);
  }
  std::string signature(1024, '\0');
  size_t bytes = signature.size();
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &bytes,
                 reinterpret_cast<const unsigned char*>(message.data()), message.size());
  EVP_MD_CTX_free(context);
  signature.resize(bytes);
  return algorithm == config::v1::JWT_ALGORITHM_ES256 ? RawEcdsa(signature) : signature;
}

std::string SignWithSecret(config::v1::JwtAlgorithm algorithm, std::string_view secret,
                           std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int bytes = 0;
  HMAC(HashOf(algorithm), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), &bytes);
  return {reinterpret_cast<const char*>(mac.data()), bytes};
}

std::string MakeToken(std::string_view header, std::string_view payload, const ProviderKey& key,
                      config::v1::JwtAlgorithm algorithm) {
  const std::string signed_text = Join(header, payload);
  return StrCat(signed_text, ".", Base64UrlEncode(key.Sign(algorithm, signed_text)));
}

std::string MakeToken(std::string_view header, std::string_view payload, std::string_view secret,
                      config::v1::JwtAlgorithm algorithm) {
  const std::string signed_text = Join(header, payload);
  return StrCat(signed_text, ".", Base64UrlEncode(SignWithSecret(algorithm, secret, signed_text)));
}

std::string Sha256Hex(std::string_view bytes) {
  std::array<unsigned char, 32> hash{};
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return HexEncode({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

}  // namespace hookbridge
