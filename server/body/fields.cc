#include "server/body/fields.h"

#include "server/base/form_scan.h"
#include "server/base/strings.h"
#include "server/body/multipart.h"

namespace hookbridge {

namespace {

absl::Status ReadForm(std::string_view content, std::vector<BodyField>& fields) {
  FormScanner form(content);
  while (form.Next()) {
    fields.push_back({.name = form.name(),
                      .value = form.value(),
                      .encoded_name = form.encoded_name(),
                      .encoded_value = form.encoded_value()});
  }
  if (form.status().ok()) return absl::OkStatus();
  const std::string_view word =
      absl::IsResourceExhausted(form.status()) ? "form_fields" : "form_syntax";
  return {form.status().code(), StrCat(word, ": ", ToStd(form.status().message()))};
}

absl::Status ReadMultipart(std::string_view content, std::string_view content_type,
                           std::vector<BodyField>& fields) {
  const auto boundary = MultipartBoundary(content_type);
  if (!boundary.ok()) return boundary.status();
  MultipartScanner form(content, *boundary);
  while (form.Next()) {
    const FormPart& part = form.part();
    fields.push_back({.name = part.name,
                      .value = std::string(part.value),
                      .encoded_name = part.encoded_name,
                      .encoded_value = part.value,
                      .is_file = part.is_file,
                      .filename = part.filename,
                      .content_type = part.content_type});
  }
  return form.status();
}

}  // namespace

absl::Status ReadFields(config::v1::BodyFormat format, std::string_view content,
                        std::string_view content_type, std::vector<BodyField>& fields) {
  if (format == config::v1::BODY_FORMAT_FORM) return ReadForm(content, fields);
  if (format == config::v1::BODY_FORMAT_MULTIPART) {
    return ReadMultipart(content, content_type, fields);
  }
  return absl::OkStatus();
}

const BodyField* FindOnly(const std::vector<BodyField>& fields, std::string_view name) {
  const BodyField* found = nullptr;
  for (const BodyField& field : fields) {
    if (field.name != name) continue;
    if (found != nullptr) return nullptr;
    found = &field;
  }
  return found;
}

}  // namespace hookbridge
