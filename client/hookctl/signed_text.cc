#include "client/hookctl/signed_text.h"

#include "server/base/crc32.h"
#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/fields.h"
#include "server/body/format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include <algorithm>

namespace hookbridge::hookctl {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;

std::string QueryOf(const Unsigned& webhook) {
  const std::string url = ProviderUrl(webhook);
  const size_t query = url.find('?');
  return query == std::string::npos ? webhook.query : url.substr(query + 1);
}

std::vector<BodyField> ReadForm(const std::string& text) {
  std::vector<BodyField> fields;
  ReadFields(config::v1::BODY_FORMAT_FORM, text, "", fields).IgnoreError();
  return fields;
}

// Of a multipart body, if the Content-Type says so; else of a form.
std::vector<BodyField> ReadBodyForm(const Unsigned& webhook) {
  const std::string* const type = FindHeader(webhook.headers, "Content-Type");
  if (type == nullptr || MediaType(*type) != "multipart/form-data") return ReadForm(webhook.body);
  std::vector<BodyField> fields;
  ReadFields(config::v1::BODY_FORMAT_MULTIPART, webhook.body, *type, fields).IgnoreError();
  return fields;
}

absl::StatusOr<std::string> FindInFields(const std::vector<BodyField>& fields,
                                         const std::string& name) {
  const BodyField* const found = FindOnly(fields, name);
  if (found != nullptr) return found->value;
  return absl::InvalidArgumentError(
      StrCat("the scheme signs the field ", name, ", which is not there once"));
}

std::string FieldsText(const config::v1::FieldsPart& rule, const std::vector<BodyField>& fields) {
  std::vector<BodyField> chosen;
  if (rule.order() == config::v1::FIELDS_ORDER_LISTED) {
    for (const std::string& name : rule.names()) {
      std::ranges::copy_if(fields, std::back_inserter(chosen),
                           [&](const BodyField& field) { return field.name == name; });
    }
  } else {
    std::ranges::copy_if(fields, std::back_inserter(chosen), [&](const BodyField& field) {
      return std::ranges::find(rule.except(), field.name) == rule.except().end();
    });
    if (rule.order() != config::v1::FIELDS_ORDER_AS_SENT) {
      std::ranges::stable_sort(chosen, {}, &BodyField::name);
    }
  }
  const std::vector<std::pair<std::string, std::string>> replace(rule.replace().begin(),
                                                                 rule.replace().end());
  std::string joined;
  for (const BodyField& field : chosen) {
    if (&field != &chosen.front()) joined += rule.has_between() ? rule.between() : "&";
    if (!rule.values_only()) {
      joined += rule.encoded() ? std::string(field.encoded_name) : field.name;
      joined += rule.has_assign() ? rule.assign() : "=";
    }
    joined += absl::StrReplaceAll(rule.encoded() ? std::string(field.encoded_value) : field.value,
                                  replace);
  }
  return joined;
}

absl::StatusOr<std::string> PartText(const config::v1::MessagePart& part, const Unsigned& webhook,
                                     const std::vector<HeaderField>& headers,
                                     const std::string& timestamp, const std::string& secret) {
  const std::string url = ProviderUrl(webhook);
  switch (part.part_case()) {
    case MessagePart::kLiteral:
      return part.literal();
    case MessagePart::kTimestamp:
      return timestamp;
    case MessagePart::kMethod:
      return webhook.method;
    case MessagePart::kSecret:
      return secret;
    case MessagePart::kUrl:
      return url;
    case MessagePart::kUrlDecoded:
      if (url.find('%') == std::string::npos) return url;
      return absl::InvalidArgumentError("hookctl does not sign a URL with percent-encoding here");
    case MessagePart::kHeader: {
      const std::string* const value = FindHeader(headers, part.header());
      if (value != nullptr) return *value;
      return absl::InvalidArgumentError(StrCat("the scheme signs the header ", part.header(),
                                               ", which nothing gives; add --header"));
    }
    case MessagePart::kBody:
      return webhook.body;
    case MessagePart::kBodyCrc32:
      return StrCat(Crc32(webhook.body));
    case MessagePart::kConfig: {
      const auto value = webhook.values.find(part.config());
      if (value != webhook.values.end()) return value->second;
      return absl::InvalidArgumentError(
          StrCat("the scheme signs the value ", part.config(), "; add --value"));
    }
    case MessagePart::kFormField:
    case MessagePart::kQuery: {
      const bool form = part.has_form_field();
      const std::string& name = form ? part.form_field() : part.query();
      auto text = form ? FindInForm(webhook, name) : FindInQuery(webhook, name);
      if (text.ok() && part.lower_case()) absl::AsciiStrToLower(&*text);
      return text;
    }
    case MessagePart::kFields: {
      const bool query = part.fields().from() == config::v1::FIELDS_FROM_QUERY;
      return FieldsText(part.fields(), query ? ReadForm(QueryOf(webhook)) : ReadBodyForm(webhook));
    }
    case MessagePart::kJsonPointer:  // BuildMessage knows where the document is
    case MessagePart::PART_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("hookctl does not know a part of the message, or it is empty");
}

}  // namespace

absl::StatusOr<std::string> FindInBody(const Recipe& recipe, const Unsigned& webhook,
                                       const std::string& pointer) {
  const std::vector<BodyField> fields =
      recipe.json_field().empty() ? std::vector<BodyField>() : ReadBodyForm(webhook);
  const BodyField* const document = FindOnly(fields, recipe.json_field());
  const std::string& body = document == nullptr ? webhook.body : document->value;
  JsonTape tape;
  const auto made = JsonPointer::Parse(pointer);
  const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                          .elements_max = limits::kJsonElementsMax};
  const JsonNode* const node =
      made.ok() && tape.Parse(body, limits).ok() ? made->Find(tape) : nullptr;
  if (node != nullptr && (node->type == JsonType::kString || node->type == JsonType::kNumber)) {
    return std::string(tape.Text(*node));
  }
  if (node != nullptr && node->type == JsonType::kTrue) return "true";
  if (node != nullptr && node->type == JsonType::kFalse) return "false";
  return absl::InvalidArgumentError(
      StrCat("the scheme signs ", pointer, " of the body, which is not there"));
}

const std::string* FindHeader(const std::vector<HeaderField>& headers, const std::string& names) {
  for (const absl::string_view name : absl::StrSplit(names, '|')) {
    const auto found = std::ranges::find_if(headers, [&](const HeaderField& field) {
      return absl::EqualsIgnoreCase(field.first, name);
    });
    if (found != headers.end()) return &found->second;
  }
  return nullptr;
}

absl::StatusOr<std::string> FindInForm(const Unsigned& webhook, const std::string& name) {
  return FindInFields(ReadBodyForm(webhook), name);
}

absl::StatusOr<std::string> FindInQuery(const Unsigned& webhook, const std::string& name) {
  return FindInFields(ReadForm(QueryOf(webhook)), name);
}

absl::StatusOr<std::string> BuildMessage(const Recipe& recipe, const Unsigned& webhook,
                                         const std::vector<HeaderField>& headers,
                                         const std::string& timestamp, const std::string& secret) {
  std::string message;
  for (const config::v1::MessagePart& part : recipe.message()) {
    const auto text = part.has_json_pointer() ? FindInBody(recipe, webhook, part.json_pointer())
                                              : PartText(part, webhook, headers, timestamp, secret);
    if (!text.ok()) return text.status();
    message += *text;
  }
  return message;
}

}  // namespace hookbridge::hookctl
