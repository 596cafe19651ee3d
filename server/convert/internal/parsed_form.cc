#include "server/convert/internal/parsed_form.h"

#include "server/base/encoding.h"
#include "server/base/form_scan.h"
#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/convert/internal/value_writer.h"

#include <algorithm>
#include <map>
#include <vector>

namespace hookbridge {
namespace {

// Fields of hookbridge.v1.Event.
constexpr uint32_t kJsonField = 21;
constexpr uint32_t kTextField = 22;
constexpr uint32_t kBinaryField = 23;
constexpr uint32_t kInexactField = 24;
// Fields of google.protobuf.Value and what it holds.
constexpr uint32_t kValueString = 3;
constexpr uint32_t kValueStruct = 5;
constexpr uint32_t kValueList = 6;

absl::Status TooLarge(size_t bytes, uint64_t bytes_max) {
  return absl::ResourceExhaustedError(
      StrCat("parsed_size: ", bytes, " bytes, ", bytes_max, " allowed"));
}

absl::StatusOr<std::string> JsonRun(const JsonTape& tape, const ConvertLimits& limits) {
  if (tape.inexact_count() > limits::kInexactNumbersMax) {
    return absl::ResourceExhaustedError(
        StrCat("inexact_numbers: more than ", limits::kInexactNumbersMax));
  }
  const size_t bytes = ValueWireBytes(tape.nodes().front());
  if (bytes > limits.parsed_bytes_max) return TooLarge(bytes, limits.parsed_bytes_max);
  std::string run;
  run.reserve(bytes + 8);
  AppendTag(run, kJsonField, WireType::kBytes);
  AppendVarint(run, bytes);
  AppendValue(tape, run);
  for (const std::string& pointer : InexactPointers(tape)) {
    AppendBytesField(run, kInexactField, pointer);
  }
  if (run.size() > limits.parsed_bytes_max + 8)
    return TooLarge(run.size(), limits.parsed_bytes_max);
  return run;
}

std::string StringValue(std::string_view text) {
  std::string value;
  AppendBytesField(value, kValueString, text);
  return value;
}

// One field of google.protobuf.Struct, in the message that holds it.
void AppendEntry(std::string& object, std::string_view name, std::string_view value) {
  std::string entry;
  AppendBytesField(entry, 1, name);
  AppendBytesField(entry, 2, value);
  AppendBytesField(object, 1, entry);
}

std::string FieldValue(const BodyField& field) {
  if (!field.is_file) return StringValue(field.value);
  std::string object;
  AppendEntry(object, "filename", StringValue(field.filename));
  AppendEntry(object, "content_type", StringValue(field.content_type));
  AppendEntry(object, "base64", StringValue(Base64Encode(field.value)));
  std::string value;
  AppendBytesField(value, kValueStruct, object);
  return value;
}

// Names and texts are; what is in a file need not be.
bool IsUtf8(const BodyField& field) {
  return IsValidUtf8(field.name) && IsValidUtf8(field.filename) &&
         IsValidUtf8(field.content_type) && (field.is_file || IsValidUtf8(field.value));
}

// An object of texts and files; names in the order of their first use, repeats become lists.
absl::StatusOr<std::string> FormRun(const std::vector<BodyField>& fields,
                                    const ConvertLimits& limits) {
  std::vector<std::string_view> names;
  std::map<std::string_view, std::vector<const BodyField*>> by_name;
  size_t bytes = 0;
  for (const BodyField& field : fields) {
    bytes += field.value.size();
    if (bytes > limits.parsed_bytes_max) return TooLarge(bytes, limits.parsed_bytes_max);
    if (!IsUtf8(field)) return absl::InvalidArgumentError("form_utf8: a field is not UTF-8");
    auto& of_name = by_name[field.name];
    if (of_name.empty()) names.push_back(field.name);
    of_name.push_back(&field);
  }
  std::string object;
  for (const std::string_view name : names) {
    const auto& of_name = by_name[name];
    if (of_name.size() == 1) {
      AppendEntry(object, name, FieldValue(*of_name.front()));
      continue;
    }
    std::string list;
    for (const BodyField* const field : of_name) AppendBytesField(list, 1, FieldValue(*field));
    std::string value;
    AppendBytesField(value, kValueList, list);
    AppendEntry(object, name, value);
  }
  std::string value;
  AppendBytesField(value, kValueStruct, object);
  if (value.size() > limits.parsed_bytes_max)
    return TooLarge(value.size(), limits.parsed_bytes_max);
  std::string run;
  AppendBytesField(run, kJsonField, value);
  return run;
}

}  // namespace

ParsedForm FormOf(config::v1::BodyFormat format) {
  switch (format) {
    case config::v1::BODY_FORMAT_FORM:
      return ParsedForm::kForm;
    case config::v1::BODY_FORMAT_MULTIPART:
      return ParsedForm::kMultipart;
    case config::v1::BODY_FORMAT_TEXT:
    case config::v1::BODY_FORMAT_XML:
      return ParsedForm::kText;
    case config::v1::BODY_FORMAT_BINARY:
      return ParsedForm::kBinary;
    default:
      return ParsedForm::kJson;
  }
}

absl::StatusOr<std::string> MakeDataRun(ParsedForm form, std::string_view body,
                                        const JsonTape& tape, const std::vector<BodyField>& fields,
                                        const ConvertLimits& limits) {
  if (form == ParsedForm::kJson) return JsonRun(tape, limits);
  if (form == ParsedForm::kForm || form == ParsedForm::kMultipart) return FormRun(fields, limits);
  std::string run;
  if (form == ParsedForm::kNone) return run;
  if (body.size() > limits.parsed_bytes_max) return TooLarge(body.size(), limits.parsed_bytes_max);
  if (form == ParsedForm::kText && !IsValidUtf8(body)) {
    return absl::InvalidArgumentError("text_utf8: the body is not UTF-8");
  }
  AppendBytesField(run, form == ParsedForm::kText ? kTextField : kBinaryField, body);
  return run;
}

void SkimForm(std::string_view body, const std::set<std::string>& names,
              std::vector<BodyField>& fields) {
  fields.clear();
  while (!body.empty() && fields.size() < names.size()) {
    const std::string_view piece = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(piece.size() + 1, body.size()));
    FormScanner form(piece);
    if (!form.Next() || !names.contains(form.name())) continue;
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const BodyField& field) {
      return field.name == form.name();
    });
    if (!known) fields.push_back({.name = form.name(), .value = form.value()});
  }
}

}  // namespace hookbridge
