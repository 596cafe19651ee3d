#pragma once

#include "server/base/json_tape.h"
#include "server/verify/internal/public_key.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A public key by its JSON name.
struct WebKey {
  std::string id;  // its kid; empty: none
  PublicKey key;
  absl::Time not_after;  // `expired_at`, which Plaid gives; else never
};

using KeySet = std::vector<WebKey>;
using KeySetPtr = std::shared_ptr<const KeySet>;

// Reads a JSON Web Key for signatures of `algorithm`. kInvalidArgument says what is wrong: another
// type, curve or size, another `use`, `alg` or `key_ops`, a private or secret key, a `kid` that no
// token could name. Source: RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2. Pure.
absl::StatusOr<WebKey> ReadWebKey(const JsonTape& tape, const JsonNode& key,
                                  config::v1::JwtAlgorithm algorithm);

// The same, of a JSON text.
absl::StatusOr<WebKey> ReadWebKey(std::string_view json, config::v1::JwtAlgorithm algorithm);

// Reads a JSON text in which `pointer` leads to a set (`keys`) or to one key. Keys that are not for
// `algorithm` are passed over. kInvalidArgument: no JSON, nothing there that is a set or a key,
// more than limits::kKeySetKeysMax keys. Pure.
absl::StatusOr<KeySet> ReadKeySet(std::string_view json, std::string_view pointer,
                                  config::v1::JwtAlgorithm algorithm);

}  // namespace hookbridge
