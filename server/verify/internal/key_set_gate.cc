#include "server/verify/internal/key_set_gate.h"

#include "server/base/encoding.h"
#include "server/base/https_url.h"
#include "server/base/json_tape.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/replay.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kKeyIdMark = "{kid}";
constexpr std::string_view kSecretMark = "{secret}";
constexpr std::string_view kConfigMark = "{config:";

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// RFC 3986 section 2.1.
std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded.push_back(c);
    } else {
      StrAppend(&encoded, "%", HexEncode({&c, 1}));
    }
  }
  return encoded;
}

// As inside a JSON string (RFC 8259 section 7).
std::string JsonEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      escaped.push_back('\\');
      escaped.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      StrAppend(&escaped, "\\u00", HexEncode({&c, 1}));
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

// What stands for the marks of a template.
struct Marks {
  std::string_view key_id;
  std::string_view secret;
  const ConfigValues& values;
};

// Puts each mark's text through `encode`; texts that look like marks stay as they are.
template <typename Encode>
std::string Expand(std::string_view text, const Marks& marks, Encode encode) {
  std::string made;
  while (!text.empty()) {
    if (text.starts_with(kKeyIdMark)) {
      made += encode(marks.key_id);
      text.remove_prefix(kKeyIdMark.size());
    } else if (text.starts_with(kSecretMark)) {
      made += encode(marks.secret);
      text.remove_prefix(kSecretMark.size());
    } else if (const size_t end = text.find('}');
               text.starts_with(kConfigMark) && end != std::string_view::npos) {
      const auto it = marks.values.find(text.substr(kConfigMark.size(), end - kConfigMark.size()));
      if (it != marks.values.end()) made += encode(it->second);
      text.remove_prefix(end + 1);
    } else {
      made.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return made;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

absl::Status Bad(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("recipe.jwt.key_set.", field, ": ", what));
}

absl::Status CheckValues(std::string_view text, const ConfigValues& values) {
  for (size_t at = text.find(kConfigMark); at != std::string_view::npos;
       at = text.find(kConfigMark, at + 1)) {
    const size_t begin = at + kConfigMark.size();
    const std::string_view name = text.substr(begin, text.find('}', begin) - begin);
    const auto it = values.find(name);
    if (it != values.end() && !it->second.empty()) continue;
    return absl::InvalidArgumentError(
        StrCat("values.", name, ": is missing; the provider's keys are asked for with it"));
  }
  return absl::OkStatus();
}

const std::string& SecretOf(const RingKey& key) { return std::get<std::string>(key.material); }

// The word for a place that holds no secret.
std::string PlaceOf(const std::string& url, const std::string& body) {
  const std::array<std::string_view, 3> parts = {url, "\n", body};
  const SignedHash hash = HashSigned(parts);
  return {hash.begin(), hash.end()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeySetGate>> KeySetGate::Create(
    const config::v1::JwtRule& rule, const ConfigValues& values,
    const std::vector<RingKey>& secrets) {
  auto made = std::make_unique<KeySetGate>();
  made->rule_ = rule.key_set();
  made->algorithm_ = rule.algorithm();
  made->values_ = values;
  const std::string& url = made->rule_.url();
  const std::string& body = made->rule_.body();
  for (const std::string& text : {url, body}) {
    if (absl::Status status = CheckValues(text, values); !status.ok()) return status;
  }
  made->names_key_ = Contains(url, kKeyIdMark) || Contains(body, kKeyIdMark);
  made->has_secret_ = Contains(body, kSecretMark);
  // The longest question, and one for another key, are on one host, whatever a token says.
  const std::string longest_id(limits::kJwtKeyIdBytesMax, '"');
  std::string longest_secret;
  for (const RingKey& key : secrets) {
    if (!made->has_secret_) break;
    const std::string& secret = SecretOf(key);
    if (secret.size() > longest_secret.size()) longest_secret = secret;
  }
  const Question longest = made->Ask(longest_id, longest_secret);
  const auto parsed = ParseHttpsUrl(longest.url);
  const auto other = ParseHttpsUrl(made->Ask("k", "").url);
  if (!parsed || !other || parsed->host != other->host || Contains(url, kSecretMark)) {
    return Bad("url", StrCat("is no https URL of at most ", limits::kUrlBytesMax,
                             " bytes on one host once its values are in; write for example "
                             "https://example.com/.well-known/jwks.json"));
  }
  made->host_ = parsed->host;
  if (body.empty()) return made;
  JsonTape tape;
  const JsonLimits json{.depth_max = limits::kJsonDepthMaxHard,
                        .elements_max = limits::kJsonElementsMax};
  if (!tape.Parse(longest.body, json).ok()) {
    return Bad("body", R"(is not JSON; marks stand in texts, for example {"key_id": "{kid}"})");
  }
  if (longest.body.size() > limits::kFetchBodyBytesMax) {
    return Bad("body", StrCat("may have more than ", limits::kFetchBodyBytesMax,
                              " bytes once its values are in"));
  }
  return made;
}

KeySetGate::Question KeySetGate::Ask(const std::string& key_id, const std::string& secret) const {
  const Marks marks{.key_id = key_id, .secret = secret, .values = values_};
  return {.url = Expand(rule_.url(), marks, PercentEncode),
          .body = Expand(rule_.body(), marks, JsonEscape)};
}

KeySetPtr KeySetGate::Find(const std::string& key_id, const std::vector<RingKey>& secrets,
                           absl::Time now, Decision& otherwise) const {
  if (names_key_ && key_id.empty()) {
    otherwise = Refuse(Reason::kUnknownKeyId, "the token has no kid to ask the provider for");
    return nullptr;
  }
  std::string secret;
  if (has_secret_) {
    const auto key = std::find_if(secrets.begin(), secrets.end(),
                                  [now](const RingKey& one) { return one.ActiveAt(now); });
    if (key == secrets.end()) {
      otherwise = Refuse(Reason::kNoActiveKey, "no key to ask the provider with is valid now");
      return nullptr;
    }
    secret = SecretOf(*key);
  }
  Question question = Ask(key_id, secret);
  CachedKeySet found = cache_.Find(PlaceOf(question.url, question.body), key_id, now);
  if (found.keys != nullptr) return found.keys;
  otherwise = Refuse(found.reason, StrCat(question.url, ": ", found.detail));
  if (found.ask) {
    otherwise.need = FetchNeed{.purpose = FetchPurpose::kKeySet,
                               .url = std::move(question.url),
                               .host = host_,
                               .bearer = {},
                               .body = std::move(question.body)};
  }
  return nullptr;
}

void KeySetGate::Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now) {
  const std::string place = PlaceOf(need.url, need.body);
  if (!answer.Is2xx()) {
    // The provider knows its own keys: one that it says not to exist was forged, or is gone.
    const bool denied = answer.error.empty() && answer.status >= 400 && answer.status < 500 &&
                        answer.status != 401 && answer.status != 403 && answer.status != 408 &&
                        answer.status != 429;
    cache_.PutFailure(
        place, names_key_ && denied ? Reason::kUnknownKeyId : Reason::kKeySetUnavailable,
        answer.error.empty() ? StrCat("answered ", answer.status) : answer.error, now);
    return;
  }
  auto set = ReadKeySet(answer.body, rule_.pointer(), algorithm_);
  if (set.ok()) {
    cache_.Put(place, std::make_shared<const KeySet>(*std::move(set)), now);
  } else {
    cache_.PutFailure(place, Reason::kKeySetUnavailable,
                      StrCat("the answer ", ToStd(set.status().message())), now);
  }
}

}  // namespace hookbridge
