#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/status.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A field of a form, or a parameter of a query. The views point into the text that was read.
struct BodyField {
  std::string name;
  std::string value;                   // what the text stands for; of a file its bytes
  std::string_view encoded_name = {};  // as it came
  std::string_view encoded_value = {};
  bool is_file = false;  // MULTIPART: it has a filename, which may be empty
  std::string filename = {};
  std::string content_type = {};
};

// Adds the fields of a FORM or MULTIPART body, in order and with repeats; `content` is also a
// query. Other formats have none. Errors: kInvalidArgument, kResourceExhausted with `form_syntax`,
// `form_fields`, `multipart_syntax` or `multipart_header`; fields before it stay.
absl::Status ReadFields(config::v1::BodyFormat format, std::string_view content,
                        std::string_view content_type, std::vector<BodyField>& fields);

// The field of that name when there is exactly one; else nullptr.
const BodyField* FindOnly(const std::vector<BodyField>& fields, std::string_view name);

}  // namespace hookbridge
