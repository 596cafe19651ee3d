#include "server/verify/internal/body_values.h"

#include "server/base/limits.h"

namespace hookbridge {
namespace {

// One a thread, so that its memory stays.
JsonTape& ThreadTape() {
  static thread_local JsonTape tape;
  return tape;
}

}  // namespace

const JsonTape* BodyValues::Tape() {
  if (!read_) {
    read_ = true;
    JsonTape& tape = ThreadTape();
    const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                            .elements_max = limits::kJsonElementsMax};
    if (tape.Parse(fields_ == nullptr ? request_.content() : fields_->JsonText(), limits).ok())
      tape_ = &tape;
  }
  return tape_;
}

size_t BodyValues::CountElements(std::string_view pointer) {
  const auto made = JsonPointer::Parse(pointer);
  const JsonNode* const array = made.ok() && Tape() != nullptr ? made->Find(*tape_) : nullptr;
  if (array == nullptr || array->type != JsonType::kArray) return 0;
  size_t count = 0;
  const auto& nodes = tape_->nodes();
  const auto first = static_cast<size_t>(array - nodes.data()) + 1;
  for (size_t child = first; child < array->next; child = nodes[child].next) ++count;
  return count;
}

std::optional<std::string_view> BodyValues::Find(const JsonPointer& pointer) {
  const JsonNode* const node = Tape() == nullptr ? nullptr : pointer.Find(*tape_);
  if (node == nullptr) return std::nullopt;
  switch (node->type) {
    case JsonType::kString:
    case JsonType::kNumber:
      return tape_->Text(*node);
    case JsonType::kTrue:
      return "true";
    case JsonType::kFalse:
      return "false";
    default:
      return std::nullopt;
  }
}

}  // namespace hookbridge
