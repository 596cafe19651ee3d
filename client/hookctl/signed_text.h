#pragma once

#include "client/hookctl/signer.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <string>
#include <vector>

// The bytes that a recipe signs, made from its words alone.
namespace hookbridge::hookctl {

// The header of the first of the names, with `|` between them, that is there; nullptr: none.
const std::string* FindHeader(const std::vector<HeaderField>& headers, const std::string& names);

// The text of a value in a JSON body, or in the field that holds JSON. kInvalidArgument: it is not
// there.
absl::StatusOr<std::string> FindInBody(const config::v1::Recipe& recipe, const Unsigned& webhook,
                                       const std::string& pointer);

// The one field of that name in a form (multipart, if the Content-Type says so), or in the
// provider's query. kInvalidArgument: it is not there, or twice.
absl::StatusOr<std::string> FindInForm(const Unsigned& webhook, const std::string& name);
absl::StatusOr<std::string> FindInQuery(const Unsigned& webhook, const std::string& name);

// The recipe's message. kInvalidArgument names what nothing gives.
absl::StatusOr<std::string> BuildMessage(const config::v1::Recipe& recipe, const Unsigned& webhook,
                                         const std::vector<HeaderField>& headers,
                                         const std::string& timestamp, const std::string& secret);

}  // namespace hookbridge::hookctl
