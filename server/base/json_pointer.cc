#include "server/base/json_pointer.h"

#include "server/base/strings.h"

#include <charconv>
#include <utility>

namespace hookbridge {
namespace {

const JsonNode* Member(const JsonTape& tape, size_t object, std::string_view name, size_t& at) {
  const JsonNode& node = tape.nodes()[object];
  for (size_t key = object + 1; key < node.next; key = tape.nodes()[key + 1].next) {
    if (tape.Text(tape.nodes()[key]) != name) continue;
    at = key + 1;
    return &tape.nodes()[at];
  }
  return nullptr;
}

const JsonNode* Element(const JsonTape& tape, size_t array, std::string_view token, size_t& at) {
  size_t index = 0;
  const auto read = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool canonical = read.ec == std::errc() && read.ptr == token.data() + token.size() &&
                         (token.size() == 1 || token.front() != '0');
  if (!canonical) return nullptr;
  const JsonNode& node = tape.nodes()[array];
  for (size_t child = array + 1; child < node.next; child = tape.nodes()[child].next) {
    if (index-- > 0) continue;
    at = child;
    return &tape.nodes()[child];
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<JsonPointer> JsonPointer::Parse(std::string_view text) {
  JsonPointer made;
  if (!text.empty() && text.front() != '/') {
    return absl::InvalidArgumentError(
        StrCat("`", text, "` is not a JSON Pointer: it starts with `/`"));
  }
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view raw = text.substr(0, text.find('/'));
    text.remove_prefix(raw.size());
    std::string token;
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '~') {
        token.push_back(raw[i]);
        continue;
      }
      if (++i == raw.size() || (raw[i] != '0' && raw[i] != '1')) {
        return absl::InvalidArgumentError("a JSON Pointer writes ~ as ~0 and / as ~1");
      }
      token.push_back(raw[i] == '0' ? '~' : '/');
    }
    made.tokens_.push_back(std::move(token));
  }
  return made;
}

const JsonNode* JsonPointer::FindFrom(const JsonTape& tape, const JsonNode& root) const {
  const JsonNode* node = &root;
  auto at = static_cast<size_t>(node - tape.nodes().data());
  for (const std::string& token : tokens_) {
    if (node->type == JsonType::kObject) {
      node = Member(tape, at, token, at);
    } else if (node->type == JsonType::kArray) {
      node = Element(tape, at, token, at);
    } else {
      return nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace hookbridge
