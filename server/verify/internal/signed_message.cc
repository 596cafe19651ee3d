#include "server/verify/internal/signed_message.h"

#include "server/base/crc32.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/internal/recipe_check.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::FieldsPart;
using config::v1::MessagePart;

// Undoes the percent-encoding of these characters alone.
std::string DecodeListed(std::string_view url) {
  constexpr std::string_view kListed = ":/?@!$'()*,;";
  std::string decoded;
  for (size_t i = 0; i < url.size(); ++i) {
    const auto byte = url[i] == '%' ? HexDecode(url.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1 && kListed.find(byte->front()) != std::string_view::npos) {
      decoded += *byte;
      i += 2;
    } else {
      decoded.push_back(url[i]);
    }
  }
  return decoded;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool Holds(const google::protobuf::RepeatedPtrField<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& listed) { return listed == name; });
}

// The fields that the rule takes, in its order.
std::vector<const BodyField*> Choose(const std::vector<BodyField>& fields, const FieldsPart& rule) {
  std::vector<const BodyField*> chosen;
  if (rule.order() == config::v1::FIELDS_ORDER_LISTED) {
    for (const std::string& name : rule.names()) {
      for (const BodyField& field : fields) {
        if (field.name == name) chosen.push_back(&field);
      }
    }
    return chosen;
  }
  for (const BodyField& field : fields) {
    if (!Holds(rule.except(), field.name)) chosen.push_back(&field);
  }
  if (rule.order() != config::v1::FIELDS_ORDER_AS_SENT) {
    std::stable_sort(chosen.begin(), chosen.end(),
                     [](const BodyField* a, const BodyField* b) { return a->name < b->name; });
  }
  return chosen;
}

void AppendReplaced(std::string_view value, const FieldsPart& rule, std::string& text) {
  if (rule.replace().empty()) {
    text += value;
    return;
  }
  for (const char c : value) {
    const auto found = rule.replace().find(std::string(1, c));
    if (found == rule.replace().end()) {
      text.push_back(c);
    } else {
      text += found->second;
    }
  }
}

}  // namespace

absl::StatusOr<MessageRule> MessageRule::Create(const config::v1::Recipe& recipe,
                                                std::string public_url, ConfigValues values) {
  MessageRule made;
  made.public_url_ = std::move(public_url);
  made.values_ = std::move(values);
  made.signs_inflated_ = recipe.signed_body() == config::v1::SIGNED_BODY_INFLATED;
  for (const MessagePart& part : recipe.message()) {
    if (part.has_config() && !made.values_.contains(part.config())) {
      return absl::InvalidArgumentError(
          StrCat("values.", part.config(), ": is missing; the provider signs it"));
    }
    made.parts_.push_back(part);
    if (!part.has_json_pointer()) continue;
    auto pointer = JsonPointer::Parse(part.json_pointer());
    if (!pointer.ok()) return pointer.status();
    made.pointers_.push_back(*std::move(pointer));
  }
  return made;
}

std::optional<Decision> MessageRule::AddHeader(const WebhookRequest& request,
                                               const std::string& name,
                                               SignedMessage& message) const {
  const FoundHeader found = FindRecipeHeader(request, name);
  if (found.line == nullptr) return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", name));
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
  message.parts.push_back(found.line->value);
  return std::nullopt;
}

std::optional<Decision> MessageRule::AddField(const FoundField& found, std::string_view kind,
                                              const std::string& name, bool lower_case,
                                              SignedMessage& message) {
  if (found.field == nullptr) {
    return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", kind, " ", name));
  }
  if (found.repeated) {
    return Refuse(Reason::kDuplicateHeader, StrCat(kind, " ", name, " is there twice"));
  }
  if (lower_case) {
    message.parts.push_back(message.made.emplace_back(LowerCase(found.field->value)));
  } else {
    message.parts.push_back(found.field->value);
  }
  return std::nullopt;
}

std::optional<Decision> MessageRule::AddFields(RequestFields& fields, const FieldsPart& rule,
                                               SignedMessage& message) {
  const bool query = rule.from() == config::v1::FIELDS_FROM_QUERY;
  if (query ? !fields.QueryIsSound() : !fields.FormIsSound()) {
    return Refuse(Reason::kSignatureMismatch,
                  query ? "the query cannot be read" : "the body is not a form");
  }
  const std::string between = rule.has_between() ? rule.between() : "&";
  const std::string assign = rule.has_assign() ? rule.assign() : "=";
  std::string text;
  bool first = true;
  for (const BodyField* const field : Choose(query ? fields.Query() : fields.Form(), rule)) {
    if (!std::exchange(first, false)) text += between;
    if (!rule.values_only()) {
      text += rule.encoded() ? field->encoded_name : std::string_view(field->name);
      text += assign;
    }
    AppendReplaced(rule.encoded() ? field->encoded_value : std::string_view(field->value), rule,
                   text);
  }
  message.parts.push_back(message.made.emplace_back(std::move(text)));
  return std::nullopt;
}

std::optional<Decision> MessageRule::Build(RequestReader& reader, std::string_view timestamp,
                                           SignedMessage& message) const {
  const WebhookRequest& request = reader.request;
  const std::string_view signed_body = signs_inflated_ ? request.content() : request.body;
  const auto url = [&] { return SignedUrl(public_url_, request.query); };
  const auto add_made = [&](std::string text) {
    message.parts.push_back(message.made.emplace_back(std::move(text)));
  };
  size_t pointers = 0;
  message.parts.reserve(parts_.size());
  for (const MessagePart& part : parts_) {
    std::optional<Decision> refused;
    switch (part.part_case()) {
      case MessagePart::kLiteral:
        message.parts.push_back(part.literal());
        break;
      case MessagePart::kBody:
        message.parts.push_back(signed_body);
        break;
      case MessagePart::kTimestamp:
        message.parts.push_back(timestamp);
        break;
      case MessagePart::kMethod:
        message.parts.push_back(request.method);
        break;
      case MessagePart::kUrl:
        add_made(url());
        break;
      case MessagePart::kUrlDecoded:
        add_made(DecodeListed(url()));
        break;
      case MessagePart::kSecret:
        message.secrets.push_back(message.parts.size());
        message.parts.emplace_back();
        break;
      case MessagePart::kConfig:
        message.parts.push_back(values_.find(part.config())->second);
        break;
      case MessagePart::kBodyCrc32:
        add_made(StrCat(Crc32(signed_body)));
        break;
      case MessagePart::kJsonPointer: {
        const auto value = reader.values.Find(pointers_[pointers++]);
        if (!value) {
          return Refuse(Reason::kSignedHeaderMissing,
                        StrCat("no ", part.json_pointer(), " in the body"));
        }
        message.parts.push_back(*value);
        break;
      }
      case MessagePart::kHeader:
        refused = AddHeader(request, part.header(), message);
        break;
      case MessagePart::kFormField:
        refused = AddField(reader.fields.FindInForm(part.form_field()), "form field",
                           part.form_field(), part.lower_case(), message);
        break;
      case MessagePart::kQuery:
        refused = AddField(reader.fields.FindInQuery(part.query()), "query parameter", part.query(),
                           part.lower_case(), message);
        break;
      case MessagePart::kFields:
        refused = AddFields(reader.fields, part.fields(), message);
        break;
      case MessagePart::PART_NOT_SET:
        break;
    }
    if (refused) return refused;
  }
  return std::nullopt;
}

}  // namespace hookbridge
