#include "server/verify/verifier.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/internal/adyen_items.h"
#include "server/verify/internal/braintree.h"
#include "server/verify/internal/certificate_signature.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/content.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/handshake.h"
#include "server/verify/internal/jwt.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/mollie_classic.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/replay.h"
#include "server/verify/internal/signature_check.h"
#include "server/verify/internal/sns.h"
#include "server/verify/internal/token_place.h"
#include "server/verify/internal/twilio.h"
#include "server/verify/recipe_use.h"

#include <optional>
#include <utility>

namespace hookbridge {
namespace {

absl::Status CheckHandshakeToken(const VerifierOptions& options) {
  for (const config::v1::Handshake& handshake : options.recipe.handshakes()) {
    if (!AsksForHandshakeToken(handshake)) continue;
    if (IsEchoable(options.handshake_token)) continue;
    return absl::InvalidArgumentError(
        options.handshake_token.empty()
            ? "handshake_token: is missing; write the verify token that the provider was given"
            : "handshake_token: may hold A-Z, a-z, 0-9 and ._~- alone");
  }
  return absl::OkStatus();
}

absl::Status CheckKindsOfOptions(const VerifierOptions& options) {
  const auto kind = options.recipe.algorithms(0).kind();
  if (kind != config::v1::ALGORITHM_KIND_AWS_SNS &&
      (!options.topic_arns.empty() || options.confirm_subscriptions)) {
    return absl::InvalidArgumentError("topic_arns: this and confirm_subscriptions are for AWS SNS");
  }
  for (const config::v1::Handshake& handshake : options.recipe.handshakes()) {
    if (handshake.kind() != config::v1::HANDSHAKE_KIND_GET_HMAC ||
        kind == config::v1::ALGORITHM_KIND_BRAINTREE) {
      continue;
    }
    return absl::InvalidArgumentError("recipe.handshakes: get_hmac is for kind braintree");
  }
  return absl::OkStatus();
}

}  // namespace

struct Verifier::State {
  VerifierOptions options;
  std::vector<RingKey> keys;
  std::optional<SignatureCheck> signature;  // of recipes that sign
  std::optional<TokenPlace> token_place;    // of kind STATIC_TOKEN
  Handshakes handshakes;
  // Where the key is in a certificate; one of them.
  std::unique_ptr<CertificateSignature> certificate_signature;
  std::unique_ptr<SnsCheck> sns;
  std::unique_ptr<JwtCheck> jwt;  // of kind JWT

  bool decides_by_content = false;

  const config::v1::Recipe& recipe() const { return options.recipe; }

  // Decides, and inflates a compressed body: before, where the decision needs it, else only that of
  // a request which is authentic.
  Decision DecideAndOpen(WebhookRequest& request, absl::Time now, const Trace& trace) const;
  Decision Decide(const WebhookRequest& request, absl::Time now, const Trace& trace) const;
  std::optional<Decision> CheckUrlToken(std::string_view token, const Trace& trace) const;
  // As CheckUrlToken, of every kind of recipe.
  std::optional<Decision> RefuseByUrlToken(std::string_view token, absl::Time now) const;
  Decision DecideBySortedForm(const WebhookRequest& request, absl::Time now,
                              const Trace& trace) const;
  Decision DecideByToken(std::string_view where, std::string_view token, absl::Time now) const;
  Decision DecideByPlacedToken(const WebhookRequest& request, absl::Time now) const;
  Decision DecideByBasic(const WebhookRequest& request, absl::Time now) const;
};

Decision Verifier::State::DecideAndOpen(WebhookRequest& request, absl::Time now,
                                        const Trace& trace) const {
  if (recipe().events_by_get() && request.method == "GET") request.body = request.query;
  if (decides_by_content) {
    if (auto refused = OpenContent(request, options.body_bytes_max, trace)) {
      return *std::move(refused);
    }
  }
  Decision decision = Decide(request, now, trace);
  if (!decision.refused) {
    auto refused = OpenContent(request, options.body_bytes_max, trace);
    return refused ? *std::move(refused) : decision;
  }
  request.inflated.reset();
  return decision;
}

Decision Verifier::State::Decide(const WebhookRequest& request, absl::Time now,
                                 const Trace& trace) const {
  if (auto refused = CheckUrlToken(request.token, trace)) return *std::move(refused);
  switch (recipe().algorithms(0).kind()) {
    case config::v1::ALGORITHM_KIND_NONE:
      return {};
    case config::v1::ALGORITHM_KIND_URL_TOKEN:
      return DecideByToken("URL token", request.token, now);
    case config::v1::ALGORITHM_KIND_STATIC_TOKEN:
      return DecideByPlacedToken(request, now);
    case config::v1::ALGORITHM_KIND_BASIC:
      return DecideByBasic(request, now);
    case config::v1::ALGORITHM_KIND_TWILIO:
      return DecideBySortedForm(request, now, trace);
    case config::v1::ALGORITHM_KIND_ADYEN_PAYMENTS:
      return DecideAdyenItems(request, keys, now, trace);
    case config::v1::ALGORITHM_KIND_AWS_SNS:
      return sns->Decide(request, now, trace);
    case config::v1::ALGORITHM_KIND_BRAINTREE:
      return DecideBraintree(request, keys, now, trace);
    case config::v1::ALGORITHM_KIND_JWT:
      return jwt->Decide(request, keys, now, trace);
    case config::v1::ALGORITHM_KIND_MOLLIE_CLASSIC:
      return DecideMollieClassic(request, keys, now, trace);
    default:
      if (certificate_signature != nullptr) {
        return certificate_signature->Decide(*signature, request, now, trace);
      }
      return signature->Decide(request, keys, now, trace);
  }
}

// Form fields may come in any order under one signature, so the signature stands for them.
Decision Verifier::State::DecideBySortedForm(const WebhookRequest& request, absl::Time now,
                                             const Trace& trace) const {
  const FoundHeader found = FindTwilioSignature(recipe(), request);
  Decision decision = DecideTwilio(found, request, options.public_url, keys, now, trace);
  if (decision.refused || !RemembersSigned(recipe())) return decision;
  const std::string_view text = found.line->value;
  decision.signed_hash = HashSigned({&text, 1});
  return decision;
}

std::optional<Decision> Verifier::State::CheckUrlToken(std::string_view token,
                                                       const Trace& trace) const {
  if (recipe().algorithms(0).kind() == config::v1::ALGORITHM_KIND_URL_TOKEN) return std::nullopt;
  if (options.url_token.empty()) {
    if (token.empty()) return std::nullopt;
    return Refuse(Reason::kCredentialMismatch, "the URL carries a token and the source has none");
  }
  if (token.empty()) return Refuse(Reason::kCredentialMissing, "the URL carries no token");
  if (!SecretsEqual(token, options.url_token)) {
    return Refuse(Reason::kCredentialMismatch, "the URL token does not match");
  }
  trace.Ok("url token", "matches");
  return std::nullopt;
}

std::optional<Decision> Verifier::State::RefuseByUrlToken(std::string_view token,
                                                          absl::Time now) const {
  if (recipe().algorithms(0).kind() != config::v1::ALGORITHM_KIND_URL_TOKEN) {
    return CheckUrlToken(token, Trace(nullptr));
  }
  Decision decision = DecideByToken("URL token", token, now);
  if (!decision.refused) return std::nullopt;
  return decision;
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

// Of several tokens, one in each item, all match.
Decision Verifier::State::DecideByPlacedToken(const WebhookRequest& request, absl::Time now) const {
  std::vector<std::string> tokens;
  if (auto refused = token_place->Find(request, tokens)) return *std::move(refused);
  Decision decision;
  for (const std::string& token : tokens) {
    decision = DecideByToken(token_place->name(), token, now);
    if (decision.refused) break;
  }
  return decision;
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
  if (!options.learns_key || !options.keys.empty()) {
    auto keys = MakeKeyRing(options.recipe, options.keys);
    if (!keys.ok()) return keys.status();
    state->keys = *std::move(keys);
  }
  if (Signs(options.recipe.algorithms(0).kind())) {
    auto signature = SignatureCheck::Create(options.recipe, options.public_url, options.values);
    if (!signature.ok()) return signature.status();
    state->signature = *std::move(signature);
  }
  if (options.recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_STATIC_TOKEN) {
    auto place = TokenPlace::Create(options.recipe);
    if (!place.ok()) return place.status();
    state->token_place = *std::move(place);
  }
  if (options.recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_AWS_SNS) {
    auto sns = SnsCheck::Create(options.recipe, options.topic_arns, options.authorities_pem);
    if (!sns.ok()) return sns.status();
    state->sns = *std::move(sns);
  } else if (options.recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT) {
    auto jwt = JwtCheck::Create(options.recipe, options.public_url, options.values, state->keys);
    if (!jwt.ok()) return jwt.status();
    state->jwt = *std::move(jwt);
  } else if (KeysAreFetched(options.recipe)) {
    auto made = CertificateSignature::Create(options.recipe, options.authorities_pem);
    if (!made.ok()) return made.status();
    state->certificate_signature = *std::move(made);
  }
  auto handshakes = Handshakes::Create(options.recipe, options.handshake_token, options.public_url);
  if (!handshakes.ok()) return handshakes.status();
  state->handshakes = *std::move(handshakes);
  if (absl::Status status = CheckHandshakeToken(options); !status.ok()) return status;
  if (absl::Status status = CheckKindsOfOptions(options); !status.ok()) return status;
  state->decides_by_content = DecidesByContent(options.recipe);
  state->options = std::move(options);
  state->options.keys.clear();
  return std::unique_ptr<Verifier>(new Verifier(std::move(state)));
}

Verdict Verifier::Verify(WebhookRequest request, absl::Time now) const {
  Decision decision = state_->DecideAndOpen(request, now, Trace(nullptr));
  if (decision.refused) {
    if (decision.need) {
      return NeedsFetch{.need = *std::move(decision.need), .request = std::move(request)};
    }
    return Rejection{.reason = *decision.refused,
                     .detail = std::move(decision.detail),
                     .request = std::move(request)};
  }
  if (state_->token_place) state_->token_place->Erase(request);
  return VerifiedWebhook(std::move(request), std::move(decision.key_id), decision.signed_time,
                         decision.signed_hash);
}

bool Verifier::MayFetch() const {
  const auto kind = state_->recipe().algorithms(0).kind();
  return KeysAreFetched(state_->recipe()) || kind == config::v1::ALGORITHM_KIND_MOLLIE_CLASSIC;
}

Verdict Verifier::VerifyFetched(NeedsFetch needed, const FetchAnswer& answer,
                                absl::Time now) const {
  WebhookRequest& request = needed.request;
  Decision decision;
  if (needed.need.purpose == FetchPurpose::kResource) {
    if (auto refused = OpenContent(request, state_->options.body_bytes_max, Trace(nullptr))) {
      return Rejection{.reason = *refused->refused,
                       .detail = std::move(refused->detail),
                       .request = std::move(request)};
    }
    decision = JudgeMollieAnswer(request, state_->keys, answer, now);
    if (!decision.refused) request = WithJsonBody(request, answer.body);
  } else {
    if (state_->sns != nullptr) state_->sns->certificates().Take(needed.need, answer, now);
    if (state_->certificate_signature != nullptr) {
      state_->certificate_signature->certificates().Take(needed.need, answer, now);
    }
    if (state_->jwt != nullptr) state_->jwt->Take(needed.need, answer, now);
    decision = state_->DecideAndOpen(request, now, Trace(nullptr));
  }
  if (decision.refused) {
    return Rejection{.reason = *decision.refused,
                     .detail = std::move(decision.detail),
                     .request = std::move(request)};
  }
  return VerifiedWebhook(std::move(request), std::move(decision.key_id), decision.signed_time,
                         decision.signed_hash);
}

std::optional<FetchNeed> Verifier::Confirmation(const VerifiedWebhook& webhook) const {
  if (state_->sns == nullptr || !state_->options.confirm_subscriptions) return std::nullopt;
  return state_->sns->Confirmation(webhook.request());
}

std::optional<HandshakeAnswer> Verifier::AnswerHandshake(const VerifiedWebhook& webhook,
                                                         absl::Time now) const {
  const RingKey* matched = nullptr;
  for (const RingKey& key : state_->keys) {
    if (key.id == webhook.key_id()) matched = &key;
  }
  return state_->handshakes.AnswerVerified(HandshakeOf(webhook.request()), matched, state_->keys,
                                           now);
}

std::optional<HandshakeAnswer> Verifier::AnswerUnverified(const HandshakeRequest& request,
                                                          absl::Time now) const {
  const bool taken = state_->handshakes.TakesUnverified(request.method);
  const bool post = request.method == "POST";
  // A URL that carries a token is never answered but by it, so that none tells that it exists.
  if (!taken && (post || request.token.empty())) return std::nullopt;
  const auto refused = state_->RefuseByUrlToken(request.token, now);
  if (!refused) return state_->handshakes.AnswerUnverified(request, state_->keys, now);
  if (post) return std::nullopt;
  const auto status = static_cast<int>(state_->recipe().responses().bad_signature());
  return HandshakeAnswer{.status = status == 0 ? 401 : status,
                         .content_type = {},
                         .body = {},
                         .refused = refused->refused,
                         .detail = refused->detail};
}

HandshakeRequest HandshakeOf(const WebhookRequest& request) {
  return {.method = request.method,
          .token = request.token,
          .query = request.query,
          .headers = request.headers,
          .whole = &request};
}

std::vector<ExplainStep> Verifier::Explain(const WebhookRequest& request, absl::Time now) const {
  std::vector<ExplainStep> steps;
  WebhookRequest copy = request;  // with header views into `request`
  const Decision decision = state_->DecideAndOpen(copy, now, Trace(&steps));
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
