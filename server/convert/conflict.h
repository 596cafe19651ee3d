#pragma once

#include "server/base/event.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace hookbridge {

// An event whose provider event id is taken by another body, as an event of its own.
struct Unconflicted {
  std::array<uint8_t, 32> dedup_hash{};  // of its new dedup_key
  std::string envelope;                  // with that key and the attribute `conflicts_with`
};

// Gives the event a dedup_key of its own: the one it had, `#sha256:` and the SHA-256 of its body or
// item, so that a retry of the same bytes has the same one. `first_id` is the text of the id of the
// event that has the key. Pure; costs one pass over the body.
Unconflicted Unconflict(const EventRuns& runs, std::string_view first_id);

}  // namespace hookbridge
