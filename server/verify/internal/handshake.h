#pragma once

#include "server/verify/internal/handshake_rule.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// The recipe's handshakes: which request is one, and what it is answered. Of several rules that
// match, the first. Immutable.
class Handshakes {
 public:
  Handshakes() = default;

  // kInvalidArgument, naming the field. The recipe has passed CheckHandshakes.
  static absl::StatusOr<Handshakes> Create(const config::v1::Recipe& recipe,
                                           std::string_view handshake_token,
                                           std::string_view public_url);

  // Whether some rule takes this method before verification.
  bool TakesUnverified(std::string_view method) const;

  // The answer before verification: to GET, HEAD and OPTIONS, and to a POST that is not signed.
  // nullopt: it is no handshake. Of a POST without `whole` only rules are tried that learn no key.
  std::optional<HandshakeAnswer> AnswerUnverified(const HandshakeRequest& request,
                                                  const std::vector<RingKey>& keys,
                                                  absl::Time now) const;

  // The answer to an authentic POST; nullopt: it is an event. `key` has verified it, or is null.
  // A challenge that may not be echoed makes it an event.
  std::optional<HandshakeAnswer> AnswerVerified(const HandshakeRequest& request, const RingKey* key,
                                                const std::vector<RingKey>& keys,
                                                absl::Time now) const;

 private:
  std::vector<HandshakeRule> rules_;
  std::string token_;
};

// At most limits::kHandshakeEchoBytesMax characters of [A-Za-z0-9._~-], and not empty.
bool IsEchoable(std::string_view text);

// As IsEchoable, and all printable ASCII but `<`, `>`, `&`, `"`, `'` and `\`: nothing that ends a
// line, a JSON text or an attribute, so that it is written to headers and bodies as it is.
bool IsEchoableText(std::string_view text);

}  // namespace hookbridge
