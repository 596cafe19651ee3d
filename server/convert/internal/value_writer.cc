#include "server/convert/internal/value_writer.h"

#include "server/base/strings.h"
#include "server/base/wire.h"

#include <bit>
#include <cstring>

namespace hookbridge {
namespace {

// google/protobuf/struct.proto: fields of Value, and of what it holds.
constexpr char kNullTag = 0x08;
constexpr char kNumberTag = 0x11;
constexpr char kStringTag = 0x1a;
constexpr char kBoolTag = 0x20;
constexpr char kStructTag = 0x2a;
constexpr char kListTag = 0x32;
constexpr char kEntryTag = 0x0a;  // Struct.fields, ListValue.values, FieldsEntry.key
constexpr char kEntryValueTag = 0x12;

// Writes into memory whose size is known.
class Writer {
 public:
  Writer(const JsonTape& tape, char* at) : tape_(tape), at_(at) {}

  // Writes the node at `index` and returns the index after it.
  size_t Value(size_t index) {
    const JsonNode& node = tape_.nodes()[index];
    switch (node.type) {
      case JsonType::kNull:
        return Two(kNullTag, 0, index);
      case JsonType::kFalse:
        return Two(kBoolTag, 0, index);
      case JsonType::kTrue:
        return Two(kBoolTag, 1, index);
      case JsonType::kNumber:
        if (!node.exact) break;
        *at_++ = kNumberTag;
        std::memcpy(at_, &node.number, sizeof node.number);
        at_ += sizeof node.number;
        return index + 1;
      case JsonType::kString:
        break;
      case JsonType::kArray:
        return Array(index, node);
      case JsonType::kObject:
        return Object(index, node);
    }
    Bytes(kStringTag, tape_.Text(node));
    return index + 1;
  }

 private:
  size_t Two(char tag, char value, size_t index) {
    *at_++ = tag;
    *at_++ = value;
    return index + 1;
  }

  void Length(char tag, size_t bytes) {
    *at_++ = tag;
    while (bytes >= 0x80) {
      *at_++ = static_cast<char>(bytes | 0x80);
      bytes >>= 7;
    }
    *at_++ = static_cast<char>(bytes);
  }

  void Bytes(char tag, std::string_view bytes) {
    Length(tag, bytes.size());
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  size_t Array(size_t index, const JsonNode& node) {
    Length(kListTag, node.inner);
    size_t child = index + 1;
    while (child < node.next) {
      Length(kEntryTag, ValueWireBytes(tape_.nodes()[child]));
      child = Value(child);
    }
    return child;
  }

  size_t Object(size_t index, const JsonNode& node) {
    Length(kStructTag, node.inner);
    size_t child = index + 1;
    while (child < node.next) {
      const JsonNode& key = tape_.nodes()[child];
      const size_t value_bytes = ValueWireBytes(tape_.nodes()[child + 1]);
      Length(kEntryTag,
             1 + VarintBytes(key.bytes) + key.bytes + 1 + VarintBytes(value_bytes) + value_bytes);
      Bytes(kEntryTag, tape_.Text(key));
      Length(kEntryValueTag, value_bytes);
      child = Value(child + 1);
    }
    return child;
  }

  const JsonTape& tape_;
  char* at_;
};

std::string EscapePointerToken(std::string_view token) {
  std::string escaped;
  for (const char c : token) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

void CollectInexact(const JsonTape& tape, size_t index, const std::string& path,
                    std::vector<std::string>& found) {
  const JsonNode& node = tape.nodes()[index];
  if (node.type == JsonType::kNumber && !node.exact) found.push_back(path);
  if (node.type == JsonType::kArray) {
    size_t element = 0;
    for (size_t child = index + 1; child < node.next; child = tape.nodes()[child].next) {
      CollectInexact(tape, child, StrCat(path, "/", element++), found);
    }
  }
  if (node.type == JsonType::kObject) {
    for (size_t key = index + 1; key < node.next; key = tape.nodes()[key + 1].next) {
      const std::string token = EscapePointerToken(tape.Text(tape.nodes()[key]));
      CollectInexact(tape, key + 1, StrCat(path, "/", token), found);
    }
  }
}

}  // namespace

void AppendValue(const JsonTape& tape, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + ValueWireBytes(tape.nodes().front()));
  Writer(tape, out.data() + begin).Value(0);
}

std::vector<std::string> InexactPointers(const JsonTape& tape) {
  std::vector<std::string> found;
  if (tape.inexact_count() > 0) CollectInexact(tape, 0, "", found);
  return found;
}

}  // namespace hookbridge
