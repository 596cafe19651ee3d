#include "server/verify/internal/key_ring.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/braintree.h"
#include "server/verify/internal/jws.h"
#include "server/verify/internal/key_set.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/recipe_use.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Algorithm;
using config::v1::Recipe;

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// The algorithm whose prefix the secret carries; the first when it carries none.
size_t AlgorithmOf(const Recipe& recipe, std::string_view secret) {
  for (int i = 0; i < recipe.algorithms_size(); ++i) {
    const std::string& prefix = recipe.algorithms(i).key_prefix();
    if (!prefix.empty() && secret.starts_with(prefix)) return static_cast<size_t>(i);
  }
  return 0;
}

absl::StatusOr<std::string> DecodeKey(const Algorithm& algorithm, std::string_view secret) {
  if (!algorithm.key_prefix().empty() && secret.starts_with(algorithm.key_prefix())) {
    secret.remove_prefix(algorithm.key_prefix().size());
  }
  std::optional<std::string> bytes;
  switch (algorithm.key_encoding()) {
    case config::v1::KEY_ENCODING_BASE64:
      bytes = Base64DecodeKey(secret);
      if (!bytes) return absl::InvalidArgumentError("is not base64");
      break;
    case config::v1::KEY_ENCODING_HEX:
      bytes = HexDecode(secret);
      if (!bytes) return absl::InvalidArgumentError("is not hexadecimal");
      break;
    default:
      bytes = std::string(secret);
  }
  if (bytes->empty()) return absl::InvalidArgumentError("is empty");
  return *std::move(bytes);
}

// The hash of kinds that use HMAC.
std::optional<config::v1::HashFunction> HmacHashOf(const Algorithm& algorithm) {
  switch (algorithm.kind()) {
    case config::v1::ALGORITHM_KIND_HMAC:
      return algorithm.hash();
    case config::v1::ALGORITHM_KIND_TWILIO:
      return config::v1::HASH_FUNCTION_SHA1;
    case config::v1::ALGORITHM_KIND_ADYEN_PAYMENTS:
      return config::v1::HASH_FUNCTION_SHA256;
    default:
      return std::nullopt;
  }
}

config::v1::HashFunction HmacHashOf(config::v1::JwtAlgorithm algorithm) {
  if (algorithm == config::v1::JWT_ALGORITHM_HS384) return config::v1::HASH_FUNCTION_SHA384;
  if (algorithm == config::v1::JWT_ALGORITHM_HS512) return config::v1::HASH_FUNCTION_SHA512;
  return config::v1::HASH_FUNCTION_SHA256;
}

// Of kind JWT: a secret, or a public key in PEM, DER or JSON.
absl::Status MakeJwtKey(const Recipe& recipe, std::string bytes, RingKey& made) {
  const config::v1::JwtAlgorithm algorithm = recipe.jwt().algorithm();
  if (AsksWithSecret(recipe)) {
    made.material = std::move(bytes);
    return absl::OkStatus();
  }
  if (IsHmac(algorithm)) {
    if (bytes.starts_with('{') && bytes.find("\"kty\"") != std::string::npos) {
      return absl::InvalidArgumentError(
          "is a JSON Web Key; write the secret in it, or jwt.algorithm");
    }
    auto hmac = HmacKey::Create(HmacHashOf(algorithm), bytes);
    if (!hmac.ok()) return hmac.status();
    made.material = *std::move(hmac);
    return absl::OkStatus();
  }
  if (bytes.starts_with('{')) {
    auto key = ReadWebKey(bytes, algorithm);
    if (!key.ok()) return key.status();
    made.public_name = std::move(key->id);
    made.not_after = std::min(made.not_after, key->not_after);
    made.material = std::move(key->key);
    return absl::OkStatus();
  }
  auto key = PublicKey::Jws(PublicKey::Read(bytes), algorithm);
  if (!key.ok()) return key.status();
  made.material = *std::move(key);
  return absl::OkStatus();
}

bool TakesPem(const Recipe& recipe, const Algorithm& algorithm) {
  return algorithm.kind() == config::v1::ALGORITHM_KIND_RSA_PKCS1 ||
         (algorithm.kind() == config::v1::ALGORITHM_KIND_JWT && !recipe.jwt().has_key_set() &&
          !IsHmac(recipe.jwt().algorithm()));
}

absl::StatusOr<RingKey> MakeKey(const Recipe& recipe, const KeyMaterial& key) {
  const size_t index = AlgorithmOf(recipe, key.secret);
  const Algorithm& algorithm = recipe.algorithms(static_cast<int>(index));
  if (key.secret.starts_with("-----BEGIN ") && !TakesPem(recipe, algorithm)) {
    return absl::InvalidArgumentError(
        StrCat("is a PEM block, and kind ", KindName(algorithm.kind()),
               " takes another form; write the secret as the provider shows it"));
  }
  auto bytes = DecodeKey(algorithm, key.secret);
  if (!bytes.ok()) return bytes.status();
  RingKey made{.id = key.id,
               .not_before = key.not_before,
               .not_after = key.not_after,
               .algorithm = index,
               .material = std::string()};
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_BRAINTREE) {
    auto pair = MakeBraintreeKey(*bytes);
    if (!pair.ok()) return pair.status();
    made.public_name = pair->first;
    made.material = std::move(pair->second);
  } else if (algorithm.kind() == config::v1::ALGORITHM_KIND_JWT) {
    if (absl::Status status = MakeJwtKey(recipe, *std::move(bytes), made); !status.ok()) {
      return status;
    }
  } else if (const auto hash = HmacHashOf(algorithm)) {
    auto hmac = HmacKey::Create(*hash, *bytes);
    if (!hmac.ok()) return hmac.status();
    made.material = *std::move(hmac);
  } else if (algorithm.kind() == config::v1::ALGORITHM_KIND_ED25519 ||
             algorithm.kind() == config::v1::ALGORITHM_KIND_ECDSA_P256) {
    auto public_key = algorithm.kind() == config::v1::ALGORITHM_KIND_ED25519
                          ? PublicKey::Ed25519(*bytes)
                          : PublicKey::EcdsaP256(*bytes);
    if (!public_key.ok()) return public_key.status();
    made.material = *std::move(public_key);
  } else if (algorithm.kind() == config::v1::ALGORITHM_KIND_RSA_PKCS1) {
    auto rsa = PublicKey::RsaPkcs1(*bytes, algorithm.hash());
    if (!rsa.ok()) return rsa.status();
    made.material = *std::move(rsa);
  } else {
    made.material = *std::move(bytes);
  }
  return made;
}

}  // namespace

absl::Status CheckSecretText(std::string_view what, std::string_view secret) {
  if (secret.empty()) return absl::InvalidArgumentError(StrCat(what, ": the secret is empty"));
  if (IsBlank(secret.front()) || IsBlank(secret.back())) {
    return absl::InvalidArgumentError(
        StrCat(what, ": the secret begins or ends with a blank; remove it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RingKey>> MakeKeyRing(const Recipe& recipe,
                                                 const std::vector<KeyMaterial>& keys) {
  std::vector<RingKey> ring;
  if (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_NONE) return ring;
  if (!HasConfiguredKeys(recipe)) {
    if (keys.empty()) return ring;
    return absl::InvalidArgumentError("keys: the provider's own keys are fetched; write none");
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        StrCat("keys: none; write at least one, for example {secret: env:NAME}",
               LearnsKey(recipe) ? ", or learned_key: {file: ...}" : ""));
  }
  if (keys.size() > limits::kKeysMax) {
    return absl::InvalidArgumentError(StrCat("keys: more than ", limits::kKeysMax));
  }
  for (const KeyMaterial& key : keys) {
    const std::string what = StrCat("key `", key.id, "`");
    if (absl::Status status = CheckSecretText(what, key.secret); !status.ok()) return status;
    auto made = MakeKey(recipe, key);
    if (!made.ok()) {
      return absl::InvalidArgumentError(
          StrCat(what, ": the secret ", ToStd(made.status().message())));
    }
    ring.push_back(*std::move(made));
  }
  return ring;
}

}  // namespace hookbridge
