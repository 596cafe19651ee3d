#include "server/convert/internal/extract.h"

#include "server/base/encoding.h"
#include "server/base/form_scan.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "absl/strings/str_split.h"

#include <algorithm>
#include <charconv>

namespace hookbridge {
namespace {

using config::v1::ValueSource;

// Digits from here on are milliseconds: in seconds it would be the year 5138.
constexpr size_t kMillisecondDigits = 12;

void CutToBound(std::string& text) {
  if (text.size() <= limits::kEnvelopeFieldBytesMax) return;
  text.resize(limits::kEnvelopeFieldBytesMax);
  text.resize(ValidUtf8PrefixBytes(text));
}

std::optional<std::string> AsText(std::string_view bytes) {
  if (!IsValidUtf8(bytes)) return std::nullopt;
  return std::string(bytes);
}

// The value in a document whose base64 this is; line ends in it are skipped, as senders wrap it.
std::optional<std::string> FindInBase64Xml(std::string_view base64, const XmlPath& path) {
  std::string joined(base64);
  std::erase_if(joined, [](char c) { return c == '\n' || c == '\r'; });
  const auto document = Base64Decode(joined);
  if (!document) return std::nullopt;
  std::vector<std::optional<std::string>> values;
  ReadXml(*document, {&path, 1}, values).IgnoreError();
  return std::move(values.front());
}

std::optional<std::string> FindInQuery(std::string_view query, std::string_view name) {
  FormScanner parameters(query);
  while (parameters.Next()) {
    if (parameters.name() == name) return AsText(parameters.value());
  }
  return std::nullopt;
}

bool MatchesPattern(std::string_view pattern, std::string_view value) {
  if (pattern == "*" || pattern == value) return true;
  const size_t dots = pattern.find("..");
  if (dots == std::string_view::npos) return false;
  const auto number = [](std::string_view text) -> std::optional<int64_t> {
    int64_t parsed = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return parsed;
  };
  const auto low = number(pattern.substr(0, dots));
  const auto high = number(pattern.substr(dots + 2));
  const auto at = number(value);
  return low && high && at && *low <= *at && *at <= *high;
}

// Digits, for seconds also with a fraction, which counts to the nanosecond.
std::optional<absl::Time> ReadEpoch(std::string_view text) {
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  std::string_view fraction = text.substr(std::min(dot + 1, text.size()));
  const auto digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole.empty() || !digits(whole) || !digits(fraction) ||
      (dot < text.size() && fraction.empty())) {
    return std::nullopt;
  }
  int64_t number = 0;
  if (std::from_chars(whole.data(), whole.data() + whole.size(), number).ec != std::errc()) {
    return std::nullopt;
  }
  if (whole.size() >= kMillisecondDigits) return absl::FromUnixMillis(number);
  int64_t nanos = 0;
  for (size_t i = 0; i < 9; ++i) nanos = nanos * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return absl::FromUnixSeconds(number) + absl::Nanoseconds(nanos);
}

template <typename Sources>
absl::Status MakePaths(const Sources& sources, std::string_view field,
                       std::vector<ValuePath>& paths) {
  for (const ValueSource& source : sources) {
    auto path = ValuePath::Create(source);
    if (!path.ok()) {
      return absl::InvalidArgumentError(
          StrCat("recipe.event.", field, ": ", ToStd(path.status().message())));
    }
    paths.push_back(*std::move(path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ValuePath> ValuePath::Create(const ValueSource& source) {
  ValuePath path;
  path.kind_ = source.from_case();
  switch (source.from_case()) {
    case ValueSource::kJsonPointer: {
      auto pointer = JsonPointer::Parse(source.json_pointer());
      if (!pointer.ok()) return pointer.status();
      path.pointer_ = *std::move(pointer);
      return path;
    }
    case ValueSource::kHeader:
      path.name_ = source.header();
      return path;
    case ValueSource::kFormField:
      path.name_ = source.form_field();
      path.reads_form_ = true;
      return path;
    case ValueSource::kItemPointer: {
      auto pointer = JsonPointer::Parse(source.item_pointer());
      if (!pointer.ok()) return pointer.status();
      path.pointer_ = *std::move(pointer);
      path.reads_item_ = true;
      return path;
    }
    case ValueSource::kJoin: {
      path.separator_ = source.join().separator().empty() ? ":" : source.join().separator();
      for (const ValueSource& part : source.join().parts()) {
        if (part.has_join()) return absl::InvalidArgumentError("a join holds no join");
        auto made = Create(part);
        if (!made.ok()) return made.status();
        path.reads_form_ |= made->reads_form_;
        path.reads_item_ |= made->reads_item_;
        path.parts_.push_back(*std::move(made));
      }
      if (path.parts_.empty()) return absl::InvalidArgumentError("join: needs parts");
      return path;
    }
    case ValueSource::kFormXml: {
      path.reads_form_ = true;
      const size_t slash = source.form_xml().find('/');
      if (slash == 0 || slash == std::string::npos || slash + 1 == source.form_xml().size()) {
        return absl::InvalidArgumentError("form_xml is FIELD/ELEMENT");
      }
      path.name_ = source.form_xml().substr(0, slash);
      path.xml_ = XmlPath::BelowRoot(source.form_xml().substr(slash + 1));
      return path;
    }
    case ValueSource::kQuery:
      path.name_ = source.query();
      return path;
    case ValueSource::kXml: {
      path.name_ = source.xml();
      auto xml = XmlPath::Parse(source.xml());
      if (!xml.ok()) return xml.status();
      path.xml_ = *std::move(xml);
      return path;
    }
    case ValueSource::FROM_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "needs a json_pointer, header, form_field, item_pointer, query, xml or join");
}

std::optional<std::string> ValuePath::Join(const ExtractInput& input) const {
  std::string joined;
  for (const ValuePath& part : parts_) {
    const auto value = part.FindWhole(input);
    if (!value) return std::nullopt;
    if (&part != &parts_.front()) joined += separator_;
    joined += *value;
  }
  return joined;
}

std::optional<std::string> ValuePath::Find(const ExtractInput& input) const {
  auto text = FindWhole(input);
  if (text) CutToBound(*text);
  return text;
}

std::optional<std::string> ValuePath::FindWhole(const ExtractInput& input) const {
  if (kind_ == ValueSource::kHeader) {
    for (const absl::string_view name : absl::StrSplit(name_, '|')) {
      const HeaderLine* const line = input.request.FindHeader({name.data(), name.size()});
      if (line != nullptr) return AsText(line->value);
    }
    return std::nullopt;
  }
  if (kind_ == ValueSource::kQuery) return FindInQuery(input.request.query, name_);
  if (kind_ == ValueSource::kXml) {
    if (input.xml == nullptr) return std::nullopt;
    const auto found = input.xml->find(name_);
    return found == input.xml->end() ? std::nullopt : AsText(found->second);
  }
  if (kind_ == ValueSource::kJoin) return Join(input);
  if (reads_form()) return input.form == nullptr ? std::nullopt : FindInForm(*input.form);
  const JsonTape* const tape = reads_item_ ? input.item : input.json;
  return tape == nullptr ? std::nullopt : FindInJson(*tape);
}

std::optional<std::string> ValuePath::FindInForm(const std::vector<BodyField>& fields) const {
  for (const BodyField& field : fields) {
    if (field.name != name_) continue;
    if (kind_ == ValueSource::kFormField) return AsText(field.value);
    const auto text = FindInBase64Xml(field.value, *xml_);
    return text ? AsText(*text) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> ValuePath::FindInJson(const JsonTape& tape) const {
  const JsonNode* const node = pointer_.Find(tape);
  if (node == nullptr) return std::nullopt;
  switch (node->type) {
    case JsonType::kTrue:
      return "true";
    case JsonType::kFalse:
      return "false";
    case JsonType::kNumber:
    case JsonType::kString:
      return std::string(tape.Text(*node));
    default:
      return std::nullopt;
  }
}

void ValuePath::Want(Wanted& wanted) const {
  if (kind_ == ValueSource::kJsonPointer) wanted.json.Want(pointer_);
  if (kind_ == ValueSource::kItemPointer) wanted.item.Want(pointer_);
  if (kind_ == ValueSource::kFormField || kind_ == ValueSource::kFormXml) wanted.form.insert(name_);
  if (kind_ == ValueSource::kXml) wanted.xml.emplace(name_, *xml_);
  for (const ValuePath& part : parts_) part.Want(wanted);
}

absl::StatusOr<Extractor> Extractor::Create(const config::v1::EventRules& rules) {
  Extractor made;
  absl::Status status;
  const auto note = [&made](const ValuePath& path) {
    made.reads_form_ |= path.reads_form();
    made.reads_item_ |= path.reads_item();
    path.Want(made.wanted_);
  };
  const auto make = [&](const auto& sources, std::string_view field, Paths& paths) {
    if (status.ok()) status = MakePaths(sources, field, paths);
    std::for_each(paths.begin(), paths.end(), note);
  };
  make(rules.id(), "id", made.id_);
  make(rules.synthetic_id(), "synthetic_id", made.synthetic_id_);
  make(rules.type(), "type", made.type_);
  make(rules.time(), "time", made.time_);
  make(rules.ordering_key(), "ordering_key", made.ordering_key_);
  make(rules.subject(), "subject", made.subject_);
  make(rules.type_table().inputs(), "type_table.inputs", made.type_inputs_);
  if (rules.has_test_mode()) {
    make(std::vector<ValueSource>{rules.test_mode().from()}, "test_mode.from", made.test_mode_);
    made.test_mode_equals_ = rules.test_mode().equals();
  }
  if (!status.ok()) return status;
  for (const auto& row : rules.type_table().rows()) {
    if (row.when_size() != rules.type_table().inputs_size() || row.type().empty()) {
      return absl::InvalidArgumentError(
          "recipe.event.type_table.rows: each row has one pattern per input, and a type");
    }
    made.type_rows_.push_back({{row.when().begin(), row.when().end()}, row.type()});
  }
  if (static_cast<size_t>(rules.attributes().size()) > limits::kAttributesMax) {
    return absl::InvalidArgumentError(
        StrCat("recipe.event.attributes: more than ", limits::kAttributesMax));
  }
  const std::map<std::string, ValueSource> by_name(rules.attributes().begin(),
                                                   rules.attributes().end());
  for (const auto& [name, source] : by_name) {
    auto path = ValuePath::Create(source);
    if (!path.ok()) {
      return absl::InvalidArgumentError(
          StrCat("recipe.event.attributes.", name, ": ", ToStd(path.status().message())));
    }
    note(*path);
    made.attributes_.emplace_back(name, *std::move(path));
  }
  return made;
}

absl::Status Extractor::ReadXmlBody(std::string_view document, XmlValues& values) const {
  std::vector<XmlPath> paths;
  for (const auto& [place, path] : wanted_.xml) paths.push_back(path);
  std::vector<std::optional<std::string>> found;
  const absl::Status status = ReadXml(document, paths, found);
  size_t i = 0;
  for (const auto& [place, path] : wanted_.xml) {
    if (auto& value = found[i++]) values.emplace(place, *std::move(value));
  }
  return status;
}

bool Extractor::id_reads_item() const {
  return std::all_of(id_.begin(), id_.end(),
                     [](const ValuePath& path) { return path.reads_item(); });
}

std::string Extractor::FirstWhole(const Paths& paths, const ExtractInput& input) {
  for (const ValuePath& path : paths) {
    if (auto found = path.FindWhole(input); found && !found->empty()) return *std::move(found);
  }
  return "";
}

std::string Extractor::First(const Paths& paths, const ExtractInput& input) {
  std::string text = FirstWhole(paths, input);
  CutToBound(text);
  return text;
}

std::string Extractor::TypeFromTable(const ExtractInput& input) const {
  if (type_rows_.empty()) return "";
  std::vector<std::string> values;
  for (const ValuePath& path : type_inputs_) values.push_back(path.Find(input).value_or(""));
  for (const TypeRow& row : type_rows_) {
    const bool matches = std::equal(row.patterns.begin(), row.patterns.end(), values.begin(),
                                    [](const std::string& pattern, const std::string& value) {
                                      return MatchesPattern(pattern, value);
                                    });
    if (matches) return row.type;
  }
  return "";
}

Extracted Extractor::Extract(const ExtractInput& input) const {
  Extracted found;
  found.id = FirstWhole(id_, input);
  if (found.id.empty()) {
    for (const ValuePath& path : synthetic_id_) {
      found.synthetic_parts.push_back(path.Find(input).value_or(""));
    }
  }
  found.type = TypeFromTable(input);
  if (found.type.empty()) found.type = First(type_, input);
  if (found.type.empty()) found.type = "unmapped";
  found.time = ReadEventTime(First(time_, input));
  found.ordering_key = First(ordering_key_, input);
  found.subject = First(subject_, input);
  found.test_mode = !test_mode_.empty() && First(test_mode_, input) == test_mode_equals_;
  for (const auto& [name, path] : attributes_) {
    if (auto value = path.Find(input)) found.attributes.emplace_back(name, *std::move(value));
  }
  return found;
}

std::optional<absl::Time> ReadEventTime(std::string_view text) {
  if (text.empty() || text.size() > 40) return std::nullopt;
  absl::Time time;
  if (auto since_epoch = ReadEpoch(text)) {
    time = *since_epoch;
  } else if (!absl::ParseTime(absl::RFC3339_full, std::string(text), &time, nullptr)) {
    return std::nullopt;
  }
  // google.protobuf.Timestamp: years 1 to 9999.
  if (time < absl::FromUnixSeconds(-62'135'596'800) ||
      time >= absl::FromUnixSeconds(253'402'300'800)) {
    return std::nullopt;
  }
  return time;
}

}  // namespace hookbridge
