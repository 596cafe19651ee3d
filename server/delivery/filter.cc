#include "server/delivery/filter.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/wire.h"

#include <algorithm>
#include <optional>

namespace hookbridge {
namespace {

using v1::AttributeCondition;
using v1::FilterClause;

// Fields of hookbridge.v1.Event.
constexpr uint32_t kSource = 2;
constexpr uint32_t kType = 3;
constexpr uint32_t kSubject = 4;
constexpr uint32_t kAttributes = 11;

struct Envelope {
  std::string_view source;
  std::string_view type;
  std::string_view subject;
  std::vector<std::pair<std::string_view, std::string_view>> attributes;
};

Envelope ReadEnvelope(std::string_view bytes) {
  Envelope envelope;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == kSource) envelope.source = reader.bytes();
    if (reader.field() == kType) envelope.type = reader.bytes();
    if (reader.field() == kSubject) envelope.subject = reader.bytes();
    if (reader.field() != kAttributes) continue;
    std::pair<std::string_view, std::string_view> attribute;
    WireReader entry(reader.bytes());
    while (entry.Next()) (entry.field() == 1 ? attribute.first : attribute.second) = entry.bytes();
    envelope.attributes.push_back(attribute);
  }
  return envelope;
}

bool MatchesType(std::string_view pattern, std::string_view type) {
  if (!pattern.ends_with('*')) return pattern == type;
  return type.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool Holds(const AttributeCondition& condition, const Envelope& envelope) {
  std::optional<std::string_view> value;
  for (const auto& [name, text] : envelope.attributes) {
    if (name == condition.name()) value = text;
  }
  bool holds = false;
  switch (condition.test_case()) {
    case AttributeCondition::kEquals:
      holds = value == condition.equals();
      break;
    case AttributeCondition::kPrefix:
      holds = value && value->starts_with(condition.prefix());
      break;
    case AttributeCondition::kPresent:
      holds = value.has_value() == condition.present();
      break;
    case AttributeCondition::TEST_NOT_SET:
      break;
  }
  return holds != condition.negate();
}

bool Matches(const FilterClause& clause, const Envelope& envelope) {
  const auto& sources = clause.sources();
  if (!sources.empty() &&
      std::none_of(sources.begin(), sources.end(),
                   [&](const std::string& name) { return name == envelope.source; })) {
    return false;
  }
  const auto& types = clause.types();
  if (!types.empty() && std::none_of(types.begin(), types.end(), [&](const std::string& pattern) {
        return MatchesType(pattern, envelope.type);
      })) {
    return false;
  }
  if (!envelope.subject.starts_with(clause.subject_prefix())) return false;
  return std::all_of(
      clause.attributes().begin(), clause.attributes().end(),
      [&](const AttributeCondition& condition) { return Holds(condition, envelope); });
}

}  // namespace

RichError InvalidField(std::string field, std::string what) {
  RichError error;
  error.code = absl::StatusCode::kInvalidArgument;
  error.message = StrCat(field, ": ", what);
  error.reason = "INVALID_REQUEST";
  error.field_violations.emplace_back(std::move(field), std::move(what));
  return error;
}

RichError EventFilter::Create(const v1::Filter& filter, EventFilter* made) {
  if (static_cast<size_t>(filter.any_of_size()) > limits::kFilterClausesMax) {
    return InvalidField("filter.any_of", StrCat("more than ", limits::kFilterClausesMax));
  }
  for (int i = 0; i < filter.any_of_size(); ++i) {
    const FilterClause& clause = filter.any_of(i);
    const std::string path = StrCat("filter.any_of[", i, "]");
    if (static_cast<size_t>(clause.sources_size()) > limits::kFilterListMax ||
        static_cast<size_t>(clause.types_size()) > limits::kFilterListMax) {
      return InvalidField(path, StrCat("more than ", limits::kFilterListMax, " sources or types"));
    }
    if (static_cast<size_t>(clause.attributes_size()) > limits::kFilterAttributesMax) {
      return InvalidField(StrCat(path, ".attributes"),
                          StrCat("more than ", limits::kFilterAttributesMax));
    }
    for (const AttributeCondition& condition : clause.attributes()) {
      if (condition.name().empty() || condition.test_case() == AttributeCondition::TEST_NOT_SET) {
        return InvalidField(StrCat(path, ".attributes"), "each needs a name and a test");
      }
    }
  }
  made->any_of_.assign(filter.any_of().begin(), filter.any_of().end());
  return {};
}

bool EventFilter::Passes(std::string_view envelope) const {
  if (any_of_.empty()) return true;
  const Envelope read = ReadEnvelope(envelope);
  return std::any_of(any_of_.begin(), any_of_.end(),
                     [&](const FilterClause& clause) { return Matches(clause, read); });
}

}  // namespace hookbridge
