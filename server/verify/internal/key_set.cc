#include "server/verify/internal/key_set.h"

#include "server/base/encoding.h"
#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/json_member.h"
#include "server/verify/internal/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <optional>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::JwtAlgorithm;

constexpr size_t kP256CoordinateBytes = 32;
constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kRsaExponentBytesMax = 8;
constexpr JsonLimits kLimits{.depth_max = limits::kJsonDepthMaxHard,
                             .elements_max = limits::kJsonElementsMax};

using KeyPtr = std::shared_ptr<EVP_PKEY>;
using Params = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
using BigNumber = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

absl::Status Bad(std::string_view what) { return absl::InvalidArgumentError(StrCat(what)); }

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// A public key of these parameters; null when OpenSSL finds none in them.
KeyPtr FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  OSSL_PARAM* const params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr);
  EVP_PKEY* made = nullptr;
  if (params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context) == 1) {
    EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params);
  }
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  ERR_clear_error();
  return {made, EVP_PKEY_free};
}

// The decoded text of a member; nullopt when it has none, or not in base64url.
std::optional<std::string> Member(const JsonTape& tape, const JsonNode& key,
                                  std::string_view name) {
  const auto text = FindText(tape, key, name);
  return text ? Base64UrlDecode(*text) : std::nullopt;
}

KeyPtr ReadRsa(const JsonTape& tape, const JsonNode& key) {
  const auto modulus = Member(tape, key, "n");
  const auto exponent = Member(tape, key, "e");
  constexpr size_t kModulusBytesMax = limits::kRsaBitsMax / 8 + 1;  // perhaps a leading zero
  if (!modulus || !exponent || modulus->size() > kModulusBytesMax || exponent->empty() ||
      exponent->size() > kRsaExponentBytesMax) {
    return nullptr;
  }
  const BigNumber n(BN_bin2bn(Bytes(*modulus), static_cast<int>(modulus->size()), nullptr),
                    BN_free);
  const BigNumber e(BN_bin2bn(Bytes(*exponent), static_cast<int>(exponent->size()), nullptr),
                    BN_free);
  // With 1 a signature is the message itself.
  if (BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) != 0) return nullptr;
  const Params builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return FromParams("RSA", builder.get());
}

KeyPtr ReadP256(const JsonTape& tape, const JsonNode& key) {
  const auto x = Member(tape, key, "x");
  const auto y = Member(tape, key, "y");
  if (FindText(tape, key, "crv") != "P-256" || !x || !y || x->size() != kP256CoordinateBytes ||
      y->size() != kP256CoordinateBytes) {
    return nullptr;
  }
  const std::string point = StrCat('\x04', *x, *y);  // SEC 1 section 2.3.3, uncompressed
  const Params builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParams("EC", builder.get());
}

KeyPtr ReadEd25519(const JsonTape& tape, const JsonNode& key) {
  const auto x = Member(tape, key, "x");
  if (FindText(tape, key, "crv") != "Ed25519" || !x || x->size() != kEd25519KeyBytes) {
    return nullptr;
  }
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(*x), x->size()),
          EVP_PKEY_free};
}

bool IsThereAndNot(const JsonTape& tape, const JsonNode& key, std::string_view name,
                   std::string_view text) {
  return FindMember(tape, key, name) != nullptr && FindText(tape, key, name) != text;
}

// `key_ops`, where there are any, hold `verify`.
bool MayVerify(const JsonTape& tape, const JsonNode& key) {
  const JsonNode* const list = FindMember(tape, key, "key_ops");
  if (list == nullptr) return true;
  if (list->type != JsonType::kArray) return false;
  const auto& nodes = tape.nodes();
  const auto first = static_cast<size_t>(list - nodes.data()) + 1;
  for (size_t at = first; at < list->next; at = nodes[at].next) {
    if (nodes[at].type == JsonType::kString && tape.Text(nodes[at]) == "verify") return true;
  }
  return false;
}

// When it stops counting; nullopt for a text that is no time.
std::optional<absl::Time> ReadExpiry(const JsonTape& tape, const JsonNode& key) {
  const JsonNode* const node = FindMember(tape, key, "expired_at");
  if (node == nullptr || node->type == JsonType::kNull) return absl::InfiniteFuture();
  if (node->type != JsonType::kNumber) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(node->number);
}

}  // namespace

absl::StatusOr<WebKey> ReadWebKey(const JsonTape& tape, const JsonNode& key,
                                  JwtAlgorithm algorithm) {
  const auto type = FindText(tape, key, "kty");
  if (!type) return Bad("is not a JSON Web Key");
  if (FindMember(tape, key, "d") != nullptr) return Bad("is a private key; write the public one");
  if (IsThereAndNot(tape, key, "use", "sig") || !MayVerify(tape, key) ||
      IsThereAndNot(tape, key, "alg", JwsName(algorithm))) {
    return Bad(StrCat("is a JSON Web Key, and not for signatures of ", JwsName(algorithm)));
  }
  const bool has_id = FindMember(tape, key, "kid") != nullptr;
  const std::string_view id = FindText(tape, key, "kid").value_or(std::string_view());
  const auto not_after = ReadExpiry(tape, key);
  if ((has_id && !IsKeyId(id)) || !not_after) return Bad("has a kid or an expired_at that is none");
  KeyPtr read;
  if (*type == "RSA") {
    read = ReadRsa(tape, key);
  } else if (*type == "EC") {
    read = ReadP256(tape, key);
  } else if (*type == "OKP") {
    read = ReadEd25519(tape, key);
  } else {
    return Bad("is a JSON Web Key of another type than RSA, EC and OKP");
  }
  auto made = PublicKey::Jws(std::move(read), algorithm);
  if (!made.ok()) return made.status();
  return WebKey{.id = std::string(id), .key = *std::move(made), .not_after = *not_after};
}

absl::StatusOr<WebKey> ReadWebKey(std::string_view json, JwtAlgorithm algorithm) {
  JsonTape tape;
  if (!tape.Parse(json, kLimits).ok()) return Bad("is not JSON");
  return ReadWebKey(tape, tape.nodes().front(), algorithm);
}

absl::StatusOr<KeySet> ReadKeySet(std::string_view json, std::string_view pointer,
                                  JwtAlgorithm algorithm) {
  JsonTape tape;
  const auto made = JsonPointer::Parse(pointer);
  if (!made.ok()) return made.status();
  if (!tape.Parse(json, kLimits).ok()) return Bad("is not JSON");
  const JsonNode* const place = made->Find(tape);
  const JsonNode* const list = place == nullptr ? nullptr : FindMember(tape, *place, "keys");
  KeySet set;
  if (list == nullptr) {
    if (place == nullptr || FindMember(tape, *place, "kty") == nullptr) {
      return Bad("has no key set and no key where the recipe says");
    }
    auto key = ReadWebKey(tape, *place, algorithm);
    if (key.ok()) set.push_back(*std::move(key));
    return set;
  }
  if (list->type != JsonType::kArray) return Bad("has `keys` that are no list");
  const auto& nodes = tape.nodes();
  size_t count = 0;
  const auto first = static_cast<size_t>(list - nodes.data()) + 1;
  for (size_t at = first; at < list->next; at = nodes[at].next) {
    if (++count > limits::kKeySetKeysMax) {
      return Bad(StrCat("has more than ", limits::kKeySetKeysMax, " keys"));
    }
    auto key = ReadWebKey(tape, nodes[at], algorithm);
    if (key.ok()) set.push_back(*std::move(key));
  }
  return set;
}

}  // namespace hookbridge
