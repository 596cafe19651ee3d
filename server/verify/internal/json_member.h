#pragma once

#include "server/base/json_tape.h"

#include <optional>
#include <string_view>

namespace hookbridge {

// The value under `name` in an object of the tape; nullptr when it has none, or is no object.
inline const JsonNode* FindMember(const JsonTape& tape, const JsonNode& object,
                                  std::string_view name) {
  if (object.type != JsonType::kObject) return nullptr;
  const auto& nodes = tape.nodes();
  const auto first = static_cast<size_t>(&object - nodes.data()) + 1;
  for (size_t key = first; key < object.next; key = nodes[key + 1].next) {
    if (tape.Text(nodes[key]) == name) return &nodes[key + 1];
  }
  return nullptr;
}

// The same, when it is a string.
inline std::optional<std::string_view> FindText(const JsonTape& tape, const JsonNode& object,
                                                std::string_view name) {
  const JsonNode* const node = FindMember(tape, object, name);
  if (node == nullptr || node->type != JsonType::kString) return std::nullopt;
  return tape.Text(*node);
}

}  // namespace hookbridge
