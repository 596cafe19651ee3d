#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include <memory>
#include <string>
#include <string_view>

typedef struct evp_pkey_st EVP_PKEY;

// Signed tokens as a provider makes them, by OpenSSL's own calls: the other implementation that the
// verifier is held against.
namespace hookbridge {

enum class KeyType { kRsa2048, kRsa1024, kP256, kP384, kEd25519 };

// A key pair of a provider.
class ProviderKey {
 public:
  explicit ProviderKey(KeyType type);

  std::string PublicPem() const;
  std::string PrivatePem() const;
  // The public key as a JSON Web Key; `more` are members, each with a comma before it, for example
  // `,"use":"sig"`.
  std::string Jwk(std::string_view kid, std::string_view more = "") const;

  // The signature of `message` as JWS has it.
  std::string Sign(config::v1::JwtAlgorithm algorithm, std::string_view message) const;
  EVP_PKEY* get() const { return key_.get(); }

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

// HMAC for HS256, HS384 and HS512.
std::string SignWithSecret(config::v1::JwtAlgorithm algorithm, std::string_view secret,
                           std::string_view message);

// `base64url(header).base64url(payload).base64url(signature)`.
std::string MakeToken(std::string_view header, std::string_view payload, const ProviderKey& key,
                      config::v1::JwtAlgorithm algorithm);
std::string MakeToken(std::string_view header, std::string_view payload, std::string_view secret,
                      config::v1::JwtAlgorithm algorithm = config::v1::JWT_ALGORITHM_HS256);

// SHA-256 in hexadecimal.
std::string Sha256Hex(std::string_view bytes);

}  // namespace hookbridge
