#pragma once

#include "server/verify/verified_webhook.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <span>
#include <string_view>

namespace hookbridge {

// Whether only the signed bytes themselves tell a replay: the recipe signs, checks no time, and
// takes the event id from where the signature does not reach, so that a captured request can be
// sent again under a new id.
bool RemembersSigned(const config::v1::Recipe& recipe);

// SHA-256 of the parts, one after the other.
SignedHash HashSigned(std::span<const std::string_view> parts);

}  // namespace hookbridge
