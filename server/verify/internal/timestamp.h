#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/time/time.h"

#include <optional>
#include <string_view>

namespace hookbridge {

// Reads a timestamp as strictly as the recipe says: ^[0-9]{1,13}$ of seconds or milliseconds, or
// RFC 3339. nullopt for anything else. Pure.
std::optional<absl::Time> ParseTimestamp(config::v1::TimestampUnit unit, std::string_view text);

}  // namespace hookbridge
