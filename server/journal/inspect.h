#pragma once

#include "absl/status/status.h"

#include <string>

namespace hookbridge::journal {

struct InspectOptions {
  bool events = false;  // one line for each event
};

// Looks at the directory of a stopped bridge without writing to it: appends to `report` the
// manifest, counts, bounds and sizes, and checks every record's checksum, the order of positions
// and ids, and that each dedup row names the event that it says. kDataLoss when anything is wrong
// (the report says what); otherwise the errors of opening it. Blocks.
absl::Status Inspect(const std::string& directory, const InspectOptions& options,
                     std::string* report);

}  // namespace hookbridge::journal
