// Any bytes are a request head, or chunks: read or refused, and what is read is framed as Beast
// frames it.
#include "server/base/limits.h"
#include "server/ingress/internal/chunks.h"
#include "server/ingress/internal/head.h"
#include "server/ingress/internal/route.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

namespace http = boost::beast::http;
using hookbridge::Head;
using hookbridge::HeadRefusal;

constexpr hookbridge::HeadLimits kLimits{.target_bytes_max = hookbridge::limits::kTargetBytesMax,
                                         .header_lines_max = hookbridge::limits::kHeaderLinesMax};

void Require(bool holds) {
  if (!holds) std::abort();
}

bool Inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void CheckRoute(std::string_view target) {
  const hookbridge::Route route = hookbridge::FindRoute(target);
  Require(Inside(route.source, target) && Inside(route.token, target));
  Require((route.kind == hookbridge::RouteKind::kWebhook) == !route.source.empty());
  Require(route.source.size() <= hookbridge::limits::kNameBytesMax);
  Require(route.token.size() <= hookbridge::limits::kUrlTokenBytesMax);
}

// Another reader of the same bytes must not see another body: that is request smuggling.
void CompareWithBeast(std::string_view bytes, const Head& head) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error || !parser.is_header_done()) return;
  const auto& message = parser.get();
  const auto same = [](boost::beast::string_view a, std::string_view b) {
    return std::string_view(a.data(), a.size()) == b;
  };
  Require(same(message.method_string(), head.method));
  // An absolute target ends with what is left of it.
  const std::string_view target(message.target().data(), message.target().size());
  Require(target.starts_with('/') ? target == head.target
                                  : target.ends_with(head.target) || head.target == "/");
  Require(parser.chunked() == head.chunked);
  const auto length = parser.content_length();
  Require(length.has_value() == head.content_length.has_value());
  Require(!length || *length == *head.content_length);
  Require(parser.keep_alive() == head.keep_alive);
}

void CheckHead(std::string_view bytes) {
  const auto read = hookbridge::ReadHead(bytes, kLimits);
  if (const auto* const refusal = std::get_if<HeadRefusal>(&read)) {
    Require(refusal->status >= 400 && refusal->status <= 505);
    return;
  }
  const Head& head = std::get<Head>(read);
  Require(!head.method.empty() && head.target.starts_with('/'));
  Require(head.target.size() <= kLimits.target_bytes_max);
  Require(head.headers.size() <= kLimits.header_lines_max);
  Require(!(head.chunked && head.content_length));
  for (const hookbridge::HeaderLine& line : head.headers) {
    Require(!line.name.empty() && Inside(line.name, bytes) && Inside(line.value, bytes));
  }
  CheckRoute(head.target);
  CompareWithBeast(bytes, head);
}

struct Chunked {
  hookbridge::ChunkDecoder::State state;
  std::string body;
  size_t used = 0;
};

Chunked Decode(std::string_view bytes, size_t step) {
  hookbridge::ChunkDecoder decoder({.body_bytes_max = 1 << 10,
                                    .line_bytes_max = 64,
                                    .trailer_bytes_max = 256,
                                    .trailer_lines_max = 4});
  Chunked chunked;
  for (size_t end = 0;
       end < bytes.size() && decoder.state() == hookbridge::ChunkDecoder::State::kMore;) {
    end += std::min(step, bytes.size() - end);
    chunked.used += decoder.Decode(bytes.substr(chunked.used, end - chunked.used), chunked.body);
  }
  chunked.state = decoder.state();
  return chunked;
}

// However the bytes come they are the same body, and what Beast reads is no other.
void CheckChunks(std::string_view bytes) {
  const Chunked whole = Decode(bytes, bytes.size());
  const Chunked pieces = Decode(bytes, 1);
  Require(whole.state == pieces.state && whole.body == pieces.body);
  if (whole.state != hookbridge::ChunkDecoder::State::kDone) return;
  Require(whole.used == pieces.used);
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  const std::string request =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(bytes);
  size_t at = 0;
  while (at < request.size() && !error && !parser.is_done()) {
    const size_t used =
        parser.put(boost::asio::buffer(request.data() + at, request.size() - at), error);
    if (used == 0) break;
    at += used;
  }
  if (error || !parser.is_done()) return;  // it is stricter about extensions
  Require(parser.get().body() == whole.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckHead(bytes);
  CheckHead(bytes + "\r\n\r\n");
  CheckRoute(bytes);
  CheckChunks(bytes);
  return 0;
}
