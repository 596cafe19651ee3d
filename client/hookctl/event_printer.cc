#include "client/hookctl/event_printer.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

#include <algorithm>

namespace hookbridge::hookctl {
namespace {

using google::protobuf::Value;

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kReset = "\x1b[0m";

std::string Paint(std::string_view color, std::string_view text, const LineFormat& format) {
  return format.color ? StrCat(color, text, kReset) : std::string(text);
}

// The member or element that one segment of a pointer names; nullptr when there is none.
const Value* Step(const Value& value, const std::string& segment) {
  if (value.has_struct_value()) {
    const auto& fields = value.struct_value().fields();
    const auto found = fields.find(segment);
    return found == fields.end() ? nullptr : &found->second;
  }
  int index = 0;
  const bool is_index = value.has_list_value() && absl::SimpleAtoi(segment, &index) && index >= 0 &&
                        index < value.list_value().values_size();
  return is_index ? &value.list_value().values(index) : nullptr;
}

const Value* FindField(const v1::Event& event, std::string_view pointer) {
  const Value* at = event.has_json() ? &event.json() : nullptr;
  while (at != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const size_t end = std::min(pointer.find('/'), pointer.size());
    std::string segment(pointer.substr(0, end));
    absl::StrReplaceAll({{"~1", "/"}, {"~0", "~"}}, &segment);
    at = Step(*at, segment);
    pointer.remove_prefix(end);
  }
  return at;
}

}  // namespace

void PrintEventLine(const v1::Event& event, const LineFormat& format, std::ostream& out) {
  out << Paint(kDim, StrCat(event.sequence()), format) << "  "
      << Paint(kDim, FormatTimestamp(event.append_time()), format) << "  "
      << Paint(kCyan, Printable(event.source()), format) << "  "
      << Paint(kBold, Printable(event.type()), format) << "  " << Printable(event.id());
  if (!event.dedup_key().empty()) {
    out << "  " << Paint(kDim, Printable(event.dedup_key()), format);
  }
  if (event.test_mode()) out << "  " << Paint(kYellow, "test", format);
  if (!event.conversion_error().empty()) {
    out << "  " << Paint(kYellow, Printable(event.conversion_error()), format);
  }
  for (const std::string& field : format.fields) {
    out << "  " << Paint(kDim, field + "=", format) << Printable(FieldText(event, field));
  }
  out << '\n';
}

std::string FieldText(const v1::Event& event, std::string_view pointer) {
  const Value* const value = FindField(event, pointer);
  if (value == nullptr) return "-";
  if (value->has_string_value()) return value->string_value();
  const absl::StatusOr<std::string> json = ToJsonLine(*value);
  return json.ok() ? *json : "-";
}

absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InvalidArgumentError(status.ToString());
  return json;
}

std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp) {
  const absl::Time time =
      absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<v1::PayloadView> ParseView(std::string_view text) {
  const std::string name = StrCat("PAYLOAD_VIEW_", absl::AsciiStrToUpper(std::string(text)));
  v1::PayloadView view = v1::PAYLOAD_VIEW_DATA;
  if (v1::PayloadView_Parse(name, &view) && view != v1::PAYLOAD_VIEW_UNSPECIFIED) return view;
  return absl::InvalidArgumentError("--view is one of metadata, data, raw, full");
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (const char c : text) {
    const bool control = absl::ascii_iscntrl(static_cast<unsigned char>(c));
    StrAppend(&printable, control ? StrCat("\\x", HexEncode({&c, 1})) : std::string(1, c));
  }
  return printable;
}

}  // namespace hookbridge::hookctl
