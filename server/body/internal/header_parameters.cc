#include "server/body/internal/header_parameters.h"

#include <algorithm>

namespace hookbridge {
namespace {

// RFC 9110 section 5.6.2.
bool IsTokenByte(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != std::string_view::npos;
}

void SkipBlanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

}  // namespace

std::string_view TrimmedBlanks(std::string_view text) {
  SkipBlanks(text);
  const size_t last = text.find_last_not_of(" \t");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

HeaderParameters::HeaderParameters(std::string_view value) {
  const size_t end = std::min(value.find(';'), value.size());
  first_word_ = TrimmedBlanks(value.substr(0, end));
  rest_ = value.substr(end);
}

bool HeaderParameters::Break() {
  broken_ = true;
  rest_ = {};
  return false;
}

bool HeaderParameters::Next() {
  // `;` may end a value, and stand twice.
  while (true) {
    SkipBlanks(rest_);
    if (rest_.empty()) return false;
    if (rest_.front() != ';') break;
    rest_.remove_prefix(1);
  }
  const size_t equals = rest_.find('=');
  if (equals == std::string_view::npos) return Break();
  const std::string_view name = TrimmedBlanks(rest_.substr(0, equals));
  if (name.empty() || !std::all_of(name.begin(), name.end(), IsTokenByte)) return Break();
  name_ = LowerCase(name);
  rest_.remove_prefix(equals + 1);
  SkipBlanks(rest_);
  quoted_ = rest_.starts_with('"');
  size_t end = 0;
  if (quoted_) {
    rest_.remove_prefix(1);
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return Break();
  } else {
    end = std::min(rest_.find(';'), rest_.size());
  }
  value_ = rest_.substr(0, end);
  if (!quoted_) value_ = TrimmedBlanks(value_);
  if (!quoted_ && value_.find('"') != std::string_view::npos) return Break();
  rest_.remove_prefix(quoted_ ? end + 1 : end);
  SkipBlanks(rest_);
  return rest_.empty() || rest_.front() == ';' || Break();
}

}  // namespace hookbridge
