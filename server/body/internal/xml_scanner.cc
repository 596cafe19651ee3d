#include "server/body/internal/xml_scanner.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/internal/header_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace hookbridge {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(kBlanks) == std::string_view::npos;
}

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsNameByte(char c) { return IsNameStart(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

// The name that `text` begins with; empty: none.
std::string_view NameOf(std::string_view text) {
  if (text.empty() || !IsNameStart(text.front())) return {};
  const auto* const end = std::find_if_not(text.begin(), text.end(), IsNameByte);
  return text.substr(0, static_cast<size_t>(end - text.begin()));
}

// XML 1.0 section 2.2, of a single byte.
bool IsCharacterByte(char c) {
  return static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

bool IsCharacter(uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff;
}

void AppendUtf8(uint32_t code, std::string& to) {
  const auto add = [&to](uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

// What stands between `&` and `;`.
bool ReadReference(std::string_view name, std::string* to) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  if (!name.starts_with('#')) {
    const auto* const found = std::find_if(kEntities.begin(), kEntities.end(),
                                           [name](const auto& pair) { return pair.first == name; });
    if (found == kEntities.end()) return false;
    if (to != nullptr) to->push_back(found->second);
    return true;
  }
  name.remove_prefix(1);
  const bool is_hex = name.starts_with('x');
  if (is_hex) name.remove_prefix(1);
  uint32_t code = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), code, is_hex ? 16 : 10);
  if (name.empty() || read.ec != std::errc() || read.ptr != name.data() + name.size() ||
      !IsCharacter(code)) {
    return false;
  }
  if (to != nullptr) AppendUtf8(code, *to);
  return true;
}

}  // namespace

std::string_view XmlLocalName(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool ReadXmlText(std::string_view text, bool is_attribute, std::string* to) {
  constexpr size_t kReferenceBytesMax = 16;
  const auto add = [to](char c) {
    if (to != nullptr) to->push_back(c);
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&') {
      const size_t length = text.substr(i + 1, kReferenceBytesMax).find(';');
      if (length == std::string_view::npos || !ReadReference(text.substr(i + 1, length), to)) {
        return false;
      }
      i += length + 1;
    } else if (!IsCharacterByte(c)) {
      return false;
    } else if (c == '\r') {
      if (!text.substr(i + 1).starts_with('\n')) add(is_attribute ? ' ' : '\n');
    } else {
      add(is_attribute && (c == '\n' || c == '\t') ? ' ' : c);
    }
  }
  return true;
}

XmlScanner::XmlScanner(std::string_view document) : document_(document), rest_(document) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  if (rest_.starts_with("<?xml") && rest_.size() > 5 && !IsNameByte(rest_[5])) ReadDeclaration();
}

bool XmlScanner::Broken(std::string_view what, std::string_view word) {
  status_ = absl::InvalidArgumentError(
      StrCat(word, ": ", what, ", byte ", document_.size() - rest_.size()));
  return false;
}

std::optional<XmlEvent> XmlScanner::Fail(std::string_view what, std::string_view word) {
  Broken(what, word);
  return std::nullopt;
}

void XmlScanner::SkipBlanks() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
}

bool XmlScanner::TakeBetween(std::string_view begin, std::string_view end,
                             std::string_view& between) {
  const size_t at = rest_.find(end, begin.size());
  if (at == std::string_view::npos) return false;
  between = rest_.substr(begin.size(), at - begin.size());
  rest_.remove_prefix(at + end.size());
  return true;
}

bool XmlScanner::ReadDeclaration() {
  std::string_view text;
  if (!TakeBetween("<?xml", "?>", text)) return Broken("the declaration has no end");
  const size_t at = text.find("encoding");
  if (at == std::string_view::npos) return true;
  const size_t open = text.find_first_of("\"'", at);
  if (open == std::string_view::npos) return Broken("the declaration is broken");
  const size_t close = text.find(text[open], open + 1);
  const std::string name = LowerCase(text.substr(open + 1, close - open - 1));
  const bool is_ascii = std::all_of(document_.begin(), document_.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (name == "utf-8" || name == "us-ascii" || is_ascii) return true;
  return Broken("is not in UTF-8", "xml_encoding");
}

std::optional<XmlEvent> XmlScanner::Next() {
  if (!status_.ok()) return std::nullopt;
  if (ends_at_once_) {
    ends_at_once_ = false;
    open_.pop_back();
    return XmlEvent::kEnd;
  }
  while (true) {
    if (rest_.empty()) {
      if (!open_.empty()) return Fail("an element has no end");
      return root_seen_ ? std::optional(XmlEvent::kDone) : Fail("there is no element");
    }
    if (rest_.starts_with("<?") || rest_.starts_with("<!--")) {
      if (!SkipMarkup()) return std::nullopt;
      continue;
    }
    if (rest_.starts_with('<') && !rest_.starts_with("<![CDATA[")) return Tag();
    if (!open_.empty()) return Text();
    const std::string_view between = rest_.substr(0, rest_.find('<'));
    if (between.empty() || !IsBlank(between)) return Fail("text stands outside of the root");
    rest_.remove_prefix(between.size());
  }
}

bool XmlScanner::SkipMarkup() {
  std::string_view between;
  if (rest_.starts_with("<?")) {
    return TakeBetween("<?", "?>", between) || Broken("an instruction has no end");
  }
  if (!TakeBetween("<!--", "-->", between)) return Broken("a comment has no end");
  // XML 1.0 section 2.5; other readers end a comment there.
  return between.find("--") == std::string_view::npos || Broken("a comment holds two hyphens");
}

std::optional<XmlEvent> XmlScanner::Text() {
  is_cdata_ = rest_.starts_with("<![CDATA[");
  if (is_cdata_) {
    if (!TakeBetween("<![CDATA[", "]]>", text_)) return Fail("a CDATA section has no end");
    return std::all_of(text_.begin(), text_.end(), IsCharacterByte)
               ? std::optional(XmlEvent::kText)
               : Fail("a CDATA section holds a control character");
  }
  text_ = rest_.substr(0, rest_.find('<'));
  if (!ReadXmlText(text_, /*is_attribute=*/false, nullptr)) {
    return Fail("a text holds a bad reference or character");
  }
  rest_.remove_prefix(text_.size());
  return XmlEvent::kText;
}

void XmlScanner::AppendText(std::string& to) const {
  if (!is_cdata_) {
    ReadXmlText(text_, /*is_attribute=*/false, &to);
    return;
  }
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] != '\r') {
      to.push_back(text_[i]);
    } else if (!text_.substr(i + 1).starts_with('\n')) {
      to.push_back('\n');
    }
  }
}

std::optional<XmlEvent> XmlScanner::Tag() {
  if (rest_.starts_with("<!")) {
    if (rest_.starts_with("<!DOCTYPE")) return Fail("a document type is not read", "xml_dtd");
    return Fail("unknown markup");
  }
  return rest_.starts_with("</") ? EndTag() : StartTag();
}

std::optional<XmlEvent> XmlScanner::EndTag() {
  name_ = NameOf(rest_.substr(2));
  if (open_.empty() || name_ != open_.back()) return Fail("an end tag has no start");
  rest_.remove_prefix(2 + name_.size());
  SkipBlanks();
  if (!rest_.starts_with('>')) return Fail("an end tag has no end");
  rest_.remove_prefix(1);
  open_.pop_back();
  return XmlEvent::kEnd;
}

std::optional<XmlEvent> XmlScanner::StartTag() {
  if (open_.empty() && root_seen_) return Fail("a second root");
  name_ = NameOf(rest_.substr(1));
  if (name_.empty()) return Fail("a tag has no name");
  if (open_.size() == limits::kXmlDepthMax) {
    status_ = absl::ResourceExhaustedError(
        StrCat("xml_depth: more than ", limits::kXmlDepthMax, " elements in each other"));
    return std::nullopt;
  }
  rest_.remove_prefix(1 + name_.size());
  attributes_.clear();
  while (true) {
    const size_t before = rest_.size();
    SkipBlanks();
    if (rest_.starts_with('>') || rest_.starts_with("/>")) break;
    if (rest_.size() == before) return Fail("a tag goes on behind its name");
    if (!ReadAttribute()) return std::nullopt;
  }
  if (HasRepeatedAttribute()) return Fail("an attribute is there twice");
  ends_at_once_ = rest_.starts_with('/');
  rest_.remove_prefix(ends_at_once_ ? 2 : 1);
  root_seen_ = true;
  open_.push_back(name_);
  return XmlEvent::kStart;
}

bool XmlScanner::ReadAttribute() {
  if (attributes_.size() == limits::kXmlAttributesMax) {
    status_ = absl::ResourceExhaustedError(
        StrCat("xml_attributes: more than ", limits::kXmlAttributesMax, " of one element"));
    return false;
  }
  Attribute attribute{.name = NameOf(rest_), .value = {}};
  if (attribute.name.empty()) return Broken("an attribute has no name");
  rest_.remove_prefix(attribute.name.size());
  SkipBlanks();
  if (!rest_.starts_with('=')) return Broken("an attribute has no value");
  rest_.remove_prefix(1);
  SkipBlanks();
  const char quote = rest_.empty() ? '\0' : rest_.front();
  const size_t end = quote == '"' || quote == '\'' ? rest_.find(quote, 1) : std::string_view::npos;
  if (end == std::string_view::npos) return Broken("an attribute's value has no quotes");
  attribute.value = rest_.substr(1, end - 1);
  if (attribute.value.find('<') != std::string_view::npos ||
      !ReadXmlText(attribute.value, /*is_attribute=*/true, nullptr)) {
    return Broken("an attribute holds a bad reference or character");
  }
  rest_.remove_prefix(end + 1);
  attributes_.push_back(attribute);
  return true;
}

bool XmlScanner::HasRepeatedAttribute() const {
  if (attributes_.size() < 2) return false;
  std::vector<std::string_view> names;
  names.reserve(attributes_.size());
  for (const Attribute& attribute : attributes_) names.push_back(attribute.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace hookbridge
