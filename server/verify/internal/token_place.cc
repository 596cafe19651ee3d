#include "server/verify/internal/token_place.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/content.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/request_fields.h"
#include "server/verify/internal/signature_syntax.h"

#include <algorithm>
#include <set>

namespace hookbridge {
namespace {

constexpr std::string_view kErased = "***";

// The text with `***` for the content of its strings with these numbers; names count, too.
std::string EraseStrings(std::string_view json, const std::set<size_t>& numbers) {
  std::string erased;
  erased.reserve(json.size());
  size_t number = 0;
  for (size_t at = 0; at < json.size();) {
    const size_t open = std::min(json.find('"', at), json.size());
    erased += json.substr(at, open - at);
    if (open == json.size()) break;
    size_t close = open + 1;
    while (json[close] != '"') close += json[close] == '\\' ? 2 : 1;
    if (numbers.contains(number++)) {
      StrAppend(&erased, "\"", kErased, "\"");
    } else {
      erased += json.substr(open, close + 1 - open);
    }
    at = close + 1;
  }
  return erased;
}

// A field's text is a view of the text that it stands in.
void PutField(const BodyField& field, std::string_view value, std::string& text) {
  const auto at = static_cast<size_t>(field.encoded_value.data() - text.data());
  text.replace(at, field.encoded_value.size(), value);
}

// All but unreserved characters (RFC 3986 section 2.3).
std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kOthers = "-._~";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        kOthers.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      StrAppend(&encoded, '%', kDigits[byte >> 4], kDigits[byte & 15]);
    }
  }
  return encoded;
}

// One a thread, so that its memory stays.
JsonTape& ThreadTape() {
  static thread_local JsonTape tape;
  return tape;
}

}  // namespace

absl::StatusOr<TokenPlace> TokenPlace::Create(const config::v1::Recipe& recipe) {
  TokenPlace made;
  made.recipe_ = recipe;
  const auto& place = recipe.signature();
  if (!place.form_field().empty()) {
    made.name_ = StrCat("form field ", place.form_field());
  } else if (!place.query().empty()) {
    made.name_ = StrCat("query parameter ", place.query());
  } else if (!place.json_pointer().empty()) {
    made.name_ = StrCat(place.json_pointer(), " in the body");
    auto pointer = JsonPointer::Parse(place.json_pointer());
    if (!pointer.ok()) return pointer.status();
    made.pointer_ = *std::move(pointer);
    if (recipe.has_split()) {
      auto array = JsonPointer::Parse(recipe.split().array());
      if (!array.ok()) return array.status();
      made.array_ = *std::move(array);
    }
  } else {
    made.name_ = StrJoin(place.headers(), " nor ");
  }
  return made;
}

std::optional<Decision> TokenPlace::Take(std::string_view value,
                                         std::vector<std::string>& tokens) const {
  const auto entries = ParseSignatures(recipe_.signature(), value);
  if (!entries) return Refuse(Reason::kCredentialMalformed, StrCat(name_, " lacks its prefix"));
  tokens.emplace_back(entries->front().text);
  return std::nullopt;
}

std::vector<const JsonNode*> TokenPlace::FindInJson(std::string_view body, JsonTape& tape) const {
  const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                          .elements_max = limits::kJsonElementsMax};
  if (!tape.Parse(body, limits).ok()) return {};
  std::vector<const JsonNode*> roots;
  if (!array_) {
    roots.push_back(&tape.nodes().front());
  } else if (const JsonNode* const list = array_->Find(tape);
             list != nullptr && list->type == JsonType::kArray) {
    const size_t index = static_cast<size_t>(list - tape.nodes().data());
    for (size_t child = index + 1; child < list->next; child = tape.nodes()[child].next) {
      roots.push_back(&tape.nodes()[child]);
    }
  }
  std::vector<const JsonNode*> strings;
  for (const JsonNode* const root : roots) {
    const JsonNode* const node = pointer_->FindFrom(tape, *root);
    if (node == nullptr || node->type != JsonType::kString) return {};
    strings.push_back(node);
  }
  return strings;
}

std::optional<Decision> TokenPlace::FindInHeaders(const WebhookRequest& request,
                                                  std::vector<std::string>& tokens) const {
  for (const std::string& name : recipe_.signature().headers()) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) continue;
    if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    return Take(found.line->value, tokens);
  }
  return Refuse(Reason::kCredentialMissing, StrCat("no ", name_));
}

std::optional<Decision> TokenPlace::Find(const WebhookRequest& request,
                                         std::vector<std::string>& tokens) const {
  const auto& place = recipe_.signature();
  if (pointer_) {
    JsonTape& tape = ThreadTape();
    RequestFields fields(request, recipe_);
    for (const JsonNode* const node : FindInJson(fields.JsonText(), tape)) {
      if (auto refused = Take(tape.Text(*node), tokens)) return refused;
    }
    if (!tokens.empty()) return std::nullopt;
    return Refuse(Reason::kCredentialMissing,
                  StrCat("no ", name_, array_ ? ", or not in each element" : ""));
  }
  if (place.form_field().empty() && place.query().empty()) return FindInHeaders(request, tokens);
  RequestFields fields(request, recipe_);
  const FoundField found = place.query().empty() ? fields.FindInForm(place.form_field())
                                                 : fields.FindInQuery(place.query());
  if (found.field == nullptr) return Refuse(Reason::kCredentialMissing, StrCat("no ", name_));
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name_, " is there twice"));
  return Take(found.field->value, tokens);
}

void TokenPlace::Erase(WebhookRequest& request) const {
  const auto& place = recipe_.signature();
  const bool is_query = recipe_.events_by_get() && request.method == "GET";
  // What is compressed cannot be changed.
  if (pointer_ || !place.form_field().empty()) KeepContentAlone(request);
  if (pointer_) {
    JsonTape& tape = ThreadTape();
    std::set<const JsonNode*> found;
    RequestFields fields(request, recipe_);
    const std::string_view json = fields.JsonText();
    for (const JsonNode* const node : FindInJson(json, tape)) found.insert(node);
    std::set<size_t> numbers;
    size_t number = 0;
    for (const JsonNode& node : tape.nodes()) {
      if (node.type != JsonType::kString) continue;
      if (found.contains(&node)) numbers.insert(number);
      ++number;
    }
    std::string erased = EraseStrings(json, numbers);
    const BodyField* const field = fields.JsonField();
    if (field == nullptr) {
      request.body = std::move(erased);
    } else {
      // In a form it is percent-encoded, in a part it stands as it is.
      const bool is_part = field->encoded_value == field->value;
      PutField(*field, is_part ? erased : PercentEncode(erased), request.body);
      if (is_query) request.query = request.body;
    }
  } else if (!place.form_field().empty()) {
    RequestFields fields(request, recipe_);
    if (const FoundField found = fields.FindInForm(place.form_field()); found.field != nullptr) {
      PutField(*found.field, kErased, request.body);
      if (is_query) request.query = request.body;
    }
  } else if (!place.query().empty()) {
    RequestFields fields(request, recipe_);
    if (const FoundField found = fields.FindInQuery(place.query()); found.field != nullptr) {
      PutField(*found.field, kErased, request.query);
      if (is_query) request.body = request.query;
    }
  }
}

}  // namespace hookbridge
