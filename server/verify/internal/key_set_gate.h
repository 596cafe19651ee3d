#pragma once

#include "server/verify/fetch_need.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/key_set_cache.h"
#include "server/verify/internal/signed_message.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <string>
#include <vector>

namespace hookbridge {

// The public keys of one source's provider (Recipe.jwt.key_set): those at hand, what to ask for
// others, and what an answer is worth. Threads: thread-safe. Never blocks.
class KeySetGate {
 public:
  // kInvalidArgument: a URL that is none once its values are in (base/https_url.h), a host that the
  // token would choose, a body that is not JSON or has more than limits::kFetchBodyBytesMax bytes,
  // a value that is not configured. The recipe has passed CheckRecipe.
  static absl::StatusOr<std::unique_ptr<KeySetGate>> Create(const config::v1::JwtRule& rule,
                                                            const ConfigValues& values,
                                                            const std::vector<RingKey>& secrets);

  // The keys that a token with this key id (empty: none) may be signed by; else null, and
  // `otherwise` is the decision: a refusal, or the need to ask. `secrets` are the source's keys, of
  // which the first that is valid is `{secret}`.
  KeySetPtr Find(const std::string& key_id, const std::vector<RingKey>& secrets, absl::Time now,
                 Decision& otherwise) const;

  // Takes what came of a need; the next Find tells.
  void Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now);

 private:
  struct Question {
    std::string url;
    std::string body;
  };
  Question Ask(const std::string& key_id, const std::string& secret) const;

  config::v1::KeySet rule_;
  config::v1::JwtAlgorithm algorithm_ = config::v1::JWT_ALGORITHM_UNSPECIFIED;
  ConfigValues values_;
  std::string host_;
  bool names_key_ = false;   // the question has the key id in it
  bool has_secret_ = false;  // and the secret
  mutable KeySetCache cache_;
};

}  // namespace hookbridge
