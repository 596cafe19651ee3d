// Any bytes are a request head: read or refused, and what is read is framed as Beast frames it.
#include "server/base/limits.h"
#include "server/ingress/internal/head.h"
#include "server/ingress/internal/route.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

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
  Require(same(message.target(), head.target));
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckHead(bytes);
  CheckHead(bytes + "\r\n\r\n");
  CheckRoute(bytes);
  return 0;
}
