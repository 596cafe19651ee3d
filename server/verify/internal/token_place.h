#pragma once

#include "server/base/json_pointer.h"
#include "server/base/json_tape.h"
#include "server/ingress/request.h"
#include "server/verify/internal/decision.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Where a STATIC_TOKEN is: a header, the JSON body or each element of a split one, a form field or
// a query parameter. Immutable.
class TokenPlace {
 public:
  // kInvalidArgument for a JSON Pointer that is none.
  static absl::StatusOr<TokenPlace> Create(const config::v1::Recipe& recipe);

  // Adds all tokens of the request, at least one; each has to match. Or a refusal.
  std::optional<Decision> Find(const WebhookRequest& request,
                               std::vector<std::string>& tokens) const;

  // Puts `***` for the tokens in the body and the query, so that nothing that is made of the
  // request shows them. Headers are left out by convert. The request has passed Find.
  void Erase(WebhookRequest& request) const;

  // For the operator, for example `X-Gitlab-Token`.
  const std::string& name() const { return name_; }

 private:
  std::optional<Decision> FindInHeaders(const WebhookRequest& request,
                                        std::vector<std::string>& tokens) const;
  std::optional<Decision> Take(std::string_view value, std::vector<std::string>& tokens) const;
  // The strings at the pointer, of a split body one of each element; empty when one has none.
  std::vector<const JsonNode*> FindInJson(std::string_view body, JsonTape& tape) const;

  config::v1::Recipe recipe_;
  std::string name_;
  std::optional<JsonPointer> pointer_;
  std::optional<JsonPointer> array_;  // of a split body
};

}  // namespace hookbridge
