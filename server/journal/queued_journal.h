#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/journal/append_queue.h"
#include "server/journal/journal.h"
#include "server/journal/journal_directory.h"
#include "server/journal/lost_events.h"
#include "server/journal/retention.h"
#include "server/journal/scrubber.h"
#include "server/journal/store.h"

#include "absl/container/flat_hash_map.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hookbridge {

struct QueuedJournalOptions {
  AppendQueue::Limits queue;
  absl::Duration max_age;
  uint64_t bytes_max = 0;  // 0: no limit
  FullPolicy when_full = FullPolicy::kRefuse;
  uint64_t reserve_bytes = 0;  // kept in the directory for a full disk; 0: none
  bool scrub = false;          // looks for damage all the time
  Logger* log = nullptr;       // what happens to the journal; null: nobody hears of it
};

// The journal of one machine: a bounded queue, one committer thread and an engine's Store. The
// committer turns everything that waits into one group and one sync:
//
//   Append ─▶ AppendQueue ─▶ [ dedup ─▶ ids, positions ─▶ Store::Commit ] ─▶ CommitListener ─▶
//   sinks
//                                        committer thread
//
// A failed commit answers its group kUnavailable, then the committer heals the store, with backoff,
// and takes appends again. So it does when the directory is gone, which it looks for once a second.
// On a full disk it gives up the reserve, so that reading and retention work, and refuses appends
// until there is space for the reserve again. Ownership: owns store and directory; clock, listener
// and log outlive it. Threads: thread-safe. Close joins the committer.
class QueuedJournal final : public Journal {
 public:
  // `listener` may be null, and so may `directory`, for an engine that has none. Starts the
  // committer.
  QueuedJournal(QueuedJournalOptions options, std::unique_ptr<Store> store, const Clock& clock,
                CommitListener* listener, std::unique_ptr<JournalDirectory> directory = nullptr);
  ~QueuedJournal() override;

  absl::Status CanAppend(std::string_view source) const override;
  void Append(AppendRequest request) override;
  absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                   size_t bytes_max) const override;
  absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                         size_t bytes_max) const override;
  std::optional<LostRange> FindLost(Position after) const override;
  absl::StatusOr<StoredEventPtr> Find(const EventId& id) const override;
  absl::StatusOr<Position> PositionBefore(absl::Time time) const override;
  JournalInfo Info() const override;
  absl::Status Trim(Position position) override;
  absl::Status ReleaseRetention(Position up_to) override;
  absl::Status WriteState(std::vector<StateUpdate> updates) override;
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const override;
  void Close() override;

 private:
  // A call that runs on the committer thread and blocks its caller.
  struct Task {
    std::optional<Position> trim;
    std::optional<Position> release;
    std::vector<StateUpdate> state;
    absl::Status status;
    bool done = false;
  };
  class GroupBuilder;

  void Run();
  void RunGroup(std::vector<AppendRequest> requests);
  void RunTasks() ABSL_LOCKS_EXCLUDED(task_mutex_);
  absl::Status RunTask(Task& task) ABSL_LOCKS_EXCLUDED(task_mutex_);
  void Maintain(const Moment& now);
  absl::Status CommitAndPublish(const CommitGroup& group);
  void Break(const absl::Status& why, absl::Duration heal_after);
  void TryHeal(const Moment& now);
  absl::Status Reopen();
  EventId NewestId() const;
  void TakeReserve();
  // What `broken_`, `starved_` and the retention say, for the other threads.
  void Announce() ABSL_LOCKS_EXCLUDED(state_mutex_);
  absl::Status RunOnCommitter(Task& task) ABSL_LOCKS_EXCLUDED(task_mutex_);

  const QueuedJournalOptions options_;
  const std::unique_ptr<JournalDirectory> directory_;
  const std::unique_ptr<Store> store_;
  const Clock& clock_;
  CommitListener* const listener_;
  AppendQueue queue_;
  mutable LostEvents lost_;

  // Committer thread only.
  EventIdMinter minter_;
  Retention retention_;
  Position acknowledged_ = 0;  // the newest position
  absl::Status broken_;        // not OK: the store takes nothing until it is healed
  std::string starved_;        // not empty: the disk has no space for the reserve
  bool disk_full_ = false;     // the last failure was a full disk
  absl::Duration next_heal_;   // on the steady clock, as the next one
  absl::Duration heal_backoff_;
  absl::Duration next_maintenance_ = -absl::InfiniteDuration();

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
  std::unique_ptr<Scrubber> scrubber_;
  std::thread committer_;
};

}  // namespace hookbridge
