#pragma once

#include "server/verify/internal/hmac_key.h"
#include "server/verify/internal/public_key.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hookbridge {

// A key ready for use.
struct RingKey {
  std::string id;
  absl::Time not_before;
  absl::Time not_after;
  size_t algorithm = 0;  // index in Recipe.algorithms
  // HMAC, a public key, or the secret itself (tokens, DIGEST).
  std::variant<HmacKey, PublicKey, std::string> material;
  // What a request calls it by: of BRAINTREE the public key's name, of a JSON Web Key its kid.
  std::string public_name = {};

  bool ActiveAt(absl::Time now) const { return not_before <= now && now < not_after; }
};

// Makes keys of configured secrets. kInvalidArgument names the key, never the secret: empty, blank
// at an end, not decodable, wrong size, more than limits::kKeysMax, none where one is needed.
absl::StatusOr<std::vector<RingKey>> MakeKeyRing(const config::v1::Recipe& recipe,
                                                 const std::vector<KeyMaterial>& keys);

// kInvalidArgument for a secret that is empty or begins or ends with a blank.
absl::Status CheckSecretText(std::string_view what, std::string_view secret);

}  // namespace hookbridge
