#include "client/hookctl/jwt_signer.h"

#include "client/hookctl/signed_text.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/ingress/request.h"

#include "absl/status/statusor.h"
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>

namespace hookbridge::hookctl {
namespace {

using config::v1::JwtAlgorithm;
using config::v1::JwtRule;
using config::v1::Recipe;

// What signs under one name (RFC 7518 section 3.1, RFC 8037).
struct Suite {
  std::string_view name;
  const char* key_type;  // of OpenSSL; null is HMAC
  const EVP_MD* hash;
};

Suite SuiteOf(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case config::v1::JWT_ALGORITHM_HS384:
      return {"HS384", nullptr, EVP_sha384()};
    case config::v1::JWT_ALGORITHM_HS512:
      return {"HS512", nullptr, EVP_sha512()};
    case config::v1::JWT_ALGORITHM_RS256:
      return {"RS256", "RSA", EVP_sha256()};
    case config::v1::JWT_ALGORITHM_RS384:
      return {"RS384", "RSA", EVP_sha384()};
    case config::v1::JWT_ALGORITHM_RS512:
      return {"RS512", "RSA", EVP_sha512()};
    case config::v1::JWT_ALGORITHM_ES256:
      return {"ES256", "EC", EVP_sha256()};
    case config::v1::JWT_ALGORITHM_PS256:
      return {"PS256", "RSA", EVP_sha256()};
    case config::v1::JWT_ALGORITHM_EDDSA:
      return {"EdDSA", "ED25519", nullptr};
    default:
      return {"HS256", nullptr, EVP_sha256()};
  }
}

std::string JsonText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string WriteHash(const JwtRule& rule, std::string_view bytes) {
  const EVP_MD* hash = EVP_sha256();
  if (rule.body_hash() == config::v1::HASH_FUNCTION_SHA384) hash = EVP_sha384();
  if (rule.body_hash() == config::v1::HASH_FUNCTION_SHA512) hash = EVP_sha512();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, hash, nullptr);
  const std::string_view made(reinterpret_cast<const char*>(digest.data()), size);
  switch (rule.body_hash_encoding()) {
    case config::v1::SIGNATURE_ENCODING_BASE64:
      return Base64Encode(made);
    case config::v1::SIGNATURE_ENCODING_BASE64URL:
      return Base64UrlEncode(made);
    default:
      return HexEncode(made);
  }
}

absl::StatusOr<std::string> ValueOf(const std::string& text, const Unsigned& webhook) {
  constexpr std::string_view kMark = "config:";
  if (!text.starts_with(kMark)) return text;
  const auto it = webhook.values.find(std::string_view(text).substr(kMark.size()));
  if (it != webhook.values.end()) return it->second;
  return absl::InvalidArgumentError(
      StrCat("the token holds the value ", text.substr(kMark.size()), "; add --value"));
}

absl::StatusOr<std::string> MakeClaims(const Recipe& recipe, const Unsigned& webhook) {
  const JwtRule& rule = recipe.jwt();
  std::string claims = StrCat("{\"iat\":", absl::ToUnixSeconds(webhook.time));
  const auto add = [&claims](std::string_view name, std::string_view text) {
    StrAppend(&claims, ",", JsonText(name), ":", JsonText(text));
  };
  if (!rule.issuers().empty()) add("iss", rule.issuers(0));
  if (!rule.audiences().empty()) {
    const auto audience = ValueOf(rule.audiences(0), webhook);
    if (!audience.ok()) return audience.status();
    add("aud", *audience);
  }
  for (const auto& [name, wanted] : rule.claims()) {
    const auto text = ValueOf(wanted, webhook);
    if (!text.ok()) return text.status();
    add(name, *text);
  }
  if (!recipe.body_not_signed()) {
    add(rule.body_hash_claim().empty() ? "request_body_sha256" : rule.body_hash_claim(),
        WriteHash(rule, webhook.body));
  }
  if (!rule.url_hash_claim().empty()) {
    add(rule.url_hash_claim(), WriteHash(rule, ProviderUrl(webhook)));
  }
  return claims + "}";
}

// r and s of 32 bytes each, of a signature in DER.
std::optional<std::string> RawEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), ECDSA_SIG_free);
  std::string raw(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  if (pair == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + 32, 32) != 32) {
    return std::nullopt;
  }
  return raw;
}

std::optional<std::string> SignWithKey(JwtAlgorithm algorithm, EVP_PKEY* key,
                                       std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  EVP_PKEY_CTX* padding = nullptr;
  size_t size = 0;
  const bool pss = algorithm == config::v1::JWT_ALGORITHM_PS256;
  if (EVP_DigestSignInit(context.get(), &padding, SuiteOf(algorithm).hash, nullptr, key) != 1 ||
      (pss && (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) != 1 ||
               EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) != 1)) ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    return std::nullopt;
  }
  std::string signature(size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &size, bytes, text.size()) != 1) return std::nullopt;
  signature.resize(size);
  return algorithm == config::v1::JWT_ALGORITHM_ES256 ? RawEcdsa(signature) : signature;
}

absl::StatusOr<std::string> SignText(JwtAlgorithm algorithm, const std::string& key,
                                     std::string_view text) {
  const Suite suite = SuiteOf(algorithm);
  if (suite.key_type == nullptr) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    HMAC(suite.hash, key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
    return std::string(reinterpret_cast<const char*>(mac.data()), size);
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(
      BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pem(
      PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  std::optional<std::string> signature;
  if (pem != nullptr && EVP_PKEY_is_a(pem.get(), suite.key_type) == 1) {
    signature = SignWithKey(algorithm, pem.get(), text);
  }
  if (signature) return *std::move(signature);
  return absl::InvalidArgumentError(
      StrCat("this scheme verifies with a public key; to sign, give the private one for ",
             suite.name, " as PEM: --secret file:key.pem"));
}

}  // namespace

absl::Status SignJwt(const Recipe& recipe, const std::string& secret, const Unsigned& webhook,
                     Signed* result) {
  const JwtAlgorithm algorithm = recipe.jwt().algorithm();
  const Suite suite = SuiteOf(algorithm);
  const auto payload = recipe.jwt().detached() ? BuildMessage(recipe, webhook, result->headers,
                                                              /*timestamp=*/"", /*secret=*/"")
                                               : MakeClaims(recipe, webhook);
  if (!payload.ok()) return payload.status();
  std::string header = StrCat("{\"alg\":\"", suite.name, "\",\"typ\":\"JWT\"");
  if (suite.key_type != nullptr) StrAppend(&header, ",\"kid\":", JsonText(webhook.key_id));
  const std::string head = Base64UrlEncode(header + "}");
  const std::string body = Base64UrlEncode(*payload);
  const auto signature = SignText(algorithm, secret, StrCat(head, ".", body));
  if (!signature.ok()) return signature.status();
  const std::string token =
      StrCat(head, ".", recipe.jwt().detached() ? "" : body, ".", Base64UrlEncode(*signature));
  const auto& place = recipe.signature();
  const std::string name = place.headers().empty() ? "Authorization" : place.headers(0);
  const bool prefixed = place.syntax() == config::v1::SIGNATURE_SYNTAX_PREFIX;
  const bool bearer = !prefixed && SameHeaderName(name, "Authorization");
  result->headers.emplace_back(name, StrCat(bearer ? "Bearer " : place.prefix(), token));
  return absl::OkStatus();
}

}  // namespace hookbridge::hookctl
