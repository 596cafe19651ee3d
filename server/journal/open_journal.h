#pragma once

#include "server/base/clock.h"
#include "server/journal/journal.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"

#include <memory>

namespace hookbridge {

// The configured journal, opened or created. `config` has its defaults; max_bytes 0 becomes 80 % of
// the volume. `listener` may be null; it and the clock outlive the journal. Blocks while the engine
// recovers. Errors name the directory and what to do.
absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const config::v1::JournalConfig& config,
                                                     const Clock& clock, CommitListener* listener);

}  // namespace hookbridge
