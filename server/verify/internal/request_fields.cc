#include "server/verify/internal/request_fields.h"

#include "server/body/format.h"

namespace hookbridge {

const std::vector<BodyField>& RequestFields::Form() {
  if (!form_) {
    const HeaderLine* const type = request_.FindHeader("Content-Type");
    const std::string_view content_type = type == nullptr ? std::string_view() : type->value;
    form_.emplace();
    form_->is_sound =
        ReadFields(FormatOf(recipe_, content_type), request_.body, content_type, form_->list).ok();
  }
  return form_->list;
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
