#pragma once

#include "server/base/reason.h"
#include "server/ingress/request.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace hookbridge {

struct HeadLimits {
  uint64_t target_bytes_max = 0;
  uint32_t header_lines_max = 0;
};

// A request's head, read strictly (RFC 9112, and less where proxies and servers are known to
// differ). All views point into the bytes that were read.
struct Head {
  std::string_view method;
  std::string_view target;  // in origin form: of an absolute one, what follows the authority
  std::vector<HeaderLine> headers;  // wire order, repeats included
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool http_1_0 = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// Refused: close the connection after this status. `rule` says for an operator what was broken, in
// constant words; `target` and `header_names` are what was read until then.
struct HeadRefusal {
  Reason reason = Reason::kMalformedHttp;
  int status = 400;
  std::string_view rule = {};
  std::string_view target = {};
  std::vector<std::string_view> header_names = {};
};

// Reads the bytes from the request line to the empty line. Refuses, with 400 unless said otherwise:
// bare CR or LF, control characters, obs-fold, blanks around a name, no or several Host or one that
// is no host (RFC 9112 section 3.2), several or listed Content-Length even when equal,
// Content-Length with Transfer-Encoding, any Transfer-Encoding but exactly `chunked`, an HTTP/1.0
// POST or PUT without a length (RFC 1945 section 8.3), versions but 1.0 and 1.1 (505), targets in
// neither origin nor absolute form (RFC 9112 section 3.2.2), a target over its limit (414), too
// many lines (431), an Expect but 100-continue (417). Pure.
std::variant<Head, HeadRefusal> ReadHead(std::string_view bytes, const HeadLimits& limits);

}  // namespace hookbridge
