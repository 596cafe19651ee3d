// Any bytes are a multipart body, behind a line that is its Content-Type: its fields are within the
// limits, and their bytes are the body's own, in order.
#include "server/base/limits.h"
#include "server/body/fields.h"
#include "server/body/multipart.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of its own, so that a byte read beyond its end is seen.
  const std::vector<char> bytes(data, data + size);
  const std::string_view input(bytes.data(), bytes.size());
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view content_type = input.substr(0, end);
  const std::string_view body = input.substr(std::min(end + 1, input.size()));
  std::vector<BodyField> fields;
  const absl::Status status =
      ReadFields(config::v1::BODY_FORMAT_MULTIPART, body, content_type, fields);
  Require(status.ok() || absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status));
  const auto boundary = MultipartBoundary(content_type);
  Require(boundary.ok() || (!status.ok() && fields.empty()));
  Require(!boundary.ok() || boundary->size() <= limits::kBoundaryBytesMax);
  Require(fields.size() <= limits::kFormFieldsMax);
  const char* at = body.data();
  for (const BodyField& field : fields) {
    Require(field.value == field.encoded_value);
    Require(field.is_file || field.filename.empty());
    Require(field.name.size() + field.filename.size() <= limits::kPartHeaderBytesMax);
    Require(field.name.empty() || field.encoded_name.data() >= at);
    if (field.value.empty()) continue;
    Require(field.encoded_value.data() >= at);
    at = field.encoded_value.data() + field.encoded_value.size();
    Require(at <= body.data() + body.size());
  }
  return 0;
}
