#pragma once

#include "server/ingress/request.h"
#include "server/verify/fetch_need.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/key_ring.h"

#include "absl/time/time.h"

#include <vector>

namespace hookbridge {

// Mollie's classic webhooks: an unsigned form `id=tr_…`. Nothing in it is believed: the payment of
// that id is fetched from Mollie with the first key that is valid now, and what Mollie answers is
// the event. Refused with the need for it; malformed ids are refused for good. Source:
// docs.mollie.com, webhooks; docs.mollie.com/reference/get-payment.
Decision DecideMollieClassic(const WebhookRequest& request, const std::vector<RingKey>& keys,
                             absl::Time now, const Trace& trace);

// The decision with Mollie's answer: good when it is the payment that was asked for.
Decision JudgeMollieAnswer(const WebhookRequest& request, const std::vector<RingKey>& keys,
                           const FetchAnswer& answer, absl::Time now);

// The request with `body`, JSON, in place of its own; its other header lines stay.
WebhookRequest WithJsonBody(const WebhookRequest& request, std::string body);

}  // namespace hookbridge
