#pragma once

#include "server/base/mutex.h"
#include "server/journal/journal.h"

#include "absl/status/statusor.h"

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace hookbridge {

// The front that streams read from: recent events from memory, with the parsed form that ingest
// made, older ones from the journal, with the parsed form made again. Created before the journal,
// whose commits it hears. Threads: thread-safe. OnCommitted does a bounded amount of work and never
// blocks; reads that miss the cache block on the disk.
class EventLog final : public CommitListener {
 public:
  // Makes an event's data run from its other runs; convert/ gives it.
  using DataRunMaker = std::function<std::string(const EventRuns&)>;

  EventLog(uint64_t cache_bytes_max, DataRunMaker make_data)
      : cache_bytes_max_(cache_bytes_max), make_data_(std::move(make_data)) {}

  // Before anything else; the journal outlives this.
  void Attach(const Journal& journal) ABSL_LOCKS_EXCLUDED(mutex_);
  // Called on the committer's thread after each group; must not block.
  void SetWake(std::function<void()> wake) ABSL_LOCKS_EXCLUDED(mutex_);

  void OnCommitted(std::span<const StoredEventPtr> events) override ABSL_LOCKS_EXCLUDED(mutex_);

  // As Journal::Read; with `want_data` every event that has a parsed form has its data run.
  absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                   size_t bytes_max, bool want_data) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Later reads go to the journal, until events are committed again.
  void DropCacheForTest() ABSL_LOCKS_EXCLUDED(mutex_);

  // The event with its data run.
  StoredEventPtr WithData(StoredEventPtr event) const;

  Position head() const { return head_.load(std::memory_order_acquire); }
  const Journal& journal() const { return *journal_; }
  const JournalId& journal_id() const { return journal_id_; }

 private:
  bool ReadCache(Position after, size_t events_max, size_t bytes_max,
                 std::vector<StoredEventPtr>& events) const ABSL_LOCKS_EXCLUDED(mutex_);

  const uint64_t cache_bytes_max_;
  const DataRunMaker make_data_;
  const Journal* journal_ = nullptr;
  JournalId journal_id_{};
  std::atomic<Position> head_{0};
  mutable Mutex mutex_;
  std::deque<StoredEventPtr> cache_ ABSL_GUARDED_BY(mutex_);
  uint64_t cache_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
