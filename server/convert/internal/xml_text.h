#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// The text of the first element `name` right below the root of an XML document, entities of XML's
// own five resolved and blanks at its ends removed. nullopt: there is none, it has elements in it,
// or the document has a DTD, CDATA or a shape that this does not read. No XML parser: enough for
// one value of a document that was verified. Pure; linear.
std::optional<std::string> FindXmlText(std::string_view document, std::string_view name);

// The same in a document whose base64 this is; line ends in it are skipped, as senders wrap it.
std::optional<std::string> FindInBase64Xml(std::string_view base64, std::string_view name);

}  // namespace hookbridge
