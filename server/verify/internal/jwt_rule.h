#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/status.h"

namespace hookbridge {

// Whether a recipe of kind JWT can work, and is safe: kInvalidArgument naming the first field that
// is not, and the fix. Pure.
absl::Status CheckJwtRule(const config::v1::Recipe& recipe, bool has_public_url);

}  // namespace hookbridge
