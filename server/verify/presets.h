#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <string_view>
#include <vector>

// Recipes that ship with the bridge, embedded from server/verify/presets/*.yaml.
namespace hookbridge {

struct Preset {
  std::string_view name;
  std::string_view yaml;  // as shipped, with comments
};

// All presets by name.
const std::vector<Preset>& Presets();

// The preset's recipe. kNotFound names the presets that exist.
absl::StatusOr<config::v1::Recipe> LoadPreset(std::string_view name);

// `changes` on top of `base`: a set field replaces the base's; lists replace as a whole. What the
// base has and nothing reads with the changes is left out.
config::v1::Recipe MergeRecipe(const config::v1::Recipe& base, const config::v1::Recipe& changes);

}  // namespace hookbridge
