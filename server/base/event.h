#pragma once

#include "server/base/event_id.h"

#include "absl/time/time.h"

#include <cstdint>
#include <memory>
#include <string>

// The event as the bridge handles it: separately concatenable runs of the wire form of
// hookbridge.v1.Event. Protobuf fields concatenate, so a view (METADATA, DATA, RAW, FULL) is a
// choice of runs and nothing is serialised twice.
namespace hookbridge {

// Place of an event in the journal's order. 0 is before the first event. Grows; not dense.
using Position = uint64_t;

// From which bytes and how the data run is made; stored with the event, because the run itself is
// not: a catch-up read makes it again from the raw run.
enum class ParsedForm : uint8_t {
  kNone = 0,  // empty body, or conversion_error
  kJson = 1,
  kForm = 2,
  kText = 3,
  kBinary = 4,
  kMultipart = 5,
};

// The runs of one event.
struct EventRuns {
  // Fields 2 to 8, 11, 12, 13, 15 and 16.
  std::string envelope;
  // Fields 20 to 24: the parsed form and inexact_numbers.
  std::string data;
  // Field 30, tag and length included; RawRequest.body is its last field.
  std::string raw;
  ParsedForm parsed_form = ParsedForm::kNone;
};

// An event of the journal. The journal sets position and id when it commits; after that it is
// immutable and shared by pointer. Threads: immutable once shared.
struct StoredEvent {
  Position position = 0;
  // Its time is append_time.
  EventId id;
  // `data` is empty in events read from disk although parsed_form is not kNone; has_data tells.
  EventRuns runs;
  bool has_data = false;

  absl::Time append_time() const { return id.time(); }
  size_t bytes() const { return runs.envelope.size() + runs.data.size() + runs.raw.size(); }
};

using StoredEventPtr = std::shared_ptr<const StoredEvent>;

}  // namespace hookbridge
