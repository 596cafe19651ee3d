#pragma once

#include "server/base/json_pointer.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// The recipe's handshakes that are verified POSTs (the JSON kinds). Immutable.
class Handshakes {
 public:
  // kInvalidArgument, naming the field.
  static absl::StatusOr<Handshakes> Create(const config::v1::Recipe& recipe);

  // The answer, when this authentic request is a handshake. HMAC answers use `key`, which may be
  // null. A text that may not be echoed makes it no handshake.
  std::optional<HandshakeAnswer> Answer(const WebhookRequest& request, const RingKey* key) const;

 private:
  struct Rule {
    config::v1::Handshake handshake;
    JsonPointer match;
    JsonPointer echo;
  };
  std::vector<Rule> rules_;
};

// At most limits::kHandshakeEchoBytesMax characters of [A-Za-z0-9._~-], and not empty.
bool IsEchoable(std::string_view text);

}  // namespace hookbridge
