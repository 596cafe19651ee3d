#pragma once

#include <string_view>
#include <vector>

namespace hookbridge::internal {

// The candidate with the fewest edits from `word` (case apart), or empty when all are far from it.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace hookbridge::internal
