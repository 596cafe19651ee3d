#include "server/verify/internal/jwt_claims.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/json_member.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kConfigMark = "config:";
constexpr double kSecondsMax = 1e11;  // the year 5138

absl::StatusOr<std::string> Resolve(const std::string& text, const ConfigValues& values) {
  if (!text.starts_with(kConfigMark)) return text;
  const std::string_view name = std::string_view(text).substr(kConfigMark.size());
  const auto it = values.find(name);
  if (it != values.end() && !it->second.empty()) return it->second;
  return absl::InvalidArgumentError(
      StrCat("values.", name, ": is missing; a claim of the token must have it"));
}

bool Holds(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// False: the claim is there and no time.
bool ReadTime(const JsonTape& tape, std::string_view name, std::optional<absl::Time>& time) {
  const JsonNode* const node = FindMember(tape, tape.nodes().front(), name);
  if (node == nullptr) return true;
  if (node->type != JsonType::kNumber || !(node->number >= 0 && node->number <= kSecondsMax)) {
    return false;
  }
  time = absl::UnixEpoch() + absl::Seconds(node->number);
  return true;
}

// As event fields take values: a string, number or boolean.
std::optional<std::string_view> ScalarText(const JsonTape& tape, std::string_view name) {
  const JsonNode* const node = FindMember(tape, tape.nodes().front(), name);
  if (node == nullptr) return std::nullopt;
  switch (node->type) {
    case JsonType::kString:
    case JsonType::kNumber:
      return tape.Text(*node);
    case JsonType::kTrue:
      return "true";
    case JsonType::kFalse:
      return "false";
    default:
      return std::nullopt;
  }
}

std::string Seconds(absl::Duration duration) {
  return StrCat(absl::ToInt64Seconds(duration), " s");
}

std::optional<std::string> OwnedText(const JsonTape& tape, const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto text = FindText(tape, tape.nodes().front(), name);
  if (!text) return std::nullopt;
  return std::string(*text);
}

}  // namespace

absl::StatusOr<JwtClaims> JwtClaims::Create(const config::v1::JwtRule& rule,
                                            const ConfigValues& values) {
  JwtClaims made;
  made.issuers_ = {rule.issuers().begin(), rule.issuers().end()};
  for (const std::string& audience : rule.audiences()) {
    auto text = Resolve(audience, values);
    if (!text.ok()) return text.status();
    made.audiences_.push_back(*std::move(text));
  }
  for (const auto& [name, wanted] : rule.claims()) {
    auto text = Resolve(wanted, values);
    if (!text.ok()) return text.status();
    made.texts_.emplace(name, *std::move(text));
  }
  made.body_hash_claim_ =
      rule.body_hash_claim().empty() ? "request_body_sha256" : rule.body_hash_claim();
  made.url_hash_claim_ = rule.url_hash_claim();
  made.max_age_ = rule.has_max_age() ? ToDuration(rule.max_age()) : limits::kJwtMaxAge;
  made.leeway_ = rule.has_leeway() ? ToDuration(rule.leeway()) : limits::kJwtLeeway;
  return made;
}

std::optional<Decision> JwtClaims::Check(std::string_view json, absl::Time now,
                                         ClaimedHashes& hashes, const Trace& trace) const {
  JsonTape tape;
  const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                          .elements_max = limits::kJsonElementsMax};
  if (!tape.Parse(json, limits).ok() || tape.nodes().front().type != JsonType::kObject) {
    return Refuse(Reason::kCredentialMalformed,
                  "the token's payload is not a JSON object without repeated names");
  }
  if (auto refused = CheckTimes(tape, now, hashes, trace)) return refused;
  if (auto refused = CheckParties(tape)) return refused;
  hashes.body = OwnedText(tape, body_hash_claim_);
  hashes.url = OwnedText(tape, url_hash_claim_);
  if (trace.on()) trace.Ok("claims", "are those that the recipe asks for");
  return std::nullopt;
}

std::optional<Decision> JwtClaims::CheckTimes(const JsonTape& tape, absl::Time now,
                                              ClaimedHashes& hashes, const Trace& trace) const {
  std::optional<absl::Time> expires;
  std::optional<absl::Time> begins;
  std::optional<absl::Time> issued;
  if (!ReadTime(tape, "exp", expires) || !ReadTime(tape, "nbf", begins) ||
      !ReadTime(tape, "iat", issued)) {
    return Refuse(Reason::kTimestampMalformed, "exp, nbf or iat is not a number of seconds");
  }
  if (expires && now >= *expires + leeway_) {
    return Refuse(Reason::kTimestampStale, StrCat("exp is ", Seconds(now - *expires), " ago, ",
                                                  Seconds(leeway_), " allowed"));
  }
  if (begins && now + leeway_ < *begins) {
    return Refuse(Reason::kTimestampFuture,
                  StrCat("nbf is in ", Seconds(*begins - now), ", ", Seconds(leeway_), " allowed"));
  }
  if (max_age_ <= absl::ZeroDuration()) return std::nullopt;
  if (!issued) return Refuse(Reason::kTimestampMissing, "the token has no iat");
  if (now - *issued > max_age_ + leeway_) {
    return Refuse(Reason::kTimestampStale, StrCat("iat is ", Seconds(now - *issued), " ago, ",
                                                  Seconds(max_age_ + leeway_), " allowed"));
  }
  if (*issued - now > leeway_) {
    return Refuse(Reason::kTimestampFuture,
                  StrCat("iat is in ", Seconds(*issued - now), ", ", Seconds(leeway_), " allowed"));
  }
  if (trace.on()) trace.Ok("timestamp", StrCat("iat is ", Seconds(now - *issued), " ago"));
  hashes.issued = issued;
  return std::nullopt;
}

std::optional<Decision> JwtClaims::CheckParties(const JsonTape& tape) const {
  const auto issuer = FindText(tape, tape.nodes().front(), "iss");
  if (!issuers_.empty() && (!issuer || !Holds(issuers_, *issuer))) {
    return Refuse(Reason::kClaimMismatch, "iss is none of recipe.jwt.issuers");
  }
  if (!audiences_.empty() && !NamesAnAudience(tape)) {
    return Refuse(Reason::kClaimMismatch, "aud holds none of recipe.jwt.audiences");
  }
  for (const auto& [name, wanted] : texts_) {
    if (ScalarText(tape, name) == wanted) continue;
    return Refuse(Reason::kClaimMismatch, StrCat(name, " is not as recipe.jwt.claims says"));
  }
  return std::nullopt;
}

bool JwtClaims::NamesAnAudience(const JsonTape& tape) const {
  const JsonNode* const node = FindMember(tape, tape.nodes().front(), "aud");
  if (node == nullptr) return false;
  if (node->type == JsonType::kString) return Holds(audiences_, tape.Text(*node));
  if (node->type != JsonType::kArray) return false;
  bool named = false;
  size_t count = 0;
  const auto& nodes = tape.nodes();
  const auto first = static_cast<size_t>(node - nodes.data()) + 1;
  for (size_t at = first; at < node->next; at = nodes[at].next) {
    if (nodes[at].type != JsonType::kString || ++count > limits::kJwtAudiencesMax) return false;
    named |= Holds(audiences_, tape.Text(nodes[at]));
  }
  return named;
}

}  // namespace hookbridge
