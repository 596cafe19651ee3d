#pragma once

#include "server/base/json_pointer.h"
#include "server/ingress/request.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/signature_syntax.h"
#include "server/verify/internal/time_window.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Source.values.
using ConfigValues = std::map<std::string, std::string, std::less<>>;

// Decides on requests of recipes that sign (HMAC, DIGEST, Ed25519, ECDSA, RSA): collects
// signatures, checks the time, builds the signed bytes, tries the keys. Made once per source;
// immutable.
class SignatureCheck {
 public:
  // kInvalidArgument for a JSON Pointer that is none. The recipe has passed CheckRecipe.
  static absl::StatusOr<SignatureCheck> Create(const config::v1::Recipe& recipe,
                                               std::string public_url, ConfigValues values);

  Decision Decide(const WebhookRequest& request, const std::vector<RingKey>& keys, absl::Time now,
                  const Trace& trace) const;

 private:
  // The signed bytes; views into the request, the recipe and what is here.
  struct Message {
    std::vector<std::string_view> parts;
    std::string url;
    std::string url_decoded;
    std::string body_crc32;
    std::vector<size_t> secrets;  // parts that each key fills in
  };
  using Entries = std::vector<SignatureEntry>;

  std::optional<Decision> Collect(const WebhookRequest& request, BodyValues& values,
                                  Entries& entries) const;
  std::optional<Decision> CheckRequired(const WebhookRequest& request) const;
  std::optional<Decision> Parse(std::string_view where, std::string_view value,
                                Entries& entries) const;
  std::optional<Decision> FindTime(const WebhookRequest& request, BodyValues& values,
                                   const Entries& entries, std::string_view& text) const;
  std::optional<Decision> Build(const WebhookRequest& request, BodyValues& values,
                                std::string_view timestamp, Message& message) const;
  Decision Match(const WebhookRequest& request, const Entries& entries, Message& message,
                 const std::vector<RingKey>& keys, absl::Time now) const;
  // The candidate that is this key's signature; nullptr when none is.
  const std::string* Matching(const RingKey& key, const std::vector<std::string>& candidates,
                              Message& message) const;
  Digest Expected(const RingKey& key, Message& message) const;

  config::v1::Recipe recipe_;
  std::string public_url_;
  bool remembers_signed_ = false;
  ConfigValues values_;
  TimeWindow window_;
  std::optional<JsonPointer> signature_pointer_;
  std::optional<JsonPointer> time_pointer_;
  std::vector<JsonPointer> part_pointers_;  // in the order of the message's json_pointer parts
};

}  // namespace hookbridge
