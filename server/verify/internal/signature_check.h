#pragma once

#include "server/base/json_pointer.h"
#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/signature_places.h"
#include "server/verify/internal/signed_message.h"
#include "server/verify/internal/time_window.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Decides on requests of recipes that sign (HMAC, DIGEST, Ed25519, ECDSA, RSA): collects
// signatures, and for each group of them checks the time, builds the signed bytes, tries the keys.
// The first group that holds decides. Made once per source;
// immutable.
class SignatureCheck {
 public:
  // kInvalidArgument for a JSON Pointer that is none. The recipe has passed CheckRecipe.
  static absl::StatusOr<SignatureCheck> Create(const config::v1::Recipe& recipe,
                                               std::string public_url, ConfigValues values);

  Decision Decide(const WebhookRequest& request, const std::vector<RingKey>& keys, absl::Time now,
                  const Trace& trace) const;

 private:
  std::optional<Decision> CheckRequired(const WebhookRequest& request) const;
  Decision DecideGroup(RequestReader& reader, const SignatureGroup& group,
                       const std::vector<RingKey>& keys, absl::Time now, const Trace& trace) const;
  std::optional<Decision> FindTime(RequestReader& reader, const SignatureGroup& group,
                                   std::string_view& text) const;
  Decision Match(const WebhookRequest& request, const std::vector<SignatureEntry>& entries,
                 SignedMessage& message, const std::vector<RingKey>& keys, absl::Time now) const;
  // The candidate that is this key's signature; nullptr when none is.
  const std::string* Matching(const RingKey& key, const std::vector<std::string>& candidates,
                              SignedMessage& message) const;
  Digest Expected(const RingKey& key, SignedMessage& message) const;

  config::v1::Recipe recipe_;
  bool remembers_signed_ = false;
  TimeWindow window_;
  SignaturePlaces places_;
  MessageRule message_;
  std::optional<JsonPointer> time_pointer_;
};

}  // namespace hookbridge
