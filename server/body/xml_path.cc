#include "server/body/xml_path.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/internal/xml_scanner.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

std::string Trimmed(std::string text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.erase(text.find_last_not_of(kBlanks) + 1);
  text.erase(0, text.find_first_not_of(kBlanks));
  return text;
}

// What is known of one place while the document is read.
class Search {
 public:
  explicit Search(const XmlPath& path) : path_(path) {}

  // The element that begins at this depth; the root is at 1.
  void Start(const XmlScanner& scanner) {
    if (inside_) {
      // Elements in it: it has no text, and others of its name do not stand for it.
      has_elements_ = true;
      return;
    }
    if (done_ || matched_ + 1 != scanner.depth() || matched_ == path_.elements().size()) return;
    const std::string& wanted = path_.elements()[matched_];
    if (!wanted.empty() && wanted != XmlLocalName(scanner.name())) return;
    if (++matched_ < path_.elements().size()) return;
    if (path_.attribute().empty()) {
      inside_ = true;
      return;
    }
    done_ = true;
    for (const auto& [name, value] : scanner.attributes()) {
      if (name.starts_with("xmlns:") || XmlLocalName(name) != path_.attribute()) continue;
      ReadXmlText(value, /*is_attribute=*/true, &value_.emplace());
      return;
    }
  }

  void Text(const XmlScanner& scanner) {
    if (inside_ && !has_elements_) scanner.AppendText(text_);
  }

  // Of an element that leaves this many open.
  void End(size_t depth) {
    if (matched_ <= depth) return;
    matched_ = depth;
    if (!std::exchange(inside_, false)) return;
    done_ = true;
    if (!has_elements_) value_ = Trimmed(std::move(text_));
  }

  std::optional<std::string> Take() { return std::move(value_); }

 private:
  const XmlPath& path_;
  size_t matched_ = 0;  // how many of the path's elements are open
  bool inside_ = false;
  bool has_elements_ = false;
  bool done_ = false;
  std::string text_;
  std::optional<std::string> value_;
};

absl::Status BadPath(std::string_view what) { return absl::InvalidArgumentError(StrCat(what)); }

}  // namespace

absl::StatusOr<XmlPath> XmlPath::Parse(std::string_view text) {
  if (!text.starts_with('/')) return BadPath("an XML place begins with /");
  XmlPath path;
  while (!text.empty()) {
    text.remove_prefix(1);
    if (!path.attribute_.empty()) return BadPath("an attribute is the last name of an XML place");
    std::string_view name = text.substr(0, text.find('/'));
    text.remove_prefix(name.size());
    const bool is_attribute = name.starts_with('@');
    if (is_attribute) name.remove_prefix(1);
    if (name.empty() || name.find_first_of("@:*[]() \t\r\n") != std::string_view::npos) {
      return BadPath("an XML place is names with / between them, without prefixes");
    }
    if (is_attribute) {
      path.attribute_ = name;
    } else {
      path.elements_.emplace_back(name);
    }
  }
  if (path.elements_.empty()) return BadPath("an XML place begins with the root's name");
  if (path.elements_.size() > limits::kXmlDepthMax) return BadPath("an XML place is too deep");
  return path;
}

XmlPath XmlPath::BelowRoot(std::string element) {
  XmlPath path;
  path.elements_ = {"", std::move(element)};
  return path;
}

absl::Status ReadXml(std::string_view document, std::span<const XmlPath> paths,
                     std::vector<std::optional<std::string>>& values) {
  std::vector<Search> searches(paths.begin(), paths.end());
  XmlScanner scanner(document);
  auto event = scanner.Next();
  for (; event && *event != XmlEvent::kDone; event = scanner.Next()) {
    for (Search& search : searches) {
      if (*event == XmlEvent::kStart) search.Start(scanner);
      if (*event == XmlEvent::kText) search.Text(scanner);
      if (*event == XmlEvent::kEnd) search.End(scanner.depth());
    }
  }
  values.clear();
  for (Search& search : searches) values.push_back(search.Take());
  return scanner.status();
}

}  // namespace hookbridge
