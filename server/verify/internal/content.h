#pragma once

#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <cstdint>
#include <optional>

namespace hookbridge {

// Whether what decides on the recipe's requests is inside their bodies, or is the inflated body as
// a whole, so that a compressed one has to be inflated before anything is known of its sender.
bool DecidesByContent(const config::v1::Recipe& recipe);

// Fills `request.inflated` where the request has a Content-Encoding and a body; once is enough. A
// refusal: kContentEncoding for a coding that is not read or a stream that is none, kBodyTooLarge
// for what passes `bytes_max` or the ratio of content_coding.h.
std::optional<Decision> OpenContent(WebhookRequest& request, uint64_t bytes_max,
                                    const Trace& trace);

// Makes the inflated body the body, as if it had come so: for a request whose bytes have to be
// changed. Nothing where it has none.
void KeepContentAlone(WebhookRequest& request);

}  // namespace hookbridge
