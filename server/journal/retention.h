#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/journal/journal.h"
#include "server/journal/store.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

enum class FullPolicy { kRefuse, kDropOldest };

struct RetentionOptions {
  absl::Duration max_age;
  uint64_t bytes_max = 0;  // 0: no limit
  FullPolicy when_full = FullPolicy::kRefuse;
};

// Removes the oldest events of a store: by age, and by bytes where drop_oldest says so.
//
// Age goes by a horizon, an append time before which nothing is kept. It moves on with the steady
// clock. Where the wall clock is further (a restart, a clock that was set) it catches up, at most
// limits::kRetentionCatchUpPerMinute in a minute; where the wall clock is ahead by more than
// limits::kRetentionHoldBeyond, it does not catch up, and an operator has to say so (Release): a
// clock that jumps must not empty the journal.
//
// Bytes go by what Store::MeasureBytes says before; at most a quarter of the events go at once.
//
// Ownership: store and log outlive it; `log` may be null. Threads: hold() from anywhere, all else
// by the committer. Blocks on the disk.
class Retention {
 public:
  Retention(const RetentionOptions& options, Store& store, Logger* log);

  // Once a second.
  void Run(const Moment& now);
  // Why nothing more fits; empty when it does. Of `refuse` alone.
  const std::string& full() const { return full_; }
  // As of the last Run.
  uint64_t bytes() const { return bytes_; }

  // Tells what went since the last line.
  void TellRest(absl::Duration now);

  // An operator's trim.
  absl::Status Trim(Position position);
  // kFailedPrecondition: events up to `up_to` are not held.
  absl::Status Release(Position up_to);
  std::optional<RetentionHold> hold() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Removed and not yet told.
  struct Told {
    Position first = 0;
    Position last = 0;
    absl::Duration since = -absl::InfiniteDuration();
  };

  void RunAge(const Moment& now);
  void RunBytes(const Moment& now);
  absl::Status Remove(Position position);
  void Note(std::string_view reason, Told& told, Position first, Position last, absl::Duration now);
  void Tell(std::string_view reason, Told& told, absl::Duration now);
  void SetHold(std::optional<RetentionHold> hold) ABSL_LOCKS_EXCLUDED(mutex_);

  const RetentionOptions options_;
  Store& store_;
  Logger* const log_;
  std::optional<absl::Time> horizon_;
  absl::Duration last_run_;
  absl::Duration hold_told_ = -absl::InfiniteDuration();
  absl::Duration next_by_bytes_ = -absl::InfiniteDuration();
  Told age_told_;
  Told bytes_told_;
  uint64_t bytes_ = 0;
  std::string full_;
  mutable Mutex mutex_;
  std::optional<RetentionHold> hold_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
