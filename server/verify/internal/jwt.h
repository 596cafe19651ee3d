#pragma once

#include "server/ingress/request.h"
#include "server/verify/fetch_need.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/jws.h"
#include "server/verify/internal/jwt_claims.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/key_set_gate.h"
#include "server/verify/internal/signed_message.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Decides on requests that carry a signed token (Recipe.jwt): finds it, holds its claims and the
// hashes in them against the request, and tries the keys, which are configured or fetched. Made
// once per source. Threads: thread-safe. Never blocks. Source: RFC 7515, RFC 7519.
class JwtCheck {
 public:
  // `keys` are the source's. kInvalidArgument: a value that is not configured, or what KeySetGate
  // refuses. The recipe has passed CheckRecipe.
  static absl::StatusOr<std::unique_ptr<JwtCheck>> Create(const config::v1::Recipe& recipe,
                                                          const std::string& public_url,
                                                          const ConfigValues& values,
                                                          const std::vector<RingKey>& keys);

  // `keys` as above. A request that no key could save needs none fetched.
  Decision Decide(const WebhookRequest& request, const std::vector<RingKey>& keys, absl::Time now,
                  const Trace& trace) const;

  // Takes what came of a need; the next Decide tells.
  void Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now);

 private:
  // A key that may have signed, of whichever source.
  struct Candidate {
    std::string id;
    const HmacKey* hmac = nullptr;
    const PublicKey* public_key = nullptr;
  };

  std::optional<Decision> FindToken(const WebhookRequest& request, std::string_view& token) const;
  std::optional<Decision> ReadDetached(const WebhookRequest& request, Jws& jws) const;
  std::optional<Decision> CheckHashes(const WebhookRequest& request, const ClaimedHashes& hashes,
                                      const Trace& trace) const;
  std::optional<Decision> CheckHash(const std::string& claim, std::string_view of,
                                    const std::optional<std::string>& text,
                                    std::string_view bytes) const;
  std::optional<Decision> Configured(const std::vector<RingKey>& keys, const Jws& jws,
                                     absl::Time now, std::vector<Candidate>& candidates) const;
  static std::optional<Decision> Fetched(const KeySet& keys, const Jws& jws, absl::Time now,
                                         std::vector<Candidate>& candidates);
  static const Candidate* Signer(const std::vector<Candidate>& candidates, const Jws& jws);

  config::v1::Recipe recipe_;
  std::string public_url_;
  bool remembers_signed_ = false;
  JwtClaims claims_;
  MessageRule message_;               // of detached tokens
  std::unique_ptr<KeySetGate> gate_;  // where the keys are fetched
};

}  // namespace hookbridge
