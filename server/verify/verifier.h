#pragma once

#include "server/base/limits.h"
#include "server/base/reason.h"
#include "server/verify/fetch_need.h"
#include "server/verify/verified_webhook.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hookbridge {

// A key as the verifier takes it: the secret is resolved (env, file) and still in its configured
// text form.
struct KeyMaterial {
  std::string id;
  std::string secret;
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
};

// All that decides on one source's requests.
struct VerifierOptions {
  config::v1::Recipe recipe;  // complete: preset and changes merged
  std::vector<KeyMaterial> keys;
  std::string url_token;             // beside the recipe; empty is none
  std::string handshake_token = {};  // what a handshake must show; empty is none
  bool learns_key = false;           // there may be no key yet
  std::string public_url;
  std::map<std::string, std::string, std::less<>> values = {};  // Source.values
  std::vector<std::string> topic_arns = {};                     // AWS SNS
  bool confirm_subscriptions = false;                           // AWS SNS
  uint64_t body_bytes_max = limits::kBodyBytesMaxHard;          // of a body that is inflated
  // PEM; in place of the system's certificate authorities, for tests and hookctl. Empty is none.
  std::string authorities_pem = {};
};

// Why a request is not authentic. `detail` is for the operator; it never holds a secret, an
// expected signature or body text.
struct Rejection {
  Reason reason = Reason::kInternal;
  std::string detail;
  // The request comes back so that its caller can log and answer.
  WebhookRequest request;
};

// One step of an explanation.
struct ExplainStep {
  bool ok = false;
  std::string what;    // for example `timestamp`
  std::string detail;  // for example `1614265330 is 301 s old, 300 s allowed`
};

// What may be a handshake; views are valid during the call.
struct HandshakeRequest {
  std::string_view method;
  std::string_view token;  // of the URL
  std::string_view query;
  std::span<const HeaderLine> headers = {};
  const WebhookRequest* whole = nullptr;  // null: the head alone is known
};

HandshakeRequest HandshakeOf(const WebhookRequest& request);

// What a handshake is answered.
struct HandshakeAnswer {
  int status = 200;
  std::string content_type;  // empty: none
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<Reason> refused = {};  // set: this status, and a body that tells nothing
  std::string detail = {};             // of a refusal, for the operator
  // Set: a key of the source. Only when somebody waits for it and it is kept is this answered.
  std::string learned_secret = {};
};

// What came of a request. NeedsFetch: ask for it and come back with VerifyFetched.
using Verdict = std::variant<VerifiedWebhook, Rejection, NeedsFetch>;

// Decides whether requests of one source are authentic, by its recipe (providers' schemes as data).
// Made once per source and configuration; pure: no socket, no clock of its own. Threads:
// thread-safe, immutable but for the certificates that it was brought. Never blocks. Comparisons of
// secrets and signatures take constant time.
class Verifier {
 public:
  // kInvalidArgument, naming the recipe's field, for a recipe that cannot work or a secret that
  // cannot be decoded, is empty, or begins or ends with a blank.
  static absl::StatusOr<std::unique_ptr<Verifier>> Create(VerifierOptions options);
  ~Verifier();

  // Consumes the request; `now` decides on timestamps and key validity. A verified request has its
  // body inflated; one that is refused or waits for something has not.
  Verdict Verify(WebhookRequest request, absl::Time now) const;

  // Whether Verify or Confirmation may ever need something fetched.
  bool MayFetch() const;

  // Verifies again with what came of the need; never NeedsFetch. Of a resource that was fetched,
  // the verified request has the answer as its body.
  Verdict VerifyFetched(NeedsFetch needed, const FetchAnswer& answer, absl::Time now) const;

  // What to ask before the authentic request is answered, when it asks to confirm a subscription
  // and the source does that by itself: a 2xx there makes it a handshake that is done.
  std::optional<FetchNeed> Confirmation(const VerifiedWebhook& webhook) const;

  // The answer, when the authentic request is a handshake of the recipe and no event.
  std::optional<HandshakeAnswer> AnswerHandshake(const VerifiedWebhook& webhook,
                                                 absl::Time now) const;

  // The answer to what no signature covers: GET, HEAD, OPTIONS, and a POST that the recipe calls
  // unsigned. nullopt: it is no handshake. A URL token is asked for as of a webhook; where it is
  // wrong a POST is left to Verify, and another method is refused.
  std::optional<HandshakeAnswer> AnswerUnverified(const HandshakeRequest& request,
                                                  absl::Time now) const;

  // The same decision, step by step, for `hookctl verify`.
  std::vector<ExplainStep> Explain(const WebhookRequest& request, absl::Time now) const;

 private:
  struct State;
  explicit Verifier(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace hookbridge
