#include "server/verify/internal/jwt.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/replay.h"
#include "server/verify/internal/signature_syntax.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kBearerHeader = "Authorization";
constexpr std::string_view kBearer = "Bearer ";

// The token in an Authorization header (RFC 6750 section 2.1); nullopt for another scheme.
std::optional<std::string_view> TakeBearer(std::string_view value) {
  if (!SameHeaderName(value.substr(0, kBearer.size()), kBearer)) return std::nullopt;
  value.remove_prefix(kBearer.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

std::vector<std::string> HeadersOf(const config::v1::Recipe& recipe) {
  const auto& names = recipe.signature().headers();
  if (names.empty()) return {std::string(kBearerHeader)};
  return {names.begin(), names.end()};
}

Decision NoActiveKey() { return Refuse(Reason::kNoActiveKey, "no key is valid now"); }

Decision UnknownKey(const std::string& key_id) {
  return Refuse(Reason::kUnknownKeyId, StrCat("no key has the id `", key_id, "` of the token"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<JwtCheck>> JwtCheck::Create(const config::v1::Recipe& recipe,
                                                           const std::string& public_url,
                                                           const ConfigValues& values,
                                                           const std::vector<RingKey>& keys) {
  auto made = std::make_unique<JwtCheck>();
  made->recipe_ = recipe;
  made->public_url_ = public_url;
  made->remembers_signed_ = RemembersSigned(recipe);
  auto claims = JwtClaims::Create(recipe.jwt(), values);
  if (!claims.ok()) return claims.status();
  made->claims_ = *std::move(claims);
  auto message = MessageRule::Create(recipe, public_url, values);
  if (!message.ok()) return message.status();
  made->message_ = *std::move(message);
  if (recipe.jwt().has_key_set()) {
    auto gate = KeySetGate::Create(recipe.jwt(), values, keys);
    if (!gate.ok()) return gate.status();
    made->gate_ = *std::move(gate);
  }
  return made;
}

void JwtCheck::Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now) {
  if (gate_ != nullptr) gate_->Take(need, answer, now);
}

Decision JwtCheck::Decide(const WebhookRequest& request, const std::vector<RingKey>& keys,
                          absl::Time now, const Trace& trace) const {
  const config::v1::JwtRule& rule = recipe_.jwt();
  std::string_view token;
  if (auto refused = FindToken(request, token)) return *std::move(refused);
  Jws jws;
  if (auto refused = ReadJws(token, rule.algorithm(), rule.detached(), jws)) {
    return *std::move(refused);
  }
  if (trace.on()) {
    trace.Ok("token", StrCat(token.size(), " bytes, ", JwsName(rule.algorithm()), ", ",
                             jws.key_id.empty() ? "no kid" : "kid ", jws.key_id));
  }
  ClaimedHashes hashes;
  if (rule.detached()) {
    if (auto refused = ReadDetached(request, jws)) return *std::move(refused);
  } else if (auto refused = claims_.Check(jws.payload, now, hashes, trace)) {
    return *std::move(refused);
  }

  std::vector<Candidate> candidates;
  KeySetPtr fetched;  // holds the candidates' keys
  if (gate_ == nullptr) {
    if (auto refused = Configured(keys, jws, now, candidates)) return *std::move(refused);
  } else {
    Decision otherwise;
    fetched = gate_->Find(jws.key_id, keys, now, otherwise);
    if (fetched == nullptr) {
      auto refused = CheckHashes(request, hashes, Trace(nullptr));
      return refused ? *std::move(refused) : otherwise;
    }
    if (trace.on()) trace.Ok("key set", StrCat(fetched->size(), " keys at hand"));
    if (auto refused = Fetched(*fetched, jws, now, candidates)) return *std::move(refused);
  }
  const Candidate* const signer = Signer(candidates, jws);
  if (signer == nullptr) {
    return Refuse(Reason::kSignatureMismatch, "the token's signature matches no key");
  }
  // Last, because it costs as much as the body is long.
  if (auto refused = CheckHashes(request, hashes, trace)) return *std::move(refused);
  Decision verified{
      .refused = {}, .detail = {}, .key_id = signer->id, .signed_time = hashes.issued};
  if (remembers_signed_) {
    const std::string_view text = jws.signing_input;
    verified.signed_hash = HashSigned({&text, 1});
  }
  return verified;
}

std::optional<Decision> JwtCheck::FindToken(const WebhookRequest& request,
                                            std::string_view& token) const {
  const std::vector<std::string> names = HeadersOf(recipe_);
  for (const std::string& name : names) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) continue;
    if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    token = found.line->value;
    if (recipe_.signature().syntax() == config::v1::SIGNATURE_SYNTAX_PREFIX) {
      const auto entries = ParseSignatures(recipe_.signature(), token);
      if (!entries) return Refuse(Reason::kCredentialMalformed, StrCat(name, " lacks its prefix"));
      token = entries->front().text;
    } else if (SameHeaderName(found.line->name, kBearerHeader)) {
      const auto bearer = TakeBearer(token);
      if (!bearer) return Refuse(Reason::kCredentialMalformed, StrCat(name, " is not Bearer"));
      token = *bearer;
    }
    return std::nullopt;
  }
  return Refuse(Reason::kCredentialMissing, StrCat("no ", StrJoin(names, " nor ")));
}

std::optional<Decision> JwtCheck::ReadDetached(const WebhookRequest& request, Jws& jws) const {
  RequestReader reader(request, recipe_);
  SignedMessage message;
  if (auto refused = message_.Build(reader, /*timestamp=*/{}, message)) return refused;
  std::string payload;
  for (const std::string_view part : message.parts) payload += part;
  jws.signing_input = StrCat(jws.header, ".", Base64UrlEncode(payload));
  return std::nullopt;
}

std::optional<Decision> JwtCheck::CheckHashes(const WebhookRequest& request,
                                              const ClaimedHashes& hashes,
                                              const Trace& trace) const {
  if (recipe_.jwt().detached()) return std::nullopt;
  if (!claims_.url_hash_claim().empty()) {
    const std::string url = SignedUrl(public_url_, request.query);
    if (auto refused = CheckHash(claims_.url_hash_claim(), "URL", hashes.url, url)) return refused;
  }
  if (recipe_.body_not_signed()) return std::nullopt;
  const bool inflated = recipe_.signed_body() == config::v1::SIGNED_BODY_INFLATED;
  const std::string_view body = inflated ? request.content() : request.body;
  if (auto refused = CheckHash(claims_.body_hash_claim(), "body", hashes.body, body)) {
    return refused;
  }
  if (trace.on()) {
    trace.Ok("body hash", StrCat(claims_.body_hash_claim(), " is that of ", body.size(), " bytes"));
  }
  return std::nullopt;
}

std::optional<Decision> JwtCheck::CheckHash(const std::string& claim, std::string_view of,
                                            const std::optional<std::string>& text,
                                            std::string_view bytes) const {
  if (!text) {
    return Refuse(Reason::kClaimMismatch, StrCat("no text in claim ", claim,
                                                 ", which holds the "
                                                 "hash of the ",
                                                 of));
  }
  const auto claimed = DecodeSignature(recipe_.jwt().body_hash_encoding(), *text);
  if (!claimed) {
    return Refuse(Reason::kClaimMismatch,
                  StrCat("claim ", claim, " has not the recipe's encoding"));
  }
  if (SecretsEqual(*claimed, Hash(recipe_.jwt().body_hash(), bytes).bytes())) return std::nullopt;
  return Refuse(Reason::kSignatureMismatch,
                StrCat("the ", of, " is not the one whose hash is in claim ", claim));
}

std::optional<Decision> JwtCheck::Configured(const std::vector<RingKey>& keys, const Jws& jws,
                                             absl::Time now,
                                             std::vector<Candidate>& candidates) const {
  const auto is_named = [&jws](const RingKey& key) {
    return key.id == jws.key_id || key.public_name == jws.key_id;
  };
  bool by_name = !jws.key_id.empty() && std::any_of(keys.begin(), keys.end(), is_named);
  // Providers name secrets by ids that they show to nobody.
  if (!jws.key_id.empty() && !by_name && !IsHmac(recipe_.jwt().algorithm())) {
    return UnknownKey(jws.key_id);
  }
  for (const RingKey& key : keys) {
    if (!key.ActiveAt(now) || (by_name && !is_named(key))) continue;
    candidates.push_back({.id = key.id,
                          .hmac = std::get_if<HmacKey>(&key.material),
                          .public_key = std::get_if<PublicKey>(&key.material)});
  }
  if (candidates.empty()) return NoActiveKey();
  return std::nullopt;
}

std::optional<Decision> JwtCheck::Fetched(const KeySet& keys, const Jws& jws, absl::Time now,
                                          std::vector<Candidate>& candidates) {
  bool known = false;
  for (const WebKey& key : keys) {
    if (!jws.key_id.empty() && !key.id.empty() && key.id != jws.key_id) continue;
    known = true;
    if (now >= key.not_after) continue;
    candidates.push_back({.id = key.id.empty() ? "key_set" : key.id, .public_key = &key.key});
  }
  if (!known) return UnknownKey(jws.key_id);
  if (candidates.empty()) return NoActiveKey();
  return std::nullopt;
}

const JwtCheck::Candidate* JwtCheck::Signer(const std::vector<Candidate>& candidates,
                                            const Jws& jws) {
  const std::string_view text = jws.signing_input;
  for (const Candidate& candidate : candidates) {
    const bool matches = candidate.hmac != nullptr
                             ? SecretsEqual(jws.signature, candidate.hmac->Sign({&text, 1}).bytes())
                             : candidate.public_key != nullptr &&
                                   candidate.public_key->Verify({&text, 1}, jws.signature);
    if (matches) return &candidate;
  }
  return nullptr;
}

}  // namespace hookbridge
