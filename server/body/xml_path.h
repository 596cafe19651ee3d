#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A place in an XML document made ready: `/order/id`, the element `id` in the root `order`, or its
// attribute, `/order/id/@unit`. Immutable.
class XmlPath {
 public:
  // kInvalidArgument: does not start with `/`, has an empty name or one with a prefix, an `@` that
  // is not the last name's, or more than kXmlDepthMax elements.
  static absl::StatusOr<XmlPath> Parse(std::string_view text);
  // The element right below the root, whatever the root is.
  static XmlPath BelowRoot(std::string element);

  const std::vector<std::string>& elements() const { return elements_; }  // empty name: any
  const std::string& attribute() const { return attribute_; }             // empty: the text

 private:
  std::vector<std::string> elements_;
  std::string attribute_;
};

// What `document` has at the places: `values[i]` of `paths[i]`, of several elements there the first
// one's; blanks at the ends of a text are removed. Nullopt: there is none, or the element has
// elements in it. Names are compared without their namespace prefix. Reads the five entities of
// XML itself, numeric character references and CDATA; passes over comments and processing
// instructions. Of a document with a fault there is what was read before it. Pure; one pass, time
// is linear in the document; memory is what is found and a name for each open element.
// kInvalidArgument: `xml_syntax`; `xml_dtd` for a document type, whatever it says; `xml_encoding`
// for bytes beyond ASCII where another encoding than UTF-8 is declared. kResourceExhausted:
// `xml_depth`, more than kXmlDepthMax elements in each other; `xml_attributes`, more than
// kXmlAttributesMax of one.
absl::Status ReadXml(std::string_view document, std::span<const XmlPath> paths,
                     std::vector<std::optional<std::string>>& values);

}  // namespace hookbridge
