#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/journal/journal.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"

#include <memory>

namespace hookbridge {

// The configured journal, opened or created. `config` has its defaults; max_bytes 0 becomes 80 % of
// the volume, less the reserve. What was acknowledged and is not there any more is logged, and its
// positions are not given again. `listener` may be null; it, clock and log outlive the journal.
// Blocks while the engine recovers. Errors name the directory and what to do.
absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const config::v1::JournalConfig& config,
                                                     const Clock& clock, CommitListener* listener,
                                                     Logger& log);

}  // namespace hookbridge
