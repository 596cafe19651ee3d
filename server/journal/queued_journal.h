#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/journal/append_queue.h"
#include "server/journal/journal.h"
#include "server/journal/store.h"

#include "absl/container/flat_hash_map.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hookbridge {

enum class FullPolicy { kRefuse, kDropOldest };

struct QueuedJournalOptions {
  AppendQueue::Limits queue;
  absl::Duration max_age;
  uint64_t bytes_max = 0;  // 0: no limit
  FullPolicy when_full = FullPolicy::kRefuse;
};

// The journal of one machine: a bounded queue, one committer thread and an engine's Store. The
// committer turns everything that waits into one group and one sync:
//
//   Append ─▶ AppendQueue ─▶ [ dedup ─▶ ids, positions ─▶ Store::Commit ] ─▶ CommitListener ─▶
//   sinks
//                                        committer thread
//
// A failed commit answers its group kUnavailable, then the committer heals the store, with backoff,
// and takes appends again. Ownership: owns the store; clock and listener outlive it. Threads:
// thread-safe. Close joins the committer.
class QueuedJournal final : public Journal {
 public:
  // `listener` may be null. Starts the committer.
  QueuedJournal(QueuedJournalOptions options, std::unique_ptr<Store> store, const Clock& clock,
                CommitListener* listener);
  ~QueuedJournal() override;

  absl::Status CanAppend(std::string_view source) const override;
  void Append(AppendRequest request) override;
  absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                   size_t bytes_max) const override;
  absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                         size_t bytes_max) const override;
  absl::StatusOr<StoredEventPtr> Find(const EventId& id) const override;
  absl::StatusOr<Position> PositionBefore(absl::Time time) const override;
  JournalInfo Info() const override;
  absl::Status Trim(Position position) override;
  absl::Status WriteState(std::vector<StateUpdate> updates) override;
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const override;
  void Close() override;

 private:
  // A call that runs on the committer thread and blocks its caller.
  struct Task {
    std::optional<Position> trim;
    std::vector<StateUpdate> state;
    absl::Status status;
    bool done = false;
  };
  class GroupBuilder;

  void Run();
  void RunGroup(std::vector<AppendRequest> requests);
  void RunTasks() ABSL_LOCKS_EXCLUDED(task_mutex_);
  absl::Status RunTask(Task& task) ABSL_LOCKS_EXCLUDED(task_mutex_);
  void Maintain(absl::Time now);
  void Retain(absl::Time now);
  absl::Status CommitAndPublish(const CommitGroup& group);
  void TryHeal(absl::Time now);
  void SetNotWritable(std::string reason) ABSL_LOCKS_EXCLUDED(state_mutex_);
  void SetWritable() ABSL_LOCKS_EXCLUDED(state_mutex_);
  absl::Status RunOnCommitter(Task& task) ABSL_LOCKS_EXCLUDED(task_mutex_);

  const QueuedJournalOptions options_;
  const std::unique_ptr<Store> store_;
  const Clock& clock_;
  CommitListener* const listener_;
  AppendQueue queue_;

  // Committer thread only.
  EventIdMinter minter_;
  bool broken_ = false;
  bool full_ = false;
  absl::Time next_heal_;
  absl::Duration heal_backoff_;
  absl::Time next_maintenance_ = absl::InfinitePast();

  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> writable_{true};
  std::atomic<bool> closed_{false};
  mutable Mutex state_mutex_;
  std::string not_writable_reason_ ABSL_GUARDED_BY(state_mutex_);

  Mutex task_mutex_;
  CondVar task_done_;
  std::vector<Task*> tasks_ ABSL_GUARDED_BY(task_mutex_);
  bool tasks_closed_ ABSL_GUARDED_BY(task_mutex_) = false;

  Mutex close_mutex_;
  std::thread committer_;
};

}  // namespace hookbridge
