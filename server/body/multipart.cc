#include "server/body/multipart.h"

#include "server/base/strings.h"
#include "server/body/internal/header_parameters.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

absl::Status Bad(std::string_view what) {
  return absl::InvalidArgumentError(StrCat("multipart_syntax: ", what));
}

// RFC 2046 section 5.1.1: bchars, and no blank at the end.
bool IsBoundary(std::string_view text) {
  constexpr std::string_view kOthers = "'()+_,-./:=? ";
  const auto is_allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= limits::kBoundaryBytesMax && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), is_allowed);
}

// Undoes what browsers write for a quote and line ends, and what libraries escape. Other escapes
// stay: paths of old senders hold backslashes.
std::string Unquote(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 7> kWritten = {{{"%22", '"'},
                                                                          {"%0D", '\r'},
                                                                          {"%0A", '\n'},
                                                                          {"%0d", '\r'},
                                                                          {"%0a", '\n'},
                                                                          {"\\\"", '"'},
                                                                          {"\\\\", '\\'}}};
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const auto* const found =
        std::find_if(kWritten.begin(), kWritten.end(),
                     [text](const auto& written) { return text.starts_with(written.first); });
    const bool is_written = found != kWritten.end();
    plain.push_back(is_written ? found->second : text.front());
    text.remove_prefix(is_written ? found->first.size() : 1);
  }
  return plain;
}

}  // namespace

absl::StatusOr<std::string> MultipartBoundary(std::string_view content_type) {
  HeaderParameters parameters(content_type);
  if (LowerCase(parameters.first_word()) != "multipart/form-data") {
    return Bad("the Content-Type is not multipart/form-data");
  }
  std::optional<std::string> boundary;
  while (parameters.Next()) {
    if (parameters.name() != "boundary") continue;
    if (boundary) return Bad("the Content-Type names two boundaries");
    boundary = std::string(parameters.value());
  }
  if (parameters.broken()) return Bad("a parameter of the Content-Type is none");
  if (!boundary) return Bad("the Content-Type names no boundary");
  if (!IsBoundary(*boundary)) return Bad("the boundary is none");
  return *std::move(boundary);
}

MultipartScanner::MultipartScanner(std::string_view body, std::string_view boundary,
                                   size_t parts_max)
    : body_(body),
      rest_(body),
      delimiter_(StrCat(kLineEnd, "--", boundary)),
      parts_left_(parts_max) {}

bool MultipartScanner::Fail(std::string_view what) {
  status_ = Bad(StrCat(what, ", byte ", body_.size() - rest_.size()));
  return false;
}

bool MultipartScanner::Next() {
  if (!status_.ok() || (!begun_ && !Begin()) || ended_) return false;
  if (parts_left_ == 0) {
    status_ = absl::ResourceExhaustedError("form_fields: too many parts");
    return false;
  }
  --parts_left_;
  part_ = {};
  if (!ReadHeaders()) return false;
  // The line end before a boundary is the boundary's (RFC 2046 section 5.1.1), also that of the
  // empty line, behind which it ends a part without a value.
  const size_t end = rest_.find(delimiter_);
  if (end == std::string_view::npos) return Fail("a part has no end");
  if (end > 0) part_.value = rest_.substr(kLineEnd.size(), end - kLineEnd.size());
  rest_.remove_prefix(end + delimiter_.size());
  return AfterBoundary();
}

bool MultipartScanner::Begin() {
  begun_ = true;
  if (rest_.starts_with(kLineEnd)) rest_.remove_prefix(kLineEnd.size());
  const std::string_view first = std::string_view(delimiter_).substr(kLineEnd.size());
  if (!rest_.starts_with(first)) return Fail("the body does not begin with its boundary");
  rest_.remove_prefix(first.size());
  return AfterBoundary();
}

bool MultipartScanner::AfterBoundary() {
  if (rest_.starts_with("--")) {
    ended_ = true;
    rest_.remove_prefix(2);
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    return rest_.empty() || rest_ == kLineEnd || Fail("text stands behind the last boundary");
  }
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  if (!rest_.starts_with(kLineEnd)) return Fail("a line goes on behind the boundary");
  rest_.remove_prefix(kLineEnd.size());
  return true;
}

bool MultipartScanner::ReadHeaders() {
  bool has_disposition = false;
  size_t bytes_left = limits::kPartHeaderBytesMax;
  while (true) {
    const size_t end = rest_.substr(0, bytes_left).find(kLineEnd);
    if (end == std::string_view::npos) {
      if (rest_.size() < bytes_left) return Fail("the headers of a part have no end");
      status_ =
          absl::ResourceExhaustedError("multipart_header: the headers of a part are too long");
      return false;
    }
    const std::string_view line = rest_.substr(0, end);
    if (line.empty()) return has_disposition || Fail("a part has no Content-Disposition");
    if (!ReadHeader(line, has_disposition)) return false;
    rest_.remove_prefix(end + kLineEnd.size());
    bytes_left -= end + kLineEnd.size();
  }
}

bool MultipartScanner::ReadHeader(std::string_view line, bool& has_disposition) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.front() == ' ' || line.front() == '\t' ||
      line.find_first_of(kLineEnd) != std::string_view::npos) {
    return Fail("a header line of a part is none");
  }
  const std::string name = LowerCase(line.substr(0, colon));
  const std::string_view value = TrimmedBlanks(line.substr(colon + 1));
  if (name == "content-type") {
    if (!part_.content_type.empty()) return Fail("a part has two Content-Types");
    part_.content_type = value;
  }
  if (name == "content-transfer-encoding") {
    const std::string coding = LowerCase(value);
    if (coding != "binary" && coding != "8bit" && coding != "7bit") {
      return Fail("a part has a Content-Transfer-Encoding");
    }
  }
  if (name != "content-disposition") return true;
  if (std::exchange(has_disposition, true)) return Fail("a part has two Content-Dispositions");
  HeaderParameters parameters(value);
  if (LowerCase(parameters.first_word()) != "form-data") return Fail("a part is no form-data");
  bool has_name = false;
  while (parameters.Next()) {
    const bool is_name = parameters.name() == "name";
    if (!is_name && parameters.name() != "filename") continue;
    bool& is_there = is_name ? has_name : part_.is_file;
    if (std::exchange(is_there, true)) return Fail("a part has two names");
    (is_name ? part_.name : part_.filename) =
        parameters.quoted() ? Unquote(parameters.value()) : std::string(parameters.value());
    if (is_name) part_.encoded_name = parameters.value();
  }
  if (parameters.broken()) return Fail("a parameter of Content-Disposition is none");
  return has_name || Fail("a part has no name");
}

}  // namespace hookbridge
