#pragma once

#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "hookbridge/v1/event.pb.h"

#include "absl/status/statusor.h"

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::hookctl {

// What a line of an event shows.
struct LineFormat {
  bool color = false;
  std::vector<std::string> fields;  // JSON Pointers into the parsed body
};

// One line: position, append time, source, type, id, then the fields. Bytes that could steer a
// terminal are escaped.
void PrintEventLine(const v1::Event& event, const LineFormat& format, std::ostream& out);

// The text of the value at a JSON Pointer of the parsed body; `-` when there is none.
std::string FieldText(const v1::Event& event, std::string_view pointer);

// Protobuf's JSON form, on one line. kInvalidArgument: it has none (an Any of an unknown type).
absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message);

std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp);

// METADATA, DATA, RAW or FULL, in any case. kInvalidArgument.
absl::StatusOr<v1::PayloadView> ParseView(std::string_view text);

// Control characters as \xNN.
std::string Printable(std::string_view text);

}  // namespace hookbridge::hookctl
