#pragma once

#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"
#include "server/verify/internal/recipe_check.h"

#include "absl/time/time.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

inline constexpr std::string_view kTwilioHeader = "X-Twilio-Signature";

// The first of the recipe's signature headers that is there; without any, Twilio's own.
FoundHeader FindTwilioSignature(const config::v1::Recipe& recipe, const WebhookRequest& request);

// Twilio's signature, `found`: base64 HMAC-SHA1 over the URL, then the form's parameters by name,
// name and value without separators, repeated values sorted and once. With bodySHA256 in the query
// the parameters are left out and the body's SHA-256 must be that. Twilio's own libraries try the
// URL with and without its port and with `'` percent-encoded; so does this. Source:
// twilio/twilio-node, src/webhooks/webhooks.ts and spec/validation.spec.js.
Decision DecideTwilio(const FoundHeader& found, const WebhookRequest& request,
                      const std::string& public_url, const std::vector<RingKey>& keys,
                      absl::Time now, const Trace& trace);

// The URLs that may have been signed for this one: as given, without a port, with the scheme's own
// port, each also with `'` in the query as %27. For the tests.
std::vector<std::string> TwilioUrls(const std::string& url);

}  // namespace hookbridge
