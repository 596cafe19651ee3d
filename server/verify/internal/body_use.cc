#include "server/verify/internal/body_use.h"

#include "server/base/strings.h"
#include "server/body/format.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::EventRules;
using config::v1::Recipe;
using config::v1::ValueSource;

// Calls `see` for each place of the rules, parts of joins too, with the path of what means nothing
// any more when the place is not there.
using See = std::function<void(const std::string& path, const ValueSource& source)>;

void SeePlace(const std::string& path, const ValueSource& source, const See& see) {
  see(path, source);
  for (const ValueSource& part : source.join().parts()) see(path, part);
}

void SeePlaces(const EventRules& event, const See& see) {
  const auto see_list = [&see](std::string_view name, const auto& sources) {
    for (int i = 0; i < sources.size(); ++i) {
      SeePlace(StrCat("event.", name, "[", i, "]"), sources.Get(i), see);
    }
  };
  see_list("id", event.id());
  see_list("synthetic_id", event.synthetic_id());
  see_list("type", event.type());
  for (const ValueSource& input : event.type_table().inputs()) {
    SeePlace("event.type_table", input, see);
  }
  see_list("time", event.time());
  see_list("ordering_key", event.ordering_key());
  see_list("subject", event.subject());
  if (event.has_test_mode()) SeePlace("event.test_mode", event.test_mode().from(), see);
  for (const auto& [name, source] : event.attributes()) {
    SeePlace(StrCat("event.attributes.", name), source, see);
  }
}

std::string FormatName(const Recipe& recipe) {
  constexpr std::string_view kPrefix = "BODY_FORMAT_";
  if (recipe.body_format() == config::v1::BODY_FORMAT_UNSPECIFIED) return "json";
  std::string name = config::v1::BodyFormat_Name(recipe.body_format()).substr(kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

}  // namespace

void FindUnreadOfBody(const Recipe& recipe, std::vector<UnreadField>& unread) {
  const std::string format = FormatName(recipe);
  const auto add = [&](bool is_set, bool is_read, std::string field, std::string_view looks_into,
                       std::string_view fix) {
    if (!is_set || is_read) return;
    unread.push_back({.field = std::move(field),
                      .why = StrCat("looks into ", looks_into, ", and body_format is ", format),
                      .fix = std::string(fix)});
  };
  const auto form = [&](bool is_set, std::string field) {
    add(is_set, MayHaveFields(recipe), std::move(field), "a form",
        "remove it, or write body_format: form, multipart or by_content_type");
  };
  const auto json = [&](bool is_set, std::string field) {
    add(is_set, MayHoldJson(recipe), std::move(field), "a JSON body",
        "remove it, write body_format: json, or json_field for JSON in a field");
  };
  form(!recipe.json_field().empty(), "json_field");
  form(!recipe.signature().form_field().empty(), "signature.form_field");
  form(recipe.timestamp().has_form_field(), "timestamp.form_field");
  json(!recipe.signature().json_pointer().empty(), "signature.json_pointer");
  json(recipe.timestamp().has_json_pointer(), "timestamp.json_pointer");
  for (int i = 0; i < recipe.message_size(); ++i) {
    const auto& part = recipe.message(i);
    const std::string path = StrCat("message[", i, "].");
    const bool fields = part.has_fields() && part.fields().from() != config::v1::FIELDS_FROM_QUERY;
    form(part.has_form_field(), path + "form_field");
    form(fields, path + "fields");
    json(part.has_json_pointer(), path + "json_pointer");
  }
  SeePlaces(recipe.event(), [&](const std::string& path, const ValueSource& source) {
    form(source.has_form_field() || source.has_form_xml(), path);
    json(source.has_json_pointer(), path);
    add(source.has_xml(), MayBeXml(recipe), path, "an XML body",
        "remove it, or write body_format: xml or by_content_type");
  });
}

}  // namespace hookbridge
