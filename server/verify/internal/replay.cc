#include "server/verify/internal/replay.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/verify/internal/recipe_check.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

namespace hookbridge {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;
using config::v1::ValueSource;

bool IsToken(const Recipe& recipe) {
  return recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT && !recipe.jwt().detached();
}

bool SignsTime(const Recipe& recipe) {
  if (IsToken(recipe)) {
    const auto& rule = recipe.jwt();
    return !rule.has_max_age() || ToDuration(rule.max_age()) > absl::ZeroDuration();
  }
  const auto& timestamp = recipe.timestamp();
  const bool is_checked =
      !timestamp.has_max_age() || ToDuration(timestamp.max_age()) > absl::ZeroDuration();
  return recipe.has_timestamp() && is_checked;
}

bool SignsBody(const Recipe& recipe) {
  if (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_TWILIO) return true;
  if (IsToken(recipe)) return !recipe.body_not_signed();
  return std::any_of(recipe.message().begin(), recipe.message().end(),
                     [](const MessagePart& part) { return CoversBody(part); });
}

bool CoversField(const config::v1::FieldsPart& fields, config::v1::FieldsFrom from,
                 const std::string& name) {
  const auto holds = [&name](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool query = fields.from() == config::v1::FIELDS_FROM_QUERY;
  if (query != (from == config::v1::FIELDS_FROM_QUERY)) return false;
  return fields.order() == config::v1::FIELDS_ORDER_LISTED ? holds(fields.names())
                                                           : !holds(fields.except());
}

bool Covers(const Recipe& recipe, const ValueSource& source) {
  const auto is_part = [&](const auto& matches) {
    return std::any_of(recipe.message().begin(), recipe.message().end(), matches);
  };
  switch (source.from_case()) {
    case ValueSource::kHeader:
      return is_part([&](const MessagePart& part) {
        return part.has_header() && SameHeaderName(part.header(), source.header());
      });
    case ValueSource::kQuery:
      if (IsToken(recipe)) return !recipe.jwt().url_hash_claim().empty();
      return is_part([&](const MessagePart& part) {
        return part.has_url() || part.has_url_decoded() ||
               (part.has_query() && part.query() == source.query()) ||
               (part.has_fields() &&
                CoversField(part.fields(), config::v1::FIELDS_FROM_QUERY, source.query()));
      });
    case ValueSource::kFormField:
      return SignsBody(recipe) || is_part([&](const MessagePart& part) {
               return (part.has_form_field() && part.form_field() == source.form_field()) ||
                      (part.has_fields() && CoversField(part.fields(), config::v1::FIELDS_FROM_FORM,
                                                        source.form_field()));
             });
    case ValueSource::kJoin:
      return std::all_of(source.join().parts().begin(), source.join().parts().end(),
                         [&](const ValueSource& part) { return Covers(recipe, part); });
    case ValueSource::kJsonPointer:
      return SignsBody(recipe) || is_part([&](const MessagePart& part) {
               return part.has_json_pointer() && part.json_pointer() == source.json_pointer();
             });
    default:
      return SignsBody(recipe);
  }
}

}  // namespace

bool RemembersSigned(const Recipe& recipe) {
  if (recipe.algorithms().empty()) return false;
  const config::v1::AlgorithmKind kind = recipe.algorithms(0).kind();
  if (kind != config::v1::ALGORITHM_KIND_TWILIO && kind != config::v1::ALGORITHM_KIND_JWT &&
      !Signs(kind)) {
    return false;
  }
  if (SignsTime(recipe)) return false;
  const auto& id = recipe.event().id();
  if (id.empty()) return !SignsBody(recipe);
  return !std::all_of(id.begin(), id.end(),
                      [&](const ValueSource& source) { return Covers(recipe, source); });
}

SignedHash HashSigned(std::span<const std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) joined += part;
  SignedHash hash{};
  EVP_Digest(joined.data(), joined.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

}  // namespace hookbridge
