#include "server/verify/internal/signature_places.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/recipe_check.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether `pattern`, which ends in `*`, stands for the header.
bool IsNumberedName(std::string_view pattern, std::string_view header) {
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return header.size() > prefix.size() && SameHeaderName(prefix, header.substr(0, prefix.size())) &&
         IsNumber(header.substr(prefix.size()));
}

}  // namespace

absl::StatusOr<SignaturePlaces> SignaturePlaces::Create(const config::v1::Recipe& recipe) {
  SignaturePlaces made;
  made.location_ = recipe.signature();
  made.time_label_ = recipe.timestamp().label();
  made.time_is_first_ = recipe.timestamp().first_entry();
  if (const std::string& text = recipe.signature().json_pointer(); !text.empty()) {
    auto pointer = JsonPointer::Parse(text);
    if (!pointer.ok()) return pointer.status();
    made.pointer_ = *std::move(pointer);
  }
  return made;
}

std::optional<Decision> SignaturePlaces::Collect(RequestReader& reader,
                                                 std::vector<SignatureGroup>& groups) const {
  if (pointer_) {
    const auto value = reader.values.Find(*pointer_);
    if (value) return Parse(location_.json_pointer(), *value, groups);
    return Refuse(Reason::kSignatureMissing,
                  StrCat("no ", location_.json_pointer(), " in the body"));
  }
  const bool form = !location_.form_field().empty();
  if (!form && location_.query().empty()) return FromHeaders(reader.request, groups);
  const std::string& name = form ? location_.form_field() : location_.query();
  const std::string where = StrCat(form ? "form field " : "query parameter ", name);
  const FoundField found = form ? reader.fields.FindInForm(name) : reader.fields.FindInQuery(name);
  if (found.field == nullptr) return Refuse(Reason::kSignatureMissing, StrCat("no ", where));
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(where, " is there twice"));
  return Parse(where, found.field->value, groups);
}

std::optional<Decision> SignaturePlaces::FromHeaders(const WebhookRequest& request,
                                                     std::vector<SignatureGroup>& groups) const {
  std::optional<Decision> malformed;
  for (const std::string& name : location_.headers()) {
    auto refused = FromName(request, name, groups);
    if (!refused) continue;
    if (refused->refused != Reason::kSignatureMalformed) return refused;
    if (!malformed) malformed = std::move(refused);
  }
  if (!groups.empty()) return std::nullopt;
  if (malformed) return malformed;
  return Refuse(Reason::kSignatureMissing, StrCat("no ", StrJoin(location_.headers(), " nor ")));
}

std::optional<Decision> SignaturePlaces::FromName(const WebhookRequest& request,
                                                  const std::string& name,
                                                  std::vector<SignatureGroup>& groups) const {
  const bool numbered = name.ends_with('*');
  const FoundHeader first = numbered ? FoundHeader{} : FindRecipeHeader(request, name);
  if (!numbered && first.line == nullptr) return std::nullopt;
  std::optional<Decision> malformed;
  for (const HeaderLine& line : request.headers) {
    const bool is_meant =
        numbered ? IsNumberedName(name, line.name) : SameHeaderName(line.name, first.line->name);
    if (!is_meant) continue;
    if (!location_.allow_repeated_lines() && request.CountHeader(line.name) > 1) {
      return Refuse(Reason::kDuplicateHeader, StrCat(line.name, " is there twice"));
    }
    auto refused = Parse(line.name, line.value, groups);
    if (refused && !malformed) malformed = std::move(refused);
  }
  return malformed;
}

std::optional<Decision> SignaturePlaces::Parse(std::string_view where, std::string_view value,
                                               std::vector<SignatureGroup>& groups) const {
  const auto parsed = ParseSignatures(location_, value);
  if (parsed && Group(*parsed, groups)) return std::nullopt;
  return Refuse(Reason::kSignatureMalformed, StrCat(where, " does not have the recipe's syntax"));
}

bool SignaturePlaces::Group(const std::vector<SignatureEntry>& entries,
                            std::vector<SignatureGroup>& groups) const {
  size_t count = entries.size();
  for (const SignatureGroup& group : groups) count += group.entries.size();
  if (count > limits::kSignaturesMax) return false;
  const auto is_time = [&](const SignatureEntry& entry) {
    if (time_is_first_) return &entry == &entries.front();
    return !time_label_.empty() && entry.label == time_label_;
  };
  const auto times = std::count_if(entries.begin(), entries.end(), is_time);
  // All signatures are about one time, or about none of these entries.
  if (times <= 1) {
    const bool joins = time_label_.empty() && !time_is_first_ && !groups.empty();
    if (!joins && groups.size() == limits::kSignatureGroupsMax) return false;
    SignatureGroup& group = joins ? groups.front() : groups.emplace_back();
    for (const SignatureEntry& entry : entries) {
      if (is_time(entry)) {
        group.time = entry.text;
      } else {
        group.entries.push_back(entry);
      }
    }
    return true;
  }
  if (!is_time(entries.front()) ||
      groups.size() + static_cast<size_t>(times) > limits::kSignatureGroupsMax) {
    return false;
  }
  for (const SignatureEntry& entry : entries) {
    if (is_time(entry)) {
      groups.push_back({.time = entry.text, .entries = {}});
    } else {
      groups.back().entries.push_back(entry);
    }
  }
  return true;
}

}  // namespace hookbridge
