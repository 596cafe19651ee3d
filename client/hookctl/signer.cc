#include "client/hookctl/signer.h"

#include "client/hookctl/bespoke_signer.h"
#include "client/hookctl/jwt_signer.h"
#include "client/hookctl/signed_text.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"

#include "absl/strings/ascii.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace hookbridge::hookctl {
namespace {

using config::v1::Algorithm;
using config::v1::Recipe;
using config::v1::SignatureLocation;
using config::v1::TimestampRule;

const Algorithm& ChooseAlgorithm(const Recipe& recipe, const std::string& secret) {
  for (const Algorithm& algorithm : recipe.algorithms()) {
    if (!algorithm.key_prefix().empty() && secret.starts_with(algorithm.key_prefix())) {
      return algorithm;
    }
  }
  return recipe.algorithms(0);
}

absl::StatusOr<std::string> DecodeKey(const Algorithm& algorithm, std::string secret) {
  if (secret.starts_with(algorithm.key_prefix())) secret.erase(0, algorithm.key_prefix().size());
  std::optional<std::string> key = secret;
  if (algorithm.key_encoding() == config::v1::KEY_ENCODING_BASE64) {
    key = Base64DecodeKey(secret);
  } else if (algorithm.key_encoding() == config::v1::KEY_ENCODING_HEX) {
    key = HexDecode(secret);
  }
  if (!key.has_value() || key->empty()) {
    return absl::InvalidArgumentError("the secret is not in the form that the scheme asks for");
  }
  return *std::move(key);
}

std::string FormatTimestamp(const TimestampRule& rule, absl::Time time) {
  if (rule.unit() == config::v1::TIMESTAMP_UNIT_MILLISECONDS)
    return StrCat(absl::ToUnixMillis(time));
  if (rule.unit() == config::v1::TIMESTAMP_UNIT_ISO8601) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  }
  return StrCat(absl::ToUnixSeconds(time));
}

// Recipes name a header, or alternatives with `|` between them; the first is what a sender uses.
std::string FirstName(const std::string& names) { return names.substr(0, names.find('|')); }

// Gives the recipe's first id header the event id, unless the caller set one of them.
void AddIdHeader(const Recipe& recipe, const Unsigned& webhook, Signed* result) {
  std::string first;
  for (const config::v1::ValueSource& place : recipe.event().id()) {
    if (!place.has_header()) continue;
    if (FindHeader(result->headers, place.header()) != nullptr) return;
    if (first.empty()) first = FirstName(place.header());
  }
  if (!first.empty()) result->headers.emplace_back(first, webhook.event_id);
}

// Headers that the provider always sends, unless the caller set them.
void AddRequiredHeaders(const Recipe& recipe, Signed* result) {
  for (const auto& [name, value] : recipe.required_headers()) {
    if (FindHeader(result->headers, name) == nullptr) result->headers.emplace_back(name, value);
  }
}

constexpr std::string_view kSignatureMark = "{signature}";

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.') {
      encoded.push_back(c);
    } else {
      StrAppend(&encoded, "%", absl::AsciiStrToUpper(HexEncode({&c, 1})));
    }
  }
  return encoded;
}

const EVP_MD* HashOf(const Algorithm& algorithm) {
  switch (algorithm.hash()) {
    case config::v1::HASH_FUNCTION_MD5:
      return EVP_md5();
    case config::v1::HASH_FUNCTION_SHA1:
      return EVP_sha1();
    case config::v1::HASH_FUNCTION_SHA384:
      return EVP_sha384();
    case config::v1::HASH_FUNCTION_SHA512:
      return EVP_sha512();
    default:
      return EVP_sha256();
  }
}

std::string PlainHash(const Algorithm& algorithm, const std::string& message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  EVP_Digest(message.data(), message.size(), digest.data(), &bytes, HashOf(algorithm), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), bytes};
}

std::string Hmac(const Algorithm& algorithm, const std::string& key, const std::string& message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  HMAC(HashOf(algorithm), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
       &bytes);
  return {reinterpret_cast<const char*>(digest.data()), bytes};
}

std::string Encode(config::v1::SignatureEncoding encoding, const std::string& bytes) {
  if (encoding == config::v1::SIGNATURE_ENCODING_BASE64) return Base64Encode(bytes);
  if (encoding == config::v1::SIGNATURE_ENCODING_BASE64URL) return Base64UrlEncode(bytes);
  return HexEncode(bytes);
}

std::string WriteSignature(const Recipe& recipe, const Algorithm& algorithm,
                           const std::string& bytes, const std::string& timestamp) {
  const SignatureLocation& place = recipe.signature();
  const std::string text = Encode(place.encoding(), bytes);
  const std::string label = algorithm.label().substr(0, algorithm.label().find('|'));
  const auto separator = [](const std::string& stated, const char* otherwise) {
    return stated.empty() ? std::string(otherwise) : stated.substr(0, 1);
  };
  switch (place.syntax()) {
    case config::v1::SIGNATURE_SYNTAX_PREFIX:
      return place.prefix() + text;
    case config::v1::SIGNATURE_SYNTAX_LIST:
      return StrCat(label, separator(place.label_separator(), ","), text);
    case config::v1::SIGNATURE_SYNTAX_KEY_VALUE: {
      const std::string assign = separator(place.label_separator(), "=");
      const std::string signature = StrCat(label, assign, text);
      if (!recipe.timestamp().has_label()) return signature;
      return StrCat(recipe.timestamp().label(), assign, timestamp,
                    separator(place.entry_separator(), ","), signature);
    }
    case config::v1::SIGNATURE_SYNTAX_ENTRIES:
      if (!recipe.timestamp().first_entry()) return text;
      return StrCat(timestamp, separator(place.entry_separator(), ","), text);
    default:
      return text;
  }
}

bool SignsByPrivateKey(const Algorithm& algorithm) {
  return algorithm.kind() == config::v1::ALGORITHM_KIND_ED25519 ||
         algorithm.kind() == config::v1::ALGORITHM_KIND_ECDSA_P256 ||
         algorithm.kind() == config::v1::ALGORITHM_KIND_RSA_PKCS1;
}

// Puts a signature or token where the recipe has it.
absl::Status Place(const Recipe& recipe, const std::string& text, Signed* result) {
  const SignatureLocation& place = recipe.signature();
  if (!place.query().empty()) {
    StrAppend(&result->query, result->query.empty() ? "" : "&", PercentEncode(place.query()), "=",
              PercentEncode(text));
    return absl::OkStatus();
  }
  if (place.json_pointer().empty() && place.form_field().empty()) {
    if (place.headers().empty()) {
      return absl::InvalidArgumentError("the recipe names no header for the signature or token");
    }
    std::string name = FirstName(place.headers(0));
    if (name.ends_with('*')) name.back() = '1';
    result->headers.emplace_back(std::move(name), text);
    return absl::OkStatus();
  }
  const bool form = place.json_pointer().empty();
  const std::string written = form ? PercentEncode(text) : text;
  size_t mark = result->body.find(kSignatureMark);
  if (mark == std::string::npos) {
    return absl::InvalidArgumentError(
        "the signature or token is in the body: write {signature} in its place");
  }
  for (; mark != std::string::npos; mark = result->body.find(kSignatureMark)) {
    result->body.replace(mark, kSignatureMark.size(), written);
  }
  return absl::OkStatus();
}

// HMAC, DIGEST and, with the private key in PEM, Ed25519, ECDSA and RSA.
absl::Status SignMessage(const Recipe& recipe, const Algorithm& algorithm,
                         const std::string& secret, const Unsigned& webhook, Signed* result) {
  const bool by_private_key = SignsByPrivateKey(algorithm);
  const auto key = by_private_key ? secret : DecodeKey(algorithm, secret);
  if (!key.ok()) return key.status();
  AddIdHeader(recipe, webhook, result);
  AddRequiredHeaders(recipe, result);
  std::string timestamp;
  if (recipe.timestamp().has_json_pointer()) {
    auto found = FindInBody(recipe, webhook, recipe.timestamp().json_pointer());
    if (!found.ok()) return found.status();
    timestamp = *std::move(found);
  } else if (recipe.timestamp().has_form_field() || recipe.timestamp().has_query()) {
    auto found = recipe.timestamp().has_query()
                     ? FindInQuery(webhook, recipe.timestamp().query())
                     : FindInForm(webhook, recipe.timestamp().form_field());
    if (!found.ok()) return found.status();
    timestamp = *std::move(found);
  } else if (recipe.has_timestamp()) {
    timestamp = FormatTimestamp(recipe.timestamp(), webhook.time);
  }
  if (recipe.timestamp().has_header()) {
    result->headers.emplace_back(FirstName(recipe.timestamp().header()), timestamp);
  }
  if (!recipe.key_id_header().empty() &&
      FindHeader(result->headers, recipe.key_id_header()) == nullptr) {
    result->headers.emplace_back(recipe.key_id_header(), webhook.key_id);
  }
  const auto message = BuildMessage(recipe, webhook, result->headers, timestamp, *key);
  if (!message.ok()) return message.status();
  absl::StatusOr<std::string> signature;
  if (by_private_key) {
    signature = SignWithPem(algorithm, *key, *message);
  } else if (algorithm.kind() == config::v1::ALGORITHM_KIND_DIGEST) {
    signature = PlainHash(algorithm, *message);
  } else {
    signature = Hmac(algorithm, *key, *message);
  }
  if (!signature.ok()) return signature.status();
  const std::string text = WriteSignature(recipe, algorithm, *signature, timestamp);
  return Place(recipe, text, result);
}

}  // namespace

std::string ProviderUrl(const Unsigned& webhook) {
  if (webhook.query.empty() || webhook.public_url.find('?') != std::string::npos) {
    return webhook.public_url;
  }
  return StrCat(webhook.public_url, "?", webhook.query);
}

absl::StatusOr<Signed> Sign(const Recipe& recipe, const std::string& secret,
                            const Unsigned& webhook) {
  if (recipe.algorithms().empty()) return absl::InvalidArgumentError("the recipe has no algorithm");
  const Algorithm& algorithm = ChooseAlgorithm(recipe, secret);
  Signed result{
      .body = webhook.body, .headers = webhook.headers, .query = webhook.query, .url_token = {}};
  if (recipe.has_certificate()) {
    return absl::InvalidArgumentError(
        "hookctl cannot sign this: the provider alone has the private key of its certificate");
  }
  switch (algorithm.kind()) {
    case config::v1::ALGORITHM_KIND_HMAC:
    case config::v1::ALGORITHM_KIND_DIGEST:
    case config::v1::ALGORITHM_KIND_ED25519:
    case config::v1::ALGORITHM_KIND_ECDSA_P256:
    case config::v1::ALGORITHM_KIND_RSA_PKCS1:
      if (const absl::Status done = SignMessage(recipe, algorithm, secret, webhook, &result);
          !done.ok()) {
        return done;
      }
      return result;
    case config::v1::ALGORITHM_KIND_TWILIO:
    case config::v1::ALGORITHM_KIND_ADYEN_PAYMENTS: {
      const absl::Status done = algorithm.kind() == config::v1::ALGORITHM_KIND_TWILIO
                                    ? SignTwilio(recipe, secret, webhook, &result)
                                    : SignAdyenItem(secret, &result);
      if (!done.ok()) return done;
      break;
    }
    case config::v1::ALGORITHM_KIND_URL_TOKEN:
      result.url_token = secret;
      break;
    case config::v1::ALGORITHM_KIND_STATIC_TOKEN:
      if (const absl::Status done = Place(recipe, recipe.signature().prefix() + secret, &result);
          !done.ok()) {
        return done;
      }
      break;
    case config::v1::ALGORITHM_KIND_BASIC:
      result.headers.emplace_back("Authorization", StrCat("Basic ", Base64Encode(secret)));
      break;
    case config::v1::ALGORITHM_KIND_NONE:
      break;
    case config::v1::ALGORITHM_KIND_JWT: {
      const bool hmac = recipe.jwt().algorithm() <= config::v1::JWT_ALGORITHM_HS512;
      const auto key = hmac ? DecodeKey(algorithm, secret) : secret;
      if (!key.ok()) return key.status();
      AddIdHeader(recipe, webhook, &result);
      if (const absl::Status done = SignJwt(recipe, *key, webhook, &result); !done.ok()) {
        return done;
      }
      return result;
    }
    case config::v1::ALGORITHM_KIND_AWS_SNS:
      return absl::InvalidArgumentError(
          "hookctl cannot sign this: the provider alone has the private key of its certificate");
    case config::v1::ALGORITHM_KIND_MOLLIE_CLASSIC:
      return absl::InvalidArgumentError(
          "nothing is signed here: send `id=tr_...` of a payment that Mollie knows");
    default:
      return absl::InvalidArgumentError("hookctl does not know how to sign this scheme");
  }
  AddIdHeader(recipe, webhook, &result);
  return result;
}

}  // namespace hookbridge::hookctl
