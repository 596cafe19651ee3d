#include "server/base/json_tape.h"

#include "server/base/encoding.h"
#include "server/base/json_number.h"
#include "server/base/strings.h"
#include "server/base/wire.h"

#include <algorithm>
#include <limits>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace hookbridge {
namespace {

constexpr size_t kLinearKeysMax = 12;

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Most keys of one object differ in length or first letter.
bool SameKey(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || (a.front() == b.front() && a == b));
}

// First byte at or after `at` that a string cannot simply contain: quote, backslash, control, or
// not ASCII.
const char* SkipPlain(const char* at, const char* end) {
#if defined(__x86_64__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // As signed bytes, controls and everything above ASCII are below a space.
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmplt_epi8(bytes, space));
    const int mask = _mm_movemask_epi8(special);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  while (at != end && *at != '"' && *at != '\\' && static_cast<signed char>(*at) >= 0x20) ++at;
  return at;
}

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (code >> 12)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 63)));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  } else {
    out.push_back(static_cast<char>(0xf0 | (code >> 18)));
    out.push_back(static_cast<char>(0x80 | ((code >> 12) & 63)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 63)));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  }
}

}  // namespace

// Recursive descent; the depth limit bounds the stack. Every function returns false after an error.
class JsonParser {
 public:
  JsonParser(JsonTape& tape, const JsonLimits& limits)
      : tape_(tape),
        limits_(limits),
        begin_(tape.text_.data()),
        at_(begin_),
        end_(begin_ + tape.text_.size()) {}

  absl::Status Run() {
    if (tape_.text_.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
    SkipBlanks();
    if (Value(0)) {
      SkipBlanks();
      if (at_ != end_) Fail("json_trailing");
    }
    return std::move(status_);
  }

 private:
  bool Fail(std::string_view word) {
    if (!status_.ok()) return false;
    const std::string message = StrCat(word, ": at byte ", at_ - begin_);
    const bool limit = word == "json_depth" || word == "json_elements";
    status_ = limit ? absl::ResourceExhaustedError(message) : absl::InvalidArgumentError(message);
    return false;
  }

  void SkipBlanks() {
    while (at_ != end_ && IsBlank(*at_)) ++at_;
  }
  uint32_t Offset(const char* at) const { return static_cast<uint32_t>(at - begin_); }

  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  JsonNode& Add(JsonType type) {
    JsonNode& node = tape_.nodes_.emplace_back();
    node.type = type;
    node.next = static_cast<uint32_t>(tape_.nodes_.size());
    return node;
  }

  bool Value(uint32_t depth) {
    if (++elements_ > limits_.elements_max) return Fail("json_elements");
    if (at_ == end_) return Fail("json_syntax");
    switch (*at_) {
      case '{':
        return Object(depth + 1);
      case '[':
        return Array(depth + 1);
      case '"':
        return String();
      case 't':
        return Literal("true", JsonType::kTrue);
      case 'f':
        return Literal("false", JsonType::kFalse);
      case 'n':
        return Literal("null", JsonType::kNull);
      default:
        return Number();
    }
  }

  bool Literal(std::string_view word, JsonType type) {
    if (static_cast<size_t>(end_ - at_) < word.size() ||
        std::string_view(at_, word.size()) != word) {
      return Fail("json_syntax");
    }
    at_ += word.size();
    Add(type);
    return true;
  }

  bool Digits() {
    if (at_ == end_ || !IsDigit(*at_)) return Fail("json_syntax");
    while (at_ != end_ && IsDigit(*at_)) ++at_;
    return true;
  }

  bool Number() {
    const char* const start = at_;
    Take('-');
    if (Take('0')) {
      if (at_ != end_ && IsDigit(*at_)) return Fail("json_syntax");
    } else if (!Digits()) {
      return false;
    }
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('-')) Take('+');
      if (!Digits()) return false;
    }
    const std::string_view lexeme(start, static_cast<size_t>(at_ - start));
    const JsonNumber number = ReadJsonNumber(lexeme);
    JsonNode& node = Add(JsonType::kNumber);
    node.begin = Offset(start);
    node.bytes = static_cast<uint32_t>(lexeme.size());
    node.number = number.value;
    node.exact = number.exact;
    tape_.inexact_count_ += number.exact ? 0 : 1;
    return true;
  }

  bool String() {
    const char* const start = ++at_;
    at_ = SkipPlain(at_, end_);
    bool ascii = true;
    while (at_ != end_ && static_cast<unsigned char>(*at_) >= 0x80) {
      ascii = false;
      while (at_ != end_ && static_cast<unsigned char>(*at_) >= 0x80) ++at_;
      at_ = SkipPlain(at_, end_);
    }
    if (at_ != end_ && *at_ == '\\') return EscapedString(start);
    if (!Take('"')) return Fail("json_syntax");
    const std::string_view content(start, static_cast<size_t>(at_ - 1 - start));
    if (!ascii && !IsValidUtf8(content)) return Fail("json_utf8");
    JsonNode& node = Add(JsonType::kString);
    node.begin = Offset(start);
    node.bytes = static_cast<uint32_t>(content.size());
    return true;
  }

  // From the first escape on; what is before it is plain.
  bool EscapedString(const char* start) {
    std::string& out = tape_.decoded_;
    const size_t begin = out.size();
    out.append(start, at_);
    while (at_ != end_ && *at_ != '"') {
      if (*at_ == '\\') {
        ++at_;
        if (!Escape(out)) return false;
        continue;
      }
      if (static_cast<unsigned char>(*at_) < 0x20) return Fail("json_syntax");
      const char* const run = at_;
      at_ = SkipPlain(at_, end_);
      while (at_ != end_ && static_cast<unsigned char>(*at_) >= 0x80) ++at_;
      out.append(run, at_);
    }
    if (!Take('"')) return Fail("json_syntax");
    const std::string_view content = std::string_view(out).substr(begin);
    if (!IsValidUtf8(content)) return Fail("json_utf8");
    JsonNode& node = Add(JsonType::kString);
    node.decoded = true;
    node.begin = static_cast<uint32_t>(begin);
    node.bytes = static_cast<uint32_t>(content.size());
    return true;
  }

  bool Escape(std::string& out) {
    if (at_ == end_) return Fail("json_syntax");
    const char c = *at_++;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(c);
        return true;
      case 'b':
        out.push_back('\b');
        return true;
      case 'f':
        out.push_back('\f');
        return true;
      case 'n':
        out.push_back('\n');
        return true;
      case 'r':
        out.push_back('\r');
        return true;
      case 't':
        out.push_back('\t');
        return true;
      case 'u':
        return UnicodeEscape(out);
      default:
        --at_;
        return Fail("json_syntax");
    }
  }

  bool HexFour(uint32_t& code) {
    if (end_ - at_ < 4) return Fail("json_syntax");
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = *at_;
      uint32_t digit = 0;
      if (IsDigit(c)) {
        digit = static_cast<uint32_t>(c - '0');
      } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
        digit = static_cast<uint32_t>((c | 32) - 'a' + 10);
      } else {
        return Fail("json_syntax");
      }
      code = (code << 4) | digit;
    }
    return true;
  }

  bool UnicodeEscape(std::string& out) {
    uint32_t code = 0;
    if (!HexFour(code)) return false;
    if (code >= 0xdc00 && code <= 0xdfff) return Fail("json_surrogate");
    if (code >= 0xd800 && code <= 0xdbff) {
      uint32_t low = 0;
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return Fail("json_surrogate");
      at_ += 2;
      if (!HexFour(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return Fail("json_surrogate");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    AppendUtf8(out, code);
    return true;
  }

  bool Array(uint32_t depth) {
    if (depth > limits_.depth_max) return Fail("json_depth");
    const size_t index = tape_.nodes_.size();
    Add(JsonType::kArray).begin = Offset(at_++);
    size_t inner = 0;
    SkipBlanks();
    if (!Take(']')) {
      do {
        SkipBlanks();
        const size_t element = tape_.nodes_.size();
        if (!Value(depth)) return false;
        inner += FieldBytes(ValueWireBytes(tape_.nodes_[element]));
        SkipBlanks();
      } while (Take(','));
      if (!Take(']')) return Fail("json_syntax");
    }
    return Close(index, inner);
  }

  bool Object(uint32_t depth) {
    if (depth > limits_.depth_max) return Fail("json_depth");
    const size_t index = tape_.nodes_.size();
    Add(JsonType::kObject).begin = Offset(at_++);
    size_t inner = 0;
    size_t members = 0;
    SkipBlanks();
    if (!Take('}')) {
      do {
        if (!Member(depth, inner)) return false;
        ++members;
      } while (Take(','));
      if (!Take('}')) return Fail("json_syntax");
    }
    if (!KeysDiffer(index, members)) return Fail("json_duplicate_key");
    return Close(index, inner);
  }

  bool Member(uint32_t depth, size_t& inner) {
    SkipBlanks();
    if (at_ == end_ || *at_ != '"') return Fail("json_syntax");
    const size_t key = tape_.nodes_.size();
    if (!String()) return false;
    SkipBlanks();
    if (!Take(':')) return Fail("json_syntax");
    SkipBlanks();
    if (!Value(depth)) return false;
    SkipBlanks();
    inner += FieldBytes(FieldBytes(tape_.nodes_[key].bytes) +
                        FieldBytes(ValueWireBytes(tape_.nodes_[key + 1])));
    return true;
  }

  bool Close(size_t index, size_t inner) {
    if (inner > std::numeric_limits<int32_t>::max()) return Fail("json_elements");
    tape_.nodes_[index].inner = static_cast<uint32_t>(inner);
    tape_.nodes_[index].bytes = Offset(at_) - tape_.nodes_[index].begin;
    tape_.nodes_[index].next = static_cast<uint32_t>(tape_.nodes_.size());
    return true;
  }

  // Small objects pair by pair; larger ones sorted, so that no input makes it quadratic.
  bool KeysDiffer(size_t object, size_t members) {
    if (members < 2) return true;
    std::vector<std::string_view>& keys = tape_.keys_;
    keys.clear();
    for (size_t key = object + 1; key < tape_.nodes_.size(); key = tape_.nodes_[key + 1].next) {
      keys.push_back(tape_.Text(tape_.nodes_[key]));
    }
    if (members <= kLinearKeysMax) {
      for (size_t i = 1; i < keys.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (SameKey(keys[i], keys[j])) return false;
        }
      }
      return true;
    }
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
  }

  JsonTape& tape_;
  const JsonLimits limits_;
  const char* const begin_;
  const char* at_;
  const char* const end_;
  uint32_t elements_ = 0;
  absl::Status status_;
};

absl::Status JsonTape::Parse(std::string_view text, const JsonLimits& limits) {
  text_ = text;
  nodes_.clear();
  decoded_.clear();
  inexact_count_ = 0;
  if (text.size() > std::numeric_limits<int32_t>::max()) {
    return absl::ResourceExhaustedError("json_size: over 2 GiB");
  }
  return JsonParser(*this, limits).Run();
}

}  // namespace hookbridge
