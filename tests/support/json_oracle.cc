#include "tests/support/json_oracle.h"

#include "server/base/json_tape.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/convert/internal/value_writer.h"
#include "tests/support/json_compare.h"

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

#include <boost/json/src.hpp>

namespace hookbridge {
namespace {

constexpr JsonLimits kLimits{.depth_max = limits::kJsonDepthMaxHard,
                             .elements_max = limits::kJsonElementsMax};

// Refusals that Boost.JSON does not know: its objects keep the last of equal keys, its depth limit
// counts otherwise, and it has no limit on elements.
bool OnlyOurs(std::string_view word) {
  return word.starts_with("json_duplicate_key") || word.starts_with("json_depth") ||
         word.starts_with("json_elements") || word.starts_with("json_size");
}

}  // namespace

std::string CompareWithOtherReaders(std::string_view text) {
  JsonTape tape;
  const absl::Status ours = tape.Parse(text, kLimits);
  // The others take it for a part of the text.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 1'000;
  const boost::json::value json =
      boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (!ours.ok()) {
    const std::string word(ToStd(ours.message()));
    if (error || OnlyOurs(word)) return "";
    return StrCat("Boost.JSON reads what is refused as ", word);
  }
  // Boost.JSON bounds exponents; RFC 8259 does not.
  if (error == boost::json::error::exponent_overflow) return "";
  if (error) return StrCat("Boost.JSON refuses: ", error.message());

  std::string wire;
  AppendValue(tape, wire);
  if (wire.size() != ValueWireBytes(tape.nodes().front())) return "the size was not foretold";
  google::protobuf::Value value;
  if (!value.ParseFromString(wire)) return "the Value cannot be parsed";
  if (!SameJson(value, json)) return StrCat("differs from Boost.JSON: ", value.ShortDebugString());
  if (InexactPointers(tape).size() != tape.inexact_count())
    return "inexact numbers were miscounted";

  google::protobuf::Value theirs;
  const auto read = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), &theirs);
  if (!read.ok() || tape.inexact_count() > 0) return "";
  if (!google::protobuf::util::MessageDifferencer::Equals(value, theirs)) {
    return StrCat("differs from Protobuf's reader: ", value.ShortDebugString(), " and ",
                  theirs.ShortDebugString());
  }
  return "";
}

}  // namespace hookbridge
