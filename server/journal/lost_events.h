#pragma once

#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/journal/journal.h"
#include "server/journal/store.h"

#include "absl/status/status.h"

#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace hookbridge {

// Positions whose events cannot be read any more: they were acknowledged, and their files are
// damaged, cut or gone. Each range is logged once (`events_lost`). At most limits::kLostRangesMax
// are remembered; further ones are found anew by every read. Ownership: the log, which may be null,
// outlives it. Threads: thread-safe.
class LostEvents {
 public:
  explicit LostEvents(Logger* log) : log_(log) {}

  // What Store state says that an earlier start found missing.
  absl::Status Load(const Store& store) ABSL_LOCKS_EXCLUDED(mutex_);
  // The update that makes a range last beyond this process, and a range out of one.
  static StateUpdate Persisted(const LostRange& range);
  static std::optional<LostRange> FromPersisted(std::string_view key, std::string_view value);

  // Logs it when it is new.
  void Add(const LostRange& range, std::string_view why) ABSL_LOCKS_EXCLUDED(mutex_);
  // The range that `position` is in.
  std::optional<LostRange> At(Position position) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The first range that begins at `position` or later.
  std::optional<LostRange> From(Position position) const ABSL_LOCKS_EXCLUDED(mutex_);
  // All that end at `first` or later, oldest first.
  std::vector<LostRange> List(Position first) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Newest lost position; 0 when none is. No later event gets it.
  Position last() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool Insert(const LostRange& range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Logger* const log_;
  mutable Mutex mutex_;
  std::map<Position, Position> ranges_ ABSL_GUARDED_BY(mutex_);  // first, last
};

// A store that ends before `acknowledged` has lost what is between: that is logged and recorded in
// its state, so that no position of it is given again and no reader passes it unawares. (committer)
absl::Status RecordMissing(Store& store, Position acknowledged, LostEvents& lost);

// kDataLoss, naming the range.
absl::Status LostError(const LostRange& range);

// Where damage at `first` ends: the range up to the next event that the store can read. Reads the
// disk. Errors: the store's, but for kDataLoss.
absl::StatusOr<LostRange> FindDamage(const Store& store, Position first);

}  // namespace hookbridge
