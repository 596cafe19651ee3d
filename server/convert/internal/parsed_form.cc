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

// An object of texts; names in the order of their first use, repeats become lists.
absl::StatusOr<std::string> FormRun(const FormFields& fields, const ConvertLimits& limits) {
  std::vector<std::string_view> names;
  std::map<std::string_view, std::vector<std::string_view>> values;
  for (const auto& [name, value] : fields) {
    if (!IsValidUtf8(name) || !IsValidUtf8(value)) {
      return absl::InvalidArgumentError("form_utf8: a field is not UTF-8");
    }
    auto& of_name = values[name];
    if (of_name.empty()) names.push_back(name);
    of_name.push_back(value);
  }
  std::string object;
  for (const std::string_view name : names) {
    const auto& of_name = values[name];
    std::string value;
    if (of_name.size() == 1) {
      value = StringValue(of_name.front());
    } else {
      std::string list;
      for (const std::string_view text : of_name) AppendBytesField(list, 1, StringValue(text));
      AppendBytesField(value, kValueList, list);
    }
    std::string entry;
    AppendBytesField(entry, 1, name);
    AppendBytesField(entry, 2, value);
    AppendBytesField(object, 1, entry);
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
    case config::v1::BODY_FORMAT_TEXT:
      return ParsedForm::kText;
    case config::v1::BODY_FORMAT_BINARY:
      return ParsedForm::kBinary;
    default:
      return ParsedForm::kJson;
  }
}

absl::StatusOr<std::string> MakeDataRun(ParsedForm form, std::string_view body,
                                        const JsonTape& tape, const FormFields& fields,
                                        const ConvertLimits& limits) {
  if (form == ParsedForm::kJson) return JsonRun(tape, limits);
  if (form == ParsedForm::kForm) return FormRun(fields, limits);
  std::string run;
  if (form == ParsedForm::kNone) return run;
  if (body.size() > limits.parsed_bytes_max) return TooLarge(body.size(), limits.parsed_bytes_max);
  if (form == ParsedForm::kText && !IsValidUtf8(body)) {
    return absl::InvalidArgumentError("text_utf8: the body is not UTF-8");
  }
  AppendBytesField(run, form == ParsedForm::kText ? kTextField : kBinaryField, body);
  return run;
}

void SkimForm(std::string_view body, const std::set<std::string>& names, FormFields& fields) {
  fields.clear();
  while (!body.empty() && fields.size() < names.size()) {
    const std::string_view piece = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(piece.size() + 1, body.size()));
    FormScanner form(piece);
    if (!form.Next() || !names.contains(form.name())) continue;
    const bool known = std::any_of(fields.begin(), fields.end(),
                                   [&](const auto& field) { return field.first == form.name(); });
    if (!known) fields.emplace_back(form.name(), form.value());
  }
}

absl::Status ReadForm(std::string_view body, FormFields& fields) {
  FormScanner form(body);
  while (form.Next()) fields.emplace_back(form.name(), form.value());
  if (form.status().ok()) return absl::OkStatus();
  const std::string_view word =
      absl::IsResourceExhausted(form.status()) ? "form_fields" : "form_syntax";
  return {form.status().code(), StrCat(word, ": ", ToStd(form.status().message()))};
}

}  // namespace hookbridge
