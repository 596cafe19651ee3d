#pragma once

#include "server/body/fields.h"
#include "server/ingress/request.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <optional>
#include <string_view>
#include <vector>

namespace hookbridge {

// A value that a recipe looks for by its name.
struct FoundField {
  const BodyField* field = nullptr;  // null when there is none
  bool repeated = false;
};

// What was read of a form or query.
struct ReadableFields {
  std::vector<BodyField> list;
  bool is_sound = true;  // all was read
};

// The form fields and the query parameters of a request. Reads each when it is first asked; of a
// text with a fault what stands before it. Views the request, which outlives it.
class RequestFields {
 public:
  RequestFields(const WebhookRequest& request, const config::v1::Recipe& recipe)
      : request_(request), recipe_(recipe) {}

  const std::vector<BodyField>& Form();
  const std::vector<BodyField>& Query();
  // The field of a form that holds the JSON document (Recipe.json_field); null where there is none.
  const BodyField* JsonField();
  // The body's JSON text: that field's, or the body; empty for a form that has none.
  std::string_view JsonText();
  // Whether all of the form was read.
  bool FormIsSound();
  bool QueryIsSound();

  FoundField FindInForm(std::string_view name) { return Find(Form(), name); }
  FoundField FindInQuery(std::string_view name) { return Find(Query(), name); }

 private:
  std::string_view ContentType() const;
  config::v1::BodyFormat Format() const;
  static FoundField Find(const std::vector<BodyField>& fields, std::string_view name);

  const WebhookRequest& request_;
  const config::v1::Recipe& recipe_;
  std::optional<ReadableFields> form_;
  std::optional<ReadableFields> query_;
};

}  // namespace hookbridge
