#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include <string>
#include <string_view>

namespace hookbridge {

// The format of a body with this Content-Type (empty: none): the recipe's, or the one that the type
// stands for where the recipe says BY_CONTENT_TYPE. The body of an event by GET is its query, so it
// is FORM. Never UNSPECIFIED nor BY_CONTENT_TYPE.
config::v1::BodyFormat FormatOf(const config::v1::Recipe& recipe, std::string_view method,
                                std::string_view content_type);

// Whether bodies of the recipe may have fields (a query of an event by GET has), be XML, and hold a
// JSON document, as a whole or in Recipe.json_field.
bool MayHaveFields(const config::v1::Recipe& recipe);
bool MayBeXml(const config::v1::Recipe& recipe);
bool MayHoldJson(const config::v1::Recipe& recipe);

// The type in lower case, without parameters: `text/xml` of `Text/XML; charset=utf-8`.
std::string MediaType(std::string_view content_type);

}  // namespace hookbridge
