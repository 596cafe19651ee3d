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

std::optional<std::string_view> BodyValues::Find(const JsonPointer& pointer) {
  if (!read_) {
    read_ = true;
    JsonTape& tape = ThreadTape();
    const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                            .elements_max = limits::kJsonElementsMax};
    if (tape.Parse(request_.body, limits).ok()) tape_ = &tape;
  }
  const JsonNode* const node = tape_ == nullptr ? nullptr : pointer.Find(*tape_);
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
