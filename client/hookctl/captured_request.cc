#include "client/hookctl/captured_request.h"

#include "server/base/strings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include <algorithm>
#include <cstdint>

namespace hookbridge::hookctl {
namespace {

// Takes one line off `text`, without its end; false when there is no line end.
bool TakeLine(std::string_view* text, std::string_view* line) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) return false;
  *line = text->substr(0, end);
  if (line->ends_with('\r')) line->remove_suffix(1);
  text->remove_prefix(end + 1);
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

absl::StatusOr<std::vector<HeaderField>> TakeHeaders(std::string_view* text) {
  std::vector<HeaderField> headers;
  std::string_view line;
  while (TakeLine(text, &line)) {
    if (line.empty()) return headers;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return absl::InvalidArgumentError(
          StrCat("header line ", headers.size() + 1, " has no name and colon"));
    }
    headers.emplace_back(line.substr(0, colon), Trim(line.substr(colon + 1)));
  }
  return absl::InvalidArgumentError("no blank line ends the headers");
}

// The part of `rest` that the head announces as body.
absl::StatusOr<std::string_view> TakeBody(const WebhookRequest& head, std::string_view rest) {
  if (head.FindHeader("Transfer-Encoding") != nullptr) {
    return absl::InvalidArgumentError(
        "the capture holds a body in chunks; join it first, or give "
        "the parts with --header and --body");
  }
  const HeaderLine* const line = head.FindHeader("Content-Length");
  if (line == nullptr) return rest;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(std::string(line->value), &length)) {
    return absl::InvalidArgumentError("Content-Length is no number");
  }
  if (rest.size() < length) {
    return absl::InvalidArgumentError(
        StrCat("the capture holds ", rest.size(), " bytes of body, Content-Length says ", length));
  }
  return rest.substr(0, length);
}

}  // namespace

WebhookRequest MakeRequest(std::string_view target, const std::vector<HeaderField>& headers,
                           std::string body) {
  WebhookRequest request;
  request.method = "POST";
  const size_t question = std::min(target.find('?'), target.size());
  request.path = std::string(target.substr(0, question));
  if (question < target.size()) request.query = std::string(target.substr(question + 1));
  std::string_view rest = request.path;
  if (rest.starts_with("/hooks/")) {
    rest.remove_prefix(7);
    const size_t slash = std::min(rest.find('/'), rest.size());
    request.source = std::string(rest.substr(0, slash));
    if (slash < rest.size()) request.token = std::string(rest.substr(slash + 1));
  }
  request.body = std::move(body);
  for (const auto& [name, value] : headers) {
    request.header_block.insert(request.header_block.end(), name.begin(), name.end());
    request.header_block.insert(request.header_block.end(), value.begin(), value.end());
  }
  const char* at = request.header_block.data();
  for (const auto& [name, value] : headers) {
    request.headers.push_back(
        {.name = {at, name.size()}, .value = {at + name.size(), value.size()}});
    at += name.size() + value.size();
  }
  return request;
}

absl::StatusOr<WebhookRequest> ParseCapturedRequest(std::string_view bytes) {
  std::string_view rest = bytes;
  std::string_view line;
  if (!TakeLine(&rest, &line)) return absl::InvalidArgumentError("the capture has no request line");
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last ||
      !line.substr(last + 1).starts_with("HTTP/")) {
    return absl::InvalidArgumentError(
        "the capture does not begin with a request line as `POST /hooks/name HTTP/1.1`");
  }
  const auto headers = TakeHeaders(&rest);
  if (!headers.ok()) return headers.status();
  WebhookRequest request = MakeRequest(line.substr(first + 1, last - first - 1), *headers, "");
  request.method = std::string(line.substr(0, first));
  const auto body = TakeBody(request, rest);
  if (!body.ok()) return body.status();
  request.body = std::string(*body);
  return request;
}

}  // namespace hookbridge::hookctl
