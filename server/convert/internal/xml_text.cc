#include "server/convert/internal/xml_text.h"

#include "server/base/encoding.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::string> Unescape(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string plain;
  while (!text.empty()) {
    if (text.front() != '&') {
      plain.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const auto* const found =
        std::find_if(kEntities.begin(), kEntities.end(),
                     [text](const auto& entity) { return text.starts_with(entity.first); });
    if (found == kEntities.end()) return std::nullopt;
    plain.push_back(found->second);
    text.remove_prefix(found->first.size());
  }
  return plain;
}

// Takes the next tag off `rest`, without its brackets; `before` is the text up to it.
std::optional<std::string_view> NextTag(std::string_view& rest, std::string_view& before) {
  const size_t open = rest.find('<');
  if (open == std::string_view::npos) return std::nullopt;
  const size_t close = rest.find('>', open);
  if (close == std::string_view::npos) return std::nullopt;
  before = rest.substr(0, open);
  const std::string_view tag = rest.substr(open + 1, close - open - 1);
  rest.remove_prefix(close + 1);
  return tag;
}

}  // namespace

std::optional<std::string> FindXmlText(std::string_view document, std::string_view name) {
  size_t depth = 0;
  bool inside = false;
  std::string_view before;
  while (const auto tag = NextTag(document, before)) {
    if (tag->empty() || tag->front() == '!') return std::nullopt;
    if (tag->front() == '?') continue;
    if (tag->front() == '/') {
      if (inside) return Unescape(Trim(before));
      if (depth == 0) return std::nullopt;
      --depth;
      continue;
    }
    if (inside) return std::nullopt;
    if (tag->back() == '/') continue;
    inside = depth == 1 && tag->substr(0, tag->find_first_of(kBlanks)) == name;
    ++depth;
  }
  return std::nullopt;
}

std::optional<std::string> FindInBase64Xml(std::string_view base64, std::string_view name) {
  std::string joined(base64);
  joined.erase(
      std::remove_if(joined.begin(), joined.end(), [](char c) { return c == '\n' || c == '\r'; }),
      joined.end());
  const auto document = Base64Decode(joined);
  return document ? FindXmlText(*document, name) : std::nullopt;
}

}  // namespace hookbridge
