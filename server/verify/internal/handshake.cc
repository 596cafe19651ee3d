#include "server/verify/internal/handshake.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/fields.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/constant_time.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using From = HandshakePlace::From;

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '_' || c == '~' || c == '-';
}

// Values at the places of one request; the query and the body are read when first asked for.
class Places {
 public:
  explicit Places(const HandshakeRequest& request) : request_(request) {
    if (request.whole != nullptr) body_.emplace(*request.whole);
  }

  // Nothing where there is none or more than one.
  std::optional<std::string_view> Find(const HandshakePlace& place) {
    if (place.from == From::kHeader) return FindHeader(place.name);
    if (place.from == From::kBody) return body_ ? body_->Find(place.pointer) : std::nullopt;
    if (!query_is_read_) {
      query_is_read_ = true;
      // What stands before a fault is taken.
      ReadFields(config::v1::BODY_FORMAT_FORM, request_.query, {}, query_).IgnoreError();
    }
    const BodyField* const field = FindOnly(query_, place.name);
    if (field == nullptr) return std::nullopt;
    return place.from == From::kQuery ? std::string_view(field->value) : field->encoded_value;
  }

 private:
  std::optional<std::string_view> FindHeader(std::string_view name) const {
    std::optional<std::string_view> found;
    for (const HeaderLine& line : request_.headers) {
      if (!SameHeaderName(line.name, name)) continue;
      if (found) return std::nullopt;
      found = line.value;
    }
    return found;
  }

  const HandshakeRequest& request_;
  std::optional<BodyValues> body_;
  std::vector<BodyField> query_;
  bool query_is_read_ = false;
};

std::string Encode(std::string_view bytes, config::v1::SignatureEncoding encoding) {
  switch (encoding) {
    case config::v1::SIGNATURE_ENCODING_BASE64:
      return Base64Encode(bytes);
    case config::v1::SIGNATURE_ENCODING_BASE64URL:
      return Base64UrlEncode(bytes);
    default:
      return HexEncode(bytes);
  }
}

// The URL that the provider was given, with the token that public_url, which events show, leaves
// out.
std::string EndpointUrl(std::string_view public_url, std::string_view token) {
  const size_t query = std::min(public_url.find('?'), public_url.size());
  const std::string_view path = public_url.substr(0, query);
  if (token.empty() || path.ends_with(StrCat("/", token))) return std::string(public_url);
  return StrCat(path, "/", token, public_url.substr(query));
}

// What fills the gaps of an answer.
struct Filling {
  std::string_view challenge;
  std::string_view url_token;  // of the request
  std::string hash = {};
  std::string_view public_key_name = {};

  std::string Fill(const ReplyText& text) const {
    std::string filled;
    for (const ReplyPiece& piece : text) {
      switch (piece.kind) {
        case ReplyPiece::Kind::kChallenge:
          filled += challenge;
          break;
        case ReplyPiece::Kind::kHash:
          filled += hash;
          break;
        case ReplyPiece::Kind::kPublicKeyName:
          filled += public_key_name;
          break;
        case ReplyPiece::Kind::kUrl:
          filled += EndpointUrl(piece.text, url_token);
          break;
        case ReplyPiece::Kind::kLiteral:
          filled += piece.text;
      }
    }
    return filled;
  }
};

const RingKey* FirstActive(const std::vector<RingKey>& keys, absl::Time now) {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [now](const RingKey& key) { return key.ActiveAt(now); });
  return found == keys.end() ? nullptr : &*found;
}

HandshakeAnswer Refusal(Reason reason, int status, std::string_view detail) {
  HandshakeAnswer refusal;
  refusal.status = status;
  refusal.refused = reason;
  refusal.detail = detail;
  return refusal;
}

bool TakesMethod(const HandshakeRule& rule, std::string_view method) {
  return std::find(rule.methods.begin(), rule.methods.end(), method) != rule.methods.end();
}

bool MeetsConditions(const HandshakeRule& rule, Places& places) {
  return std::all_of(rule.conditions.begin(), rule.conditions.end(), [&](const auto& condition) {
    const auto found = places.Find(condition.place);
    return found && (!condition.equals || *found == *condition.equals);
  });
}

bool ShowsToken(const HandshakeRule& rule, std::string_view token, Places& places) {
  if (!rule.token) return true;
  const auto shown = places.Find(*rule.token);
  return shown && SecretsEqual(*shown, token);
}

bool MayEcho(const HandshakeRule& rule, std::optional<std::string_view> challenge) {
  if (!rule.challenge) return true;
  return challenge && (rule.takes_text ? IsEchoableText(*challenge) : IsEchoable(*challenge));
}

// The challenge, empty where the rule asks for none; nullopt: it is not there.
std::optional<std::string_view> FindChallenge(const HandshakeRule& rule, Places& places) {
  return rule.challenge ? places.Find(*rule.challenge) : std::string_view();
}

// `key` is for an HMAC, and may be null.
HandshakeAnswer Answer(const HandshakeRule& rule, const HandshakeRequest& request,
                       std::string_view challenge, const RingKey* key) {
  Filling filling{.challenge = challenge, .url_token = request.token};
  if (rule.hash && rule.hash->hmac) {
    const auto* const hmac = key == nullptr ? nullptr : std::get_if<HmacKey>(&key->material);
    if (hmac == nullptr) return Refusal(Reason::kNoActiveKey, 503, "no key is valid now");
    const std::string over = filling.Fill(rule.hash->over);
    const std::string_view parts[] = {over};
    filling.hash = Encode(hmac->Sign(parts).bytes(), rule.hash->encoding);
    filling.public_key_name = key->public_name;
  } else if (rule.hash) {
    filling.hash =
        Encode(Hash(rule.hash->hash, filling.Fill(rule.hash->over)).bytes(), rule.hash->encoding);
  }
  HandshakeAnswer answer{
      .status = rule.status, .content_type = rule.content_type, .body = filling.Fill(rule.body)};
  for (const auto& [name, text] : rule.headers) {
    answer.headers.emplace_back(name, filling.Fill(text));
  }
  if (rule.learns) answer.learned_secret = challenge;
  return answer;
}

}  // namespace

absl::StatusOr<Handshakes> Handshakes::Create(const config::v1::Recipe& recipe,
                                              std::string_view handshake_token,
                                              std::string_view public_url) {
  Handshakes made;
  made.token_ = handshake_token;
  for (int i = 0; i < recipe.handshakes_size(); ++i) {
    auto rule = MakeHandshakeRule(recipe.handshakes(i),
                                  {.token = handshake_token, .public_url = public_url});
    if (!rule.ok()) {
      return absl::InvalidArgumentError(
          StrCat("recipe.handshakes[", i, "].", ToStd(rule.status().message())));
    }
    made.rules_.push_back(*std::move(rule));
  }
  return made;
}

bool Handshakes::TakesUnverified(std::string_view method) const {
  return std::any_of(rules_.begin(), rules_.end(), [method](const HandshakeRule& rule) {
    return (method != "POST" || rule.unsigned_post) && TakesMethod(rule, method);
  });
}

std::optional<HandshakeAnswer> Handshakes::AnswerUnverified(const HandshakeRequest& request,
                                                            const std::vector<RingKey>& keys,
                                                            absl::Time now) const {
  Places places(request);
  const bool post = request.method == "POST";
  for (const HandshakeRule& rule : rules_) {
    if (post && (!rule.unsigned_post || (rule.learns && request.whole == nullptr))) continue;
    if (!TakesMethod(rule, request.method) || !MeetsConditions(rule, places)) continue;
    const auto challenge = FindChallenge(rule, places);
    if (!challenge && !rule.takes_every) continue;
    if (!ShowsToken(rule, token_, places)) {
      return Refusal(Reason::kChallengeRefused, 401, "the token is not handshake_token");
    }
    if (!MayEcho(rule, challenge)) {
      return Refusal(Reason::kChallengeRefused, 400,
                     "the challenge is missing, repeated, too long, or not plain text");
    }
    return Answer(rule, request, *challenge, FirstActive(keys, now));
  }
  return std::nullopt;
}

std::optional<HandshakeAnswer> Handshakes::AnswerVerified(const HandshakeRequest& request,
                                                          const RingKey* key,
                                                          const std::vector<RingKey>& keys,
                                                          absl::Time now) const {
  if (rules_.empty()) return std::nullopt;
  Places places(request);
  for (const HandshakeRule& rule : rules_) {
    if (rule.unsigned_post || !TakesMethod(rule, request.method)) continue;
    if (!MeetsConditions(rule, places) || !ShowsToken(rule, token_, places)) continue;
    const auto challenge = FindChallenge(rule, places);
    if (!MayEcho(rule, challenge)) continue;
    HandshakeAnswer answer =
        Answer(rule, request, *challenge, key != nullptr ? key : FirstActive(keys, now));
    if (!answer.refused) return answer;
  }
  return std::nullopt;
}

bool IsEchoable(std::string_view text) {
  return !text.empty() && text.size() <= limits::kHandshakeEchoBytesMax &&
         std::all_of(text.begin(), text.end(), IsUnreserved);
}

bool IsEchoableText(std::string_view text) {
  constexpr std::string_view kRefused = "<>&\"'\\";
  return !text.empty() && text.size() <= limits::kHandshakeEchoBytesMax &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return c >= ' ' && c <= '~' && kRefused.find(c) == std::string_view::npos;
         });
}

}  // namespace hookbridge
