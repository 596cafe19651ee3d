#pragma once

#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"

#include "absl/time/time.h"

#include <vector>

namespace hookbridge {

// Adyen's payment webhooks: each item of notificationItems carries its own HMAC-SHA256, base64,
// over eight of its fields with `:` between them; a missing one is empty, nothing is escaped. All
// items must verify with one key. What the fields do not cover is not signed. Source:
// Adyen/adyen-node-api-library, src/utils/hmacValidator.ts, and its captured webhooks.
Decision DecideAdyenItems(const WebhookRequest& request, const std::vector<RingKey>& keys,
                          absl::Time now, const Trace& trace);

}  // namespace hookbridge
