#pragma once

#include "server/delivery/rich_error.h"

#include "hookbridge/v1/event.pb.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

// A Filter made ready, evaluated on the envelope run's wire form without building a message.
// Immutable.
class EventFilter {
 public:
  // Passes everything.
  EventFilter() = default;
  // The error names the fields that are over a limit or incomplete.
  static RichError Create(const v1::Filter& filter, EventFilter* made);

  bool Passes(std::string_view envelope) const;

 private:
  std::vector<v1::FilterClause> any_of_;
};

// INVALID_ARGUMENT, reason INVALID_REQUEST, about one field.
RichError InvalidField(std::string field, std::string what);

}  // namespace hookbridge
