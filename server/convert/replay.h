#pragma once

#include "server/verify/verified_webhook.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hookbridge {

// What the journal remembers of the signed bytes of a request, for the event at `index` of it: a
// hash that no dedup key of an event has.
std::array<uint8_t, 32> ReplayHash(std::string_view source, const SignedHash& signed_hash,
                                   size_t index);

// The attribute `replay_suspected` as bytes to add to an envelope run.
std::string ReplaySuspectedRun();

}  // namespace hookbridge
