#include "server/body/format.h"

#include <algorithm>

namespace hookbridge {

std::string MediaType(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  const size_t first = type.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  type = type.substr(first, type.find_last_not_of(" \t") - first + 1);
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

config::v1::BodyFormat FormatOf(const config::v1::Recipe& recipe, std::string_view method,
                                std::string_view content_type) {
  if (recipe.events_by_get() && method == "GET") return config::v1::BODY_FORMAT_FORM;
  if (recipe.body_format() == config::v1::BODY_FORMAT_UNSPECIFIED) {
    return config::v1::BODY_FORMAT_JSON;
  }
  if (recipe.body_format() != config::v1::BODY_FORMAT_BY_CONTENT_TYPE) return recipe.body_format();
  const std::string type = MediaType(content_type);
  if (type == "application/x-www-form-urlencoded") return config::v1::BODY_FORMAT_FORM;
  if (type == "multipart/form-data") return config::v1::BODY_FORMAT_MULTIPART;
  if (type == "text/xml" || type == "application/xml" || type.ends_with("+xml")) {
    return config::v1::BODY_FORMAT_XML;
  }
  if (type == "application/octet-stream") return config::v1::BODY_FORMAT_BINARY;
  // JSON is sent as text/plain and text/json, too.
  if (type == "text/html" || type == "text/csv") return config::v1::BODY_FORMAT_TEXT;
  return config::v1::BODY_FORMAT_JSON;
}

bool MayHaveFields(const config::v1::Recipe& recipe) {
  return recipe.body_format() == config::v1::BODY_FORMAT_FORM ||
         recipe.body_format() == config::v1::BODY_FORMAT_MULTIPART ||
         recipe.body_format() == config::v1::BODY_FORMAT_BY_CONTENT_TYPE;
}

bool MayBeXml(const config::v1::Recipe& recipe) {
  return recipe.body_format() == config::v1::BODY_FORMAT_XML ||
         recipe.body_format() == config::v1::BODY_FORMAT_BY_CONTENT_TYPE;
}

bool MayHoldJson(const config::v1::Recipe& recipe) {
  return recipe.body_format() == config::v1::BODY_FORMAT_UNSPECIFIED ||
         recipe.body_format() == config::v1::BODY_FORMAT_JSON ||
         recipe.body_format() == config::v1::BODY_FORMAT_BY_CONTENT_TYPE ||
         (MayHaveFields(recipe) && !recipe.json_field().empty());
}

}  // namespace hookbridge
