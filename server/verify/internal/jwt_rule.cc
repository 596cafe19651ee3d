#include "server/verify/internal/jwt_rule.h"

#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/jws.h"

#include <algorithm>
#include <string>

namespace hookbridge {
namespace {

using config::v1::JwtRule;
using config::v1::Recipe;

absl::Status Bad(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("recipe.", field, ": ", what));
}

absl::Status CheckPlace(const config::v1::SignatureLocation& signature) {
  if (signature.syntax() == config::v1::SIGNATURE_SYNTAX_LIST ||
      signature.syntax() == config::v1::SIGNATURE_SYNTAX_KEY_VALUE) {
    return Bad("signature.syntax", "a token is bare or has a prefix");
  }
  const auto is_pattern = [](const std::string& name) { return name.ends_with('*'); };
  if (std::any_of(signature.headers().begin(), signature.headers().end(), is_pattern)) {
    return Bad("signature.headers", "a token is in one header; write its whole name");
  }
  if (signature.syntax() == config::v1::SIGNATURE_SYNTAX_PREFIX && signature.prefix().empty()) {
    return Bad("signature.prefix", "is empty; write it, or syntax: bare");
  }
  return absl::OkStatus();
}

absl::Status CheckTexts(const JwtRule& rule) {
  const auto is_empty = [](const std::string& text) { return text.empty(); };
  if (std::any_of(rule.issuers().begin(), rule.issuers().end(), is_empty)) {
    return Bad("jwt.issuers", "one is empty; write what iss must be");
  }
  if (std::any_of(rule.audiences().begin(), rule.audiences().end(), is_empty)) {
    return Bad("jwt.audiences", "one is empty; write what aud must hold");
  }
  constexpr auto kMost = static_cast<int>(limits::kJwtAudiencesMax);
  if (rule.issuers_size() > kMost || rule.audiences_size() > kMost) {
    return Bad("jwt", StrCat("has more than ", kMost, " issuers or audiences"));
  }
  for (const auto& [name, text] : rule.claims()) {
    if (name.empty() || text.empty()) {
      return Bad("jwt.claims", "a name or text is empty; write what the claim must be");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckKeySet(const JwtRule& rule) {
  if (!rule.has_key_set()) return absl::OkStatus();
  if (IsHmac(rule.algorithm())) {
    return Bad("jwt.key_set", StrCat("holds public keys, and ", JwsName(rule.algorithm()),
                                     " is by a secret; write keys, or another jwt.algorithm"));
  }
  if (rule.key_set().url().empty()) {
    return Bad("jwt.key_set.url", "is empty; write where the provider's keys are");
  }
  if (const auto pointer = JsonPointer::Parse(rule.key_set().pointer()); !pointer.ok()) {
    return Bad("jwt.key_set.pointer", ToStd(pointer.status().message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckJwtRule(const Recipe& recipe, bool has_public_url) {
  const JwtRule& rule = recipe.jwt();
  if (absl::Status status = CheckPlace(recipe.signature()); !status.ok()) return status;
  if (absl::Status status = CheckTexts(rule); !status.ok()) return status;
  if (absl::Status status = CheckKeySet(rule); !status.ok()) return status;
  if (rule.body_hash() == config::v1::HASH_FUNCTION_SHA1 ||
      rule.body_hash() == config::v1::HASH_FUNCTION_MD5) {
    return Bad("jwt.body_hash", "is broken; write sha256, sha384 or sha512");
  }
  if (!rule.url_hash_claim().empty() && !has_public_url) {
    return Bad("jwt.url_hash_claim", "needs the source's public_url, as the provider was given it");
  }
  if (recipe.body_not_signed() && rule.has_key_set() && !rule.detached() &&
      rule.audiences().empty() && rule.claims().empty()) {
    return Bad("jwt.audiences",
               "is empty: the provider signs such tokens for others too, and one of theirs would "
               "do; write what aud must hold");
  }
  return absl::OkStatus();
}

}  // namespace hookbridge
