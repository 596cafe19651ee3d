#include "server/verify/internal/request_fields.h"

#include "server/body/format.h"

namespace hookbridge {

std::string_view RequestFields::ContentType() const {
  const HeaderLine* const line = request_.FindHeader("Content-Type");
  return line == nullptr ? std::string_view() : line->value;
}

config::v1::BodyFormat RequestFields::Format() const {
  return FormatOf(recipe_, request_.method, ContentType());
}

const std::vector<BodyField>& RequestFields::Form() {
  if (!form_) {
    form_.emplace();
    form_->is_sound = ReadFields(Format(), request_.content(), ContentType(), form_->list).ok();
  }
  return form_->list;
}

const BodyField* RequestFields::JsonField() {
  return recipe_.json_field().empty() || !FormIsSound() ? nullptr
                                                        : FindOnly(Form(), recipe_.json_field());
}

std::string_view RequestFields::JsonText() {
  if (recipe_.json_field().empty()) return request_.content();
  const auto format = Format();
  if (format != config::v1::BODY_FORMAT_FORM && format != config::v1::BODY_FORMAT_MULTIPART) {
    return request_.content();
  }
  const BodyField* const field = JsonField();
  return field == nullptr ? std::string_view() : field->value;
}

const std::vector<BodyField>& RequestFields::Query() {
  if (!query_) {
    query_.emplace();
    query_->is_sound =
        ReadFields(config::v1::BODY_FORMAT_FORM, request_.query, "", query_->list).ok();
  }
  return query_->list;
}

bool RequestFields::FormIsSound() {
  Form();
  return form_->is_sound;
}

bool RequestFields::QueryIsSound() {
  Query();
  return query_->is_sound;
}

FoundField RequestFields::Find(const std::vector<BodyField>& fields, std::string_view name) {
  FoundField found;
  for (const BodyField& field : fields) {
    if (field.name != name) continue;
    found.repeated = found.field != nullptr;
    if (found.repeated) break;
    found.field = &field;
  }
  return found;
}

}  // namespace hookbridge
