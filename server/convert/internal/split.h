#pragma once

#include "server/base/json_pointer.h"
#include "server/base/json_tape.h"
#include "server/convert/internal/extract.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <optional>
#include <string_view>
#include <vector>

// Recipe.split: one event for each element of a list. Pure.
namespace hookbridge {

// Where the list is; nullopt for a recipe without split. kInvalidArgument, naming the field, for a
// body that is not JSON, an item_pointer without split, and an id that would be every element's.
absl::StatusOr<std::optional<JsonPointer>> SplitPointer(const config::v1::Recipe& recipe,
                                                        const Extractor& extractor);

// The text of each element, in order; none when the body is to stay one event. Views the text that
// was parsed.
std::vector<std::string_view> SplitItems(const JsonTape& tape, const JsonPointer& array);

}  // namespace hookbridge
