#pragma once

#include "server/base/wire.h"

#include "absl/status/status.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

enum class JsonType : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

// One value, or one key (a kString before its value). Containers are followed by what they hold.
struct JsonNode {
  JsonType type = JsonType::kNull;
  bool exact = true;     // kNumber: survives a double
  bool decoded = false;  // kString: the text is in the decode buffer
  uint32_t begin = 0;    // of the lexeme, string content or container, in the input or the buffer
  uint32_t bytes = 0;    // its length
  uint32_t next = 0;     // index of the node after this one and all that it holds
  uint32_t inner = 0;    // containers: bytes of the ListValue or Struct message on the wire
  double number = 0;
};

struct JsonLimits {
  uint32_t depth_max = 0;
  uint32_t elements_max = 0;
};

// What may stand before a JSON text and is passed over (RFC 8259 section 8.1).
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// A JSON text (RFC 8259, strictly) as a flat list of nodes in document order, with the sizes that
// google.protobuf.Value will have on the wire. Parsed in one pass; its buffers are kept for the
// next text, so that parsing allocates nothing in the end. Ownership: views the text that it
// parsed, which outlives every use. Threads: thread-compatible.
class JsonTape {
 public:
  // kInvalidArgument: `json_syntax`, `json_utf8`, `json_surrogate`, `json_duplicate_key`,
  // `json_trailing`; kResourceExhausted: `json_depth`, `json_elements`, `json_size` (4 GiB). The
  // message is that word, a colon and where.
  absl::Status Parse(std::string_view text, const JsonLimits& limits);

  const std::vector<JsonNode>& nodes() const { return nodes_; }
  // Of kNumber the lexeme, of kString the text without escapes, of containers all their bytes.
  std::string_view Text(const JsonNode& node) const {
    return std::string_view(node.decoded ? decoded_.data() : text_.data(),
                            node.decoded ? decoded_.size() : text_.size())
        .substr(node.begin, node.bytes);
  }
  size_t inexact_count() const { return inexact_count_; }

 private:
  friend class JsonParser;

  std::string_view text_;
  std::vector<JsonNode> nodes_;
  std::string decoded_;
  std::vector<std::string_view> keys_;  // of the object whose keys are compared
  size_t inexact_count_ = 0;
};

// Bytes of a field of one-byte tag that has a length.
inline size_t FieldBytes(size_t content) { return 1 + VarintBytes(content) + content; }

// Bytes of the google.protobuf.Value message of a node.
inline size_t ValueWireBytes(const JsonNode& node) {
  switch (node.type) {
    case JsonType::kNumber:
      return node.exact ? 9 : FieldBytes(node.bytes);
    case JsonType::kString:
      return FieldBytes(node.bytes);
    case JsonType::kArray:
    case JsonType::kObject:
      return FieldBytes(node.inner);
    default:
      return 2;
  }
}

}  // namespace hookbridge
