#pragma once

#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/hmac_key.h"
#include "server/verify/internal/key_ring.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

// A Braintree key, `public|private`: its public name, and HMAC-SHA1 with the SHA-1 of the private
// one. kInvalidArgument continues "the secret ".
absl::StatusOr<std::pair<std::string, HmacKey>> MakeBraintreeKey(std::string_view secret);

// Braintree: a form of bt_signature, pairs `public key|hexadecimal HMAC` with `&` between them, and
// bt_payload, base64 of an XML document. The pair of a configured public key counts. Senders may
// lose the payload's last line feed, so it is tried with one too. Source:
// braintree/braintree_python, braintree/webhook_notification_gateway.py, braintree/util/crypto.py.
Decision DecideBraintree(const WebhookRequest& request, const std::vector<RingKey>& keys,
                         absl::Time now, const Trace& trace);

}  // namespace hookbridge
