// Any bytes are an XML document: values are found within the limits, what is found does not depend
// on what else is asked for, and of a document without a fault no prefix has another value.
#include "server/base/limits.h"
#include "server/body/xml_path.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

using Values = std::vector<std::optional<std::string>>;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const paths = new std::vector<XmlPath>{
      *XmlPath::Parse("/a"),    *XmlPath::Parse("/a/b"),    *XmlPath::Parse("/a/b/c"),
      *XmlPath::Parse("/a/@b"), *XmlPath::Parse("/a/b/@c"), XmlPath::BelowRoot("b")};
  // A copy of its own, so that a byte read beyond its end is seen.
  const std::vector<char> bytes(data, data + size);
  const std::string_view document(bytes.data(), bytes.size());
  Values values;
  const absl::Status status = ReadXml(document, *paths, values);
  Require(status.ok() || absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status));
  Require(values.size() == paths->size());
  for (size_t i = 0; i < paths->size(); ++i) {
    Values alone;
    Require(ReadXml(document, std::span(*paths).subspan(i, 1), alone) == status);
    Require(alone.front() == values[i]);
    Require(!values[i] || values[i]->size() <= document.size());
  }
  if (!status.ok()) return 0;
  Values before;
  ReadXml(document.substr(0, document.size() / 2), *paths, before).IgnoreError();
  for (size_t i = 0; i < paths->size(); ++i) Require(!before[i] || before[i] == values[i]);
  return 0;
}
