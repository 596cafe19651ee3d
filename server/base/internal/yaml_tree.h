#pragma once

#include "server/base/config_problem.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::internal {

inline constexpr size_t kYamlBytesMax = 4 << 20;
inline constexpr size_t kYamlNodesMax = 100'000;
inline constexpr size_t kYamlDepthMax = 32;

// One value of a YAML document.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  int line = 0;
  bool quoted = false;
  std::string text;                // kScalar
  std::vector<YamlNode> keys;      // kMap: scalars, one for each child
  std::vector<YamlNode> children;  // kSequence, kMap
};

// Parses one document into `root`; an empty input is a null. Returns the problem that stopped it:
// syntax, not UTF-8, an alias, anchor or tag, a second document, or a limit above. Parsing stops
// at the limit, so that a hostile file costs no more. Never throws.
std::optional<ConfigProblem> ParseYaml(std::string_view yaml, YamlNode& root);

}  // namespace hookbridge::internal
