#pragma once

#include "server/base/mutex.h"
#include "server/journal/store.h"

#include "absl/container/flat_hash_map.h"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hookbridge {

// Keeps everything in memory and nothing after exit: for tests and demos. Threads: as Store.
// Never fails; the calls …ForTest make it fail as a broken disk would.
class MemoryStore : public Store {
 public:
  explicit MemoryStore(JournalId id) : id_(id) {}

  absl::Status Commit(const CommitGroup& group) override;
  absl::StatusOr<std::optional<DedupRow>> FindDedup(const DedupHash& hash, absl::Time now) override;
  absl::Status Heal() override;
  absl::Status Trim(Position position) override;
  uint64_t MeasureBytes() override;
  StoreBounds Bounds() const override;
  absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                   size_t bytes_max) const override;
  absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                         size_t bytes_max) const override;
  absl::StatusOr<Position> PositionBefore(absl::Time time) const override;
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const override;
  JournalId id() const override { return id_; }
  bool durable() const override { return false; }
  void Close() override {}

  // Commits and heals fail with this until it is OK again.
  void FailCommitsForTest(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Events from `first` to `last` cannot be read any more.
  void DamageForTest(Position first, Position last) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const JournalId id_;
  mutable Mutex mutex_;
  bool IsDamaged(Position position) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return position >= damaged_first_ && position <= damaged_last_;
  }

  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  Position damaged_first_ ABSL_GUARDED_BY(mutex_) = 1;
  Position damaged_last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<StoredEventPtr> events_ ABSL_GUARDED_BY(mutex_);  // positions first_, first_ + 1, …
  Position first_ ABSL_GUARDED_BY(mutex_) = 1;
  EventId last_id_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::string> state_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<DedupHash, DedupRow> dedup_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
