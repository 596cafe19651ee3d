#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/status.h"

namespace hookbridge {

// Whether each handshake can ever be answered, and none takes what it must not. kInvalidArgument,
// naming the field.
absl::Status CheckHandshakes(const config::v1::Recipe& recipe, bool has_public_url);

}  // namespace hookbridge
