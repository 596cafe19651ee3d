#include "server/convert/internal/split.h"

#include "server/base/limits.h"

#include <utility>

namespace hookbridge {

absl::StatusOr<std::optional<JsonPointer>> SplitPointer(const config::v1::Recipe& recipe,
                                                        const Extractor& extractor) {
  if (!recipe.has_split()) {
    if (!extractor.reads_item()) return std::nullopt;
    return absl::InvalidArgumentError(
        "recipe.event: item_pointer needs recipe.split; use json_pointer");
  }
  const auto format = recipe.body_format();
  if (format != config::v1::BODY_FORMAT_UNSPECIFIED && format != config::v1::BODY_FORMAT_JSON &&
      format != config::v1::BODY_FORMAT_BY_CONTENT_TYPE && recipe.json_field().empty()) {
    return absl::InvalidArgumentError(
        "recipe.split: needs body_format json or by_content_type, or json_field");
  }
  if (!extractor.id_reads_item()) {
    return absl::InvalidArgumentError(
        "recipe.event.id: all elements of a split body would have the same id, and all but the "
        "first would be duplicates; use item_pointer");
  }
  auto pointer = JsonPointer::Parse(recipe.split().array());
  if (!pointer.ok()) return pointer.status();
  return *std::move(pointer);
}

std::vector<std::string_view> SplitItems(const JsonTape& tape, const JsonPointer& array) {
  std::vector<std::string_view> items;
  const JsonNode* const list = array.Find(tape);
  if (list == nullptr || list->type != JsonType::kArray) return items;
  const size_t index = static_cast<size_t>(list - tape.nodes().data());
  for (size_t child = index + 1; child < list->next; child = tape.nodes()[child].next) {
    const JsonNode& node = tape.nodes()[child];
    if (node.type != JsonType::kObject || items.size() == limits::kSplitItemsMax) return {};
    items.push_back(tape.Text(node));
  }
  return items;
}

}  // namespace hookbridge
