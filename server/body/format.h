#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include <string>
#include <string_view>

namespace hookbridge {

// The format of a body with this Content-Type (empty: none): the recipe's, or the one that the type
// stands for where the recipe says BY_CONTENT_TYPE. Never UNSPECIFIED nor BY_CONTENT_TYPE.
config::v1::BodyFormat FormatOf(const config::v1::Recipe& recipe, std::string_view content_type);

// The type in lower case, without parameters: `text/xml` of `Text/XML; charset=utf-8`.
std::string MediaType(std::string_view content_type);

}  // namespace hookbridge
