#include "server/ingress/internal/head.h"

#include <algorithm>
#include <array>

namespace hookbridge {
namespace {

constexpr size_t kMethodBytesMax = 16;
constexpr size_t kLengthDigitsMax = 18;

// RFC 9110 section 5.6.2, by byte.
constexpr std::array<bool, 256> MakeTokenChars() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (const char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<size_t>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenChars = MakeTokenChars();

bool IsTokenChar(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// Field values: visible characters, blanks and bytes above ASCII.
bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t end = list.find(',');
    if (EqualsIgnoreCase(TrimBlanks(list.substr(0, end)), token)) return true;
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
  return false;
}

// Reads the lines of one head. Every step returns false after it has set `refusal`.
class HeadReader {
 public:
  HeadReader(std::string_view bytes, const HeadLimits& limits) : rest_(bytes), limits_(limits) {}

  std::variant<Head, HeadRefusal> Run() {
    std::string_view line;
    if (!NextLine(line) || !RequestLine(line)) return refusal_;
    while (true) {
      if (!NextLine(line)) return refusal_;
      if (line.empty()) break;
      if (!Field(line)) return refusal_;
    }
    if (!rest_.empty() || !Finish()) return refusal_;
    return std::move(head_);
  }

 private:
  bool Refuse(Reason reason, int status) {
    refusal_ = {.reason = reason, .status = status};
    return false;
  }
  bool Malformed() { return Refuse(Reason::kMalformedHttp, 400); }

  // A line ends with CRLF and holds neither of them.
  bool NextLine(std::string_view& line) {
    const size_t end = rest_.find_first_of("\r\n");
    if (end == std::string_view::npos || rest_.substr(end, 2) != "\r\n") return Malformed();
    line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return true;
  }

  bool RequestLine(std::string_view line) {
    const size_t method_end = line.find(' ');
    const size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || target_end <= method_end) return Malformed();
    head_.method = line.substr(0, method_end);
    head_.target = line.substr(method_end + 1, target_end - method_end - 1);
    const std::string_view version = line.substr(target_end + 1);
    if (!IsToken(head_.method) || head_.method.size() > kMethodBytesMax) return Malformed();
    if (head_.target.size() > limits_.target_bytes_max) return Refuse(Reason::kTargetTooLong, 414);
    const bool visible = std::all_of(head_.target.begin(), head_.target.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!head_.target.starts_with('/') || !visible) return Malformed();
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
      return version.starts_with("HTTP/") ? Refuse(Reason::kMalformedHttp, 505) : Malformed();
    }
    head_.http_1_0 = version == "HTTP/1.0";
    head_.keep_alive = !head_.http_1_0;
    return true;
  }

  bool Field(std::string_view line) {
    if (head_.headers.size() == limits_.header_lines_max)
      return Refuse(Reason::kHeaderTooLarge, 431);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Malformed();
    const HeaderLine field{.name = line.substr(0, colon),
                           .value = TrimBlanks(line.substr(colon + 1))};
    if (!IsToken(field.name) || !IsFieldValue(field.value)) return Malformed();
    head_.headers.push_back(field);
    if (EqualsIgnoreCase(field.name, "Host")) return ++hosts_ == 1 || Malformed();
    if (EqualsIgnoreCase(field.name, "Content-Length")) return ContentLength(field.value);
    if (EqualsIgnoreCase(field.name, "Transfer-Encoding")) return TransferEncoding(field.value);
    if (EqualsIgnoreCase(field.name, "Connection")) {
      close_ |= HasToken(field.value, "close");
      stay_ |= HasToken(field.value, "keep-alive");
    }
    if (EqualsIgnoreCase(field.name, "Expect")) {
      if (!EqualsIgnoreCase(field.value, "100-continue"))
        return Refuse(Reason::kMalformedHttp, 417);
      head_.expect_continue = !head_.http_1_0;
    }
    if (EqualsIgnoreCase(field.name, "Content-Encoding")) {
      head_.has_content_encoding |= !EqualsIgnoreCase(field.value, "identity");
    }
    return true;
  }

  bool ContentLength(std::string_view value) {
    if (head_.content_length || value.empty() || value.size() > kLengthDigitsMax)
      return Malformed();
    uint64_t length = 0;
    for (const char c : value) {
      if (c < '0' || c > '9') return Malformed();
      length = length * 10 + static_cast<uint64_t>(c - '0');
    }
    head_.content_length = length;
    return true;
  }

  bool TransferEncoding(std::string_view value) {
    if (head_.chunked || head_.http_1_0 || !EqualsIgnoreCase(value, "chunked")) return Malformed();
    head_.chunked = true;
    return true;
  }

  bool Finish() {
    if (head_.chunked && head_.content_length) return Malformed();
    if (hosts_ == 0 && !head_.http_1_0) return Malformed();
    if (stay_ && head_.http_1_0) head_.keep_alive = true;
    if (close_) head_.keep_alive = false;
    return true;
  }

  std::string_view rest_;
  const HeadLimits limits_;
  Head head_;
  HeadRefusal refusal_;
  int hosts_ = 0;
  bool close_ = false;
  bool stay_ = false;
};

}  // namespace

std::variant<Head, HeadRefusal> ReadHead(std::string_view bytes, const HeadLimits& limits) {
  return HeadReader(bytes, limits).Run();
}

}  // namespace hookbridge
