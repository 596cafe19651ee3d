#include "server/verify/verifier.h"

#include "server/base/config.h"
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/signature_syntax.h"
#include "server/verify/internal/timestamp.h"

#include <optional>
#include <span>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::MessagePart;

constexpr absl::Duration kDefaultWindow = absl::Minutes(5);

// The decision on one request.
struct Decision {
  std::optional<Reason> refused;
  std::string detail;
  std::string key_id;
  std::optional<absl::Time> signed_time;
};

Decision Refuse(Reason reason, std::string detail) {
  return {.refused = reason, .detail = std::move(detail), .key_id = {}, .signed_time = {}};
}

// Records steps when somebody asks for an explanation.
class Trace {
 public:
  explicit Trace(std::vector<ExplainStep>* steps) : steps_(steps) {}
  void Ok(std::string_view what, const std::string& detail) const {
    if (steps_ != nullptr)
      steps_->push_back({.ok = true, .what = std::string(what), .detail = detail});
  }
  bool on() const { return steps_ != nullptr; }

 private:
  std::vector<ExplainStep>* const steps_;
};

std::string Seconds(absl::Duration duration) {
  return StrCat(absl::ToInt64Seconds(duration), " s");
}

}  // namespace

struct Verifier::State {
  VerifierOptions options;
  std::vector<RingKey> keys;
  absl::Duration max_age = kDefaultWindow;
  absl::Duration max_future = kDefaultWindow;

  const config::v1::Recipe& recipe() const { return options.recipe; }

  Decision Decide(const WebhookRequest& request, absl::Time now, const Trace& trace) const;
  std::optional<Decision> CheckUrlToken(const WebhookRequest& request, const Trace& trace) const;
  Decision DecideByToken(std::string_view where, std::string_view token, absl::Time now) const;
  Decision DecideByHeaderToken(const WebhookRequest& request, absl::Time now) const;
  Decision DecideByBasic(const WebhookRequest& request, absl::Time now) const;
  Decision DecideBySignature(const WebhookRequest& request, absl::Time now,
                             const Trace& trace) const;
  std::optional<Decision> CollectSignatures(const WebhookRequest& request,
                                            std::vector<SignatureEntry>& entries) const;
  std::optional<Decision> CheckTime(const WebhookRequest& request,
                                    const std::vector<SignatureEntry>& entries, absl::Time now,
                                    std::string_view& text, absl::Time& time) const;
  std::optional<Decision> BuildMessage(const WebhookRequest& request, std::string_view timestamp,
                                       std::string& url,
                                       std::vector<std::string_view>& message) const;
  Decision MatchSignatures(const std::vector<SignatureEntry>& entries,
                           std::span<const std::string_view> message, absl::Time now) const;
  bool Matches(const RingKey& key, const std::vector<std::string>& candidates,
               std::span<const std::string_view> message) const;
};

Decision Verifier::State::Decide(const WebhookRequest& request, absl::Time now,
                                 const Trace& trace) const {
  if (auto refused = CheckUrlToken(request, trace)) return *std::move(refused);
  switch (recipe().algorithms(0).kind()) {
    case config::v1::ALGORITHM_KIND_NONE:
      return {};
    case config::v1::ALGORITHM_KIND_URL_TOKEN:
      return DecideByToken("URL token", request.token, now);
    case config::v1::ALGORITHM_KIND_STATIC_TOKEN:
      return DecideByHeaderToken(request, now);
    case config::v1::ALGORITHM_KIND_BASIC:
      return DecideByBasic(request, now);
    default:
      return DecideBySignature(request, now, trace);
  }
}

std::optional<Decision> Verifier::State::CheckUrlToken(const WebhookRequest& request,
                                                       const Trace& trace) const {
  if (recipe().algorithms(0).kind() == config::v1::ALGORITHM_KIND_URL_TOKEN) return std::nullopt;
  if (options.url_token.empty()) {
    if (request.token.empty()) return std::nullopt;
    return Refuse(Reason::kCredentialMismatch, "the URL carries a token and the source has none");
  }
  if (request.token.empty()) return Refuse(Reason::kCredentialMissing, "the URL carries no token");
  if (!SecretsEqual(request.token, options.url_token)) {
    return Refuse(Reason::kCredentialMismatch, "the URL token does not match");
  }
  trace.Ok("url token", "matches");
  return std::nullopt;
}

Decision Verifier::State::DecideByToken(std::string_view where, std::string_view token,
                                        absl::Time now) const {
  if (token.empty()) return Refuse(Reason::kCredentialMissing, StrCat("no ", where));
  bool active = false;
  const RingKey* matched = nullptr;
  for (const RingKey& key : keys) {
    if (!key.ActiveAt(now)) continue;
    active = true;
    if (SecretsEqual(token, std::get<std::string>(key.material))) matched = &key;
  }
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  if (matched == nullptr) {
    return Refuse(Reason::kCredentialMismatch, StrCat("the ", where, " matches no key"));
  }
  return {.refused = {}, .detail = {}, .key_id = matched->id, .signed_time = {}};
}

Decision Verifier::State::DecideByHeaderToken(const WebhookRequest& request, absl::Time now) const {
  for (const std::string& name : recipe().signature().headers()) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) continue;
    if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    const auto entries = ParseSignatures(recipe().signature(), found.line->value);
    if (!entries) return Refuse(Reason::kCredentialMalformed, StrCat(name, " lacks its prefix"));
    return DecideByToken(name, entries->front().text, now);
  }
  return Refuse(Reason::kCredentialMissing,
                StrCat("no ", StrJoin(recipe().signature().headers(), " nor ")));
}

Decision Verifier::State::DecideByBasic(const WebhookRequest& request, absl::Time now) const {
  const FoundHeader found = FindRecipeHeader(request, "Authorization");
  if (found.line == nullptr) return Refuse(Reason::kCredentialMissing, "no Authorization");
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, "Authorization is there twice");
  constexpr std::string_view kScheme = "Basic ";
  const std::string_view value = found.line->value;
  if (value.size() <= kScheme.size() ||
      !absl::EqualsIgnoreCase(absl::string_view(value.data(), kScheme.size()), "Basic ")) {
    return Refuse(Reason::kCredentialMalformed, "Authorization is not Basic");
  }
  const auto credentials = Base64Decode(value.substr(kScheme.size()), Base64Padding::kOptional);
  if (!credentials) return Refuse(Reason::kCredentialMalformed, "Authorization is not base64");
  return DecideByToken("user and password", *credentials, now);
}

Decision Verifier::State::DecideBySignature(const WebhookRequest& request, absl::Time now,
                                            const Trace& trace) const {
  std::vector<SignatureEntry> entries;
  if (auto refused = CollectSignatures(request, entries)) return *std::move(refused);
  if (trace.on()) trace.Ok("signature header", StrCat(entries.size(), " entries"));

  std::string_view timestamp;
  absl::Time time = absl::InfinitePast();
  if (recipe().has_timestamp()) {
    if (auto refused = CheckTime(request, entries, now, timestamp, time))
      return *std::move(refused);
    if (trace.on()) trace.Ok("timestamp", StrCat(timestamp, " is within the window"));
  }

  std::string url;
  std::vector<std::string_view> message;
  if (auto refused = BuildMessage(request, timestamp, url, message)) return *std::move(refused);
  if (trace.on()) {
    size_t bytes = 0;
    for (const std::string_view part : message) bytes += part.size();
    trace.Ok("signed message",
             StrCat(message.size(), " parts, ", bytes, " bytes, body ", request.body.size()));
  }
  Decision decision = MatchSignatures(entries, message, now);
  if (!decision.refused && recipe().has_timestamp()) decision.signed_time = time;
  return decision;
}

std::optional<Decision> Verifier::State::CollectSignatures(
    const WebhookRequest& request, std::vector<SignatureEntry>& entries) const {
  const auto& location = recipe().signature();
  for (const std::string& name : location.headers()) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) continue;
    if (found.repeated && !location.allow_repeated_lines()) {
      return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    }
    for (const HeaderLine& line : request.headers) {
      if (!absl::EqualsIgnoreCase(
              absl::string_view(line.name.data(), line.name.size()),
              absl::string_view(found.line->name.data(), found.line->name.size()))) {
        continue;
      }
      const auto parsed = ParseSignatures(location, line.value);
      if (!parsed || entries.size() + parsed->size() > limits::kSignaturesMax) {
        return Refuse(Reason::kSignatureMalformed,
                      StrCat(name, " does not have the recipe's syntax"));
      }
      entries.insert(entries.end(), parsed->begin(), parsed->end());
    }
    return std::nullopt;
  }
  return Refuse(Reason::kSignatureMissing, StrCat("no ", StrJoin(location.headers(), " nor ")));
}

std::optional<Decision> Verifier::State::CheckTime(const WebhookRequest& request,
                                                   const std::vector<SignatureEntry>& entries,
                                                   absl::Time now, std::string_view& text,
                                                   absl::Time& time) const {
  const auto& rule = recipe().timestamp();
  if (rule.has_header()) {
    const FoundHeader found = FindRecipeHeader(request, rule.header());
    if (found.line == nullptr)
      return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.header()));
    if (found.repeated) {
      return Refuse(Reason::kDuplicateHeader, StrCat(rule.header(), " is there twice"));
    }
    text = found.line->value;
  } else {
    size_t count = 0;
    for (const SignatureEntry& entry : entries) {
      if (entry.label != rule.label()) continue;
      text = entry.text;
      ++count;
    }
    if (count == 0)
      return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.label(), "= entry"));
    if (count > 1)
      return Refuse(Reason::kSignatureMalformed, StrCat("several ", rule.label(), "= entries"));
  }
  const auto parsed = ParseTimestamp(rule.unit(), text);
  if (!parsed)
    return Refuse(Reason::kTimestampMalformed, "the timestamp is not of the recipe's form");
  time = *parsed;
  if (max_age > absl::ZeroDuration() && now - time > max_age) {
    return Refuse(Reason::kTimestampStale,
                  StrCat(Seconds(now - time), " old, ", Seconds(max_age), " allowed"));
  }
  if (max_future > absl::ZeroDuration() && time - now > max_future) {
    return Refuse(Reason::kTimestampFuture,
                  StrCat(Seconds(time - now), " in the future, ", Seconds(max_future), " allowed"));
  }
  return std::nullopt;
}

std::optional<Decision> Verifier::State::BuildMessage(
    const WebhookRequest& request, std::string_view timestamp, std::string& url,
    std::vector<std::string_view>& message) const {
  message.reserve(static_cast<size_t>(recipe().message_size()));
  for (const MessagePart& part : recipe().message()) {
    switch (part.part_case()) {
      case MessagePart::kLiteral:
        message.push_back(part.literal());
        break;
      case MessagePart::kBody:
        message.push_back(request.body);
        break;
      case MessagePart::kTimestamp:
        message.push_back(timestamp);
        break;
      case MessagePart::kMethod:
        message.push_back(request.method);
        break;
      case MessagePart::kUrl:
        url = options.public_url;
        if (!request.query.empty()) StrAppend(&url, "?", request.query);
        message.push_back(url);
        break;
      case MessagePart::kHeader: {
        const FoundHeader found = FindRecipeHeader(request, part.header());
        if (found.line == nullptr) {
          return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", part.header()));
        }
        if (found.repeated) {
          return Refuse(Reason::kDuplicateHeader, StrCat(part.header(), " is there twice"));
        }
        message.push_back(found.line->value);
        break;
      }
      case MessagePart::PART_NOT_SET:
        break;
    }
  }
  return std::nullopt;
}

Decision Verifier::State::MatchSignatures(const std::vector<SignatureEntry>& entries,
                                          std::span<const std::string_view> message,
                                          absl::Time now) const {
  const auto& location = recipe().signature();
  std::vector<std::vector<std::string>> candidates(static_cast<size_t>(recipe().algorithms_size()));
  bool decoded = false;
  bool labelled = false;
  for (const SignatureEntry& entry : entries) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto& algorithm = recipe().algorithms(static_cast<int>(i));
      if (!entry.label.empty() && entry.label != algorithm.label()) continue;
      labelled = true;
      auto bytes = DecodeSignature(location.encoding(), entry.text);
      if (!bytes) continue;
      decoded = true;
      candidates[i].push_back(*std::move(bytes));
    }
  }
  if (!labelled) return Refuse(Reason::kSignatureMissing, "no entry with a label of the recipe");
  if (!decoded) return Refuse(Reason::kSignatureMalformed, "no signature can be decoded");
  bool active = false;
  for (const RingKey& key : keys) {
    if (!key.ActiveAt(now)) continue;
    active = true;
    if (Matches(key, candidates[key.algorithm], message)) {
      return {.refused = {}, .detail = {}, .key_id = key.id, .signed_time = {}};
    }
  }
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  return Refuse(Reason::kSignatureMismatch, "no signature matches a key over these bytes");
}

bool Verifier::State::Matches(const RingKey& key, const std::vector<std::string>& candidates,
                              std::span<const std::string_view> message) const {
  if (candidates.empty()) return false;
  bool matched = false;
  if (const auto* const hmac = std::get_if<HmacKey>(&key.material)) {
    const Digest expected = hmac->Sign(message);
    for (const std::string& candidate : candidates)
      matched |= SecretsEqual(candidate, expected.bytes());
  } else if (const auto* const ed25519 = std::get_if<Ed25519Key>(&key.material)) {
    for (const std::string& candidate : candidates) matched |= ed25519->Verify(message, candidate);
  }
  return matched;
}

Verifier::Verifier(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Verifier::~Verifier() = default;

absl::StatusOr<std::unique_ptr<Verifier>> Verifier::Create(VerifierOptions options) {
  if (absl::Status status = CheckRecipe(options.recipe, !options.public_url.empty());
      !status.ok()) {
    return status;
  }
  // A recipe of kind URL_TOKEN takes its token from the keys, or from the source's url_token.
  if (options.recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_URL_TOKEN &&
      !options.url_token.empty()) {
    options.keys.push_back({.id = "url_token", .secret = std::exchange(options.url_token, {})});
  }
  if (!options.url_token.empty()) {
    if (absl::Status status = CheckSecretText("url_token", options.url_token); !status.ok()) {
      return status;
    }
  }
  auto state = std::make_unique<State>();
  auto keys = MakeKeyRing(options.recipe, options.keys);
  if (!keys.ok()) return keys.status();
  state->keys = *std::move(keys);
  const auto& timestamp = options.recipe.timestamp();
  if (timestamp.has_max_age()) state->max_age = ToDuration(timestamp.max_age());
  if (timestamp.has_max_future()) state->max_future = ToDuration(timestamp.max_future());
  state->options = std::move(options);
  state->options.keys.clear();
  return std::unique_ptr<Verifier>(new Verifier(std::move(state)));
}

std::variant<VerifiedWebhook, Rejection> Verifier::Verify(WebhookRequest request,
                                                          absl::Time now) const {
  Decision decision = state_->Decide(request, now, Trace(nullptr));
  if (decision.refused) {
    return Rejection{.reason = *decision.refused,
                     .detail = std::move(decision.detail),
                     .request = std::move(request)};
  }
  return VerifiedWebhook(std::move(request), std::move(decision.key_id), decision.signed_time);
}

std::vector<ExplainStep> Verifier::Explain(const WebhookRequest& request, absl::Time now) const {
  std::vector<ExplainStep> steps;
  const Decision decision = state_->Decide(request, now, Trace(&steps));
  if (decision.refused) {
    steps.push_back({.ok = false,
                     .what = std::string(ReasonName(*decision.refused)),
                     .detail = decision.detail});
  } else {
    steps.push_back({.ok = true,
                     .what = "verified",
                     .detail = decision.key_id.empty() ? "nothing is checked"
                                                       : StrCat("by key `", decision.key_id, "`")});
  }
  return steps;
}

}  // namespace hookbridge
