#include "server/ingress/internal/head.h"

#include "server/ingress/internal/field_syntax.h"

#include <algorithm>

namespace hookbridge {
namespace {

constexpr size_t kMethodBytesMax = 16;
constexpr size_t kLengthDigitsMax = 18;
constexpr size_t kPortDigitsMax = 5;

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t end = list.find(',');
    if (EqualsIgnoreCase(TrimBlanks(list.substr(0, end)), token)) return true;
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
  return false;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// RFC 3986 section 3.2.2, reg-name: unreserved, sub-delims and percent-encoded bytes.
bool IsRegisteredName(std::string_view text) {
  constexpr std::string_view kOthers = "-._~!$&'()*+,;=";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || !IsHexDigit(text[i + 1]) || !IsHexDigit(text[i + 2])) return false;
      i += 2;
    } else if (!IsDigit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
               kOthers.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// RFC 9112 section 3.2: uri-host [ ":" port ]; it may be empty.
bool IsHost(std::string_view text) {
  size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view literal = text.substr(1, end - 1);
    const bool is_literal =
        !literal.empty() && std::all_of(literal.begin(), literal.end(), [](char c) {
          return IsHexDigit(c) || c == ':' || c == '.';
        });
    if (!is_literal) return false;
    ++end;
  } else if (!IsRegisteredName(text.substr(0, end))) {
    return false;
  }
  if (end >= text.size()) return true;
  const std::string_view port = text.substr(end + 1);
  return text[end] == ':' && port.size() <= kPortDigitsMax &&
         std::all_of(port.begin(), port.end(), IsDigit);
}

// Reads the lines of one head. Every step returns false after it has set `refusal_`.
class HeadReader {
 public:
  HeadReader(std::string_view bytes, const HeadLimits& limits) : rest_(bytes), limits_(limits) {}

  std::variant<Head, HeadRefusal> Run() {
    if (ReadLines()) return std::move(head_);
    refusal_.target = head_.target;
    for (const HeaderLine& line : head_.headers) refusal_.header_names.push_back(line.name);
    return std::move(refusal_);
  }

 private:
  bool ReadLines() {
    std::string_view line;
    if (!NextLine(line) || !RequestLine(line)) return false;
    while (true) {
      if (!NextLine(line)) return false;
      if (line.empty()) break;
      if (!Field(line)) return false;
    }
    return rest_.empty() ? Finish() : Malformed("bytes follow the empty line");
  }

  bool Refuse(Reason reason, int status, std::string_view rule) {
    refusal_.reason = reason;
    refusal_.status = status;
    refusal_.rule = rule;
    return false;
  }
  bool Malformed(std::string_view rule) { return Refuse(Reason::kMalformedHttp, 400, rule); }

  // A line ends with CRLF and holds neither of them.
  bool NextLine(std::string_view& line) {
    const size_t end = rest_.find_first_of("\r\n");
    if (end == std::string_view::npos || rest_.substr(end, 2) != "\r\n")
      return Malformed("a line does not end with CRLF");
    line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return true;
  }

  bool RequestLine(std::string_view line) {
    const size_t method_end = line.find(' ');
    const size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || target_end <= method_end)
      return Malformed("the request line is not METHOD TARGET VERSION");
    head_.method = line.substr(0, method_end);
    const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
    if (!IsToken(head_.method) || head_.method.size() > kMethodBytesMax)
      return Malformed("the method is no token");
    if (target.size() > limits_.target_bytes_max)
      return Refuse(Reason::kTargetTooLong, 414, "the target is too long");
    return Target(target) && Version(line.substr(target_end + 1));
  }

  bool Target(std::string_view target) {
    const bool visible = std::all_of(target.begin(), target.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!visible) return Malformed("the target holds a byte that no URL has");
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!EqualsIgnoreCase(target.substr(0, scheme.size()), scheme)) continue;
      target.remove_prefix(scheme.size());
      const size_t end = target.find_first_of("/?");
      const std::string_view authority = target.substr(0, end);
      if (authority.empty() || !IsHost(authority))
        return Malformed("the target's authority is no host");
      target.remove_prefix(authority.size());
      if (target.empty()) target = "/";
      break;
    }
    if (!target.starts_with('/'))
      return Malformed("the target is in neither origin nor absolute form");
    head_.target = target;
    return true;
  }

  bool Version(std::string_view version) {
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
      return version.starts_with("HTTP/")
                 ? Refuse(Reason::kMalformedHttp, 505, "the version is neither 1.0 nor 1.1")
                 : Malformed("the request line ends with no version");
    }
    head_.http_1_0 = version == "HTTP/1.0";
    head_.keep_alive = !head_.http_1_0;
    return true;
  }

  bool Field(std::string_view line) {
    if (head_.headers.size() == limits_.header_lines_max)
      return Refuse(Reason::kHeaderTooLarge, 431, "too many header lines");
    if (line.front() == ' ' || line.front() == '\t') return Malformed("a header line is folded");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Malformed("a header line has no colon");
    const HeaderLine field{.name = line.substr(0, colon),
                           .value = TrimBlanks(line.substr(colon + 1))};
    if (!IsToken(field.name)) return Malformed("a header's name is no token");
    if (!IsFieldValue(field.value)) return Malformed("a header's value holds a control character");
    head_.headers.push_back(field);
    return Meaning(field);
  }

  // What a header says about the framing of the request.
  bool Meaning(const HeaderLine& field) {
    if (EqualsIgnoreCase(field.name, "Host")) {
      if (++hosts_ > 1) return Malformed("Host is there twice");
      return IsHost(field.value) || Malformed("Host is no host");
    }
    if (EqualsIgnoreCase(field.name, "Content-Length")) return ContentLength(field.value);
    if (EqualsIgnoreCase(field.name, "Transfer-Encoding")) return TransferEncoding(field.value);
    if (EqualsIgnoreCase(field.name, "Connection")) {
      close_ |= HasToken(field.value, "close");
      stay_ |= HasToken(field.value, "keep-alive");
    }
    if (EqualsIgnoreCase(field.name, "Expect")) {
      if (!EqualsIgnoreCase(field.value, "100-continue"))
        return Refuse(Reason::kMalformedHttp, 417, "Expect is not 100-continue");
      head_.expect_continue = !head_.http_1_0;
    }
    return true;
  }

  bool ContentLength(std::string_view value) {
    if (head_.content_length) return Malformed("Content-Length is there twice");
    if (value.empty() || value.size() > kLengthDigitsMax ||
        !std::all_of(value.begin(), value.end(), IsDigit)) {
      return Malformed("Content-Length is no number");
    }
    uint64_t length = 0;
    for (const char c : value) length = length * 10 + static_cast<uint64_t>(c - '0');
    head_.content_length = length;
    return true;
  }

  bool TransferEncoding(std::string_view value) {
    if (head_.http_1_0) return Malformed("Transfer-Encoding in HTTP/1.0");
    if (head_.chunked || !EqualsIgnoreCase(value, "chunked"))
      return Malformed("Transfer-Encoding is not exactly `chunked`");
    head_.chunked = true;
    return true;
  }

  bool Finish() {
    if (head_.chunked && head_.content_length)
      return Malformed("Content-Length beside Transfer-Encoding");
    if (hosts_ == 0 && !head_.http_1_0) return Malformed("Host is not there");
    if (head_.http_1_0 && !head_.content_length &&
        (head_.method == "POST" || head_.method == "PUT")) {
      return Malformed("HTTP/1.0 without Content-Length");
    }
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
