#pragma once

#include "absl/status/status.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

enum class XmlEvent { kStart, kEnd, kText, kDone };

// A name without its namespace prefix.
std::string_view XmlLocalName(std::string_view name);

// Goes over an XML document (XML 1.0, without DTD) tag by tag, and sees that tags match. Ownership:
// views the document, which outlives it. Threads: thread-compatible. Each byte is read once or
// twice.
class XmlScanner {
 public:
  struct Attribute {
    std::string_view name;   // with its prefix
    std::string_view value;  // between the quotes, references as they came, all of them good
  };

  explicit XmlScanner(std::string_view document);

  // The next event; nullopt for a fault, which status() says (ReadXml), and then ever after. kText
  // is one run of characters or a CDATA section within the root.
  std::optional<XmlEvent> Next();

  // Of kStart and kEnd, with its prefix.
  std::string_view name() const { return name_; }
  // Of kStart.
  const std::vector<Attribute>& attributes() const { return attributes_; }
  // Of kText: adds the characters, with references resolved and line ends as one line feed.
  void AppendText(std::string& to) const;
  // How many elements are open: with the one of kStart, without the one of kEnd.
  size_t depth() const { return open_.size(); }
  const absl::Status& status() const { return status_; }

 private:
  // Both set the status.
  bool Broken(std::string_view what, std::string_view word = "xml_syntax");
  std::optional<XmlEvent> Fail(std::string_view what, std::string_view word = "xml_syntax");
  std::optional<XmlEvent> Text();
  std::optional<XmlEvent> Tag();
  std::optional<XmlEvent> EndTag();
  std::optional<XmlEvent> StartTag();
  // Takes what is between `begin`, which stands there, and `end`; false when that is missing.
  bool TakeBetween(std::string_view begin, std::string_view end, std::string_view& between);
  // Passes over a comment or processing instruction; false when it is none.
  bool SkipMarkup();
  bool ReadDeclaration();
  bool ReadAttribute();
  bool HasRepeatedAttribute() const;
  void SkipBlanks();

  const std::string_view document_;
  std::string_view rest_;
  std::vector<std::string_view> open_;  // names
  std::vector<Attribute> attributes_;
  std::string_view name_;
  std::string_view text_;
  bool is_cdata_ = false;
  bool ends_at_once_ = false;  // the start tag was `<name/>`: its end comes next
  bool root_seen_ = false;
  absl::Status status_;
};

// Adds an attribute's value or a text to `to`, which may be null, with references resolved. False:
// a bad reference or a character that XML does not have; what was added before stays.
bool ReadXmlText(std::string_view text, bool is_attribute, std::string* to);

}  // namespace hookbridge
