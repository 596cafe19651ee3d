#include "server/journal/queued_journal.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

constexpr absl::Duration kMaintenanceInterval = absl::Seconds(1);
constexpr absl::Duration kHealBackoffMin = absl::Milliseconds(50);
constexpr absl::Duration kHealBackoffMax = absl::Seconds(2);

}  // namespace

// Turns requests into one commit: dedup against the store and against the group itself, ids and
// positions in order.
class QueuedJournal::GroupBuilder {
 public:
  GroupBuilder(Store& store, EventIdMinter& minter, absl::Time now, Position next, Logger* log)
      : store_(store), minter_(minter), log_(log), now_(now), next_(next) {}

  // Outcome of one request, valid once the group is durable.
  absl::StatusOr<std::vector<Receipt>> Add(AppendRequest& request) {
    std::vector<Receipt> receipts;
    receipts.reserve(request.events.size());
    for (NewEvent& event : request.events) {
      auto receipt = AddEvent(event);
      if (!receipt.ok()) return receipt.status();
      if (!receipt->duplicate && !request.body_run.empty()) {
        event.event->runs.raw += std::exchange(request.body_run, {});
      }
      receipts.push_back(*receipt);
    }
    return receipts;
  }

  const CommitGroup& group() const { return group_; }

 private:
  absl::StatusOr<Receipt> AddEvent(NewEvent& event) {
    auto row = FindRow(event.dedup_hash);
    if (!row.ok()) return row.status();
    bool other_body = false;
    if (row->has_value()) {
      auto repeat = Repeat(**row, event);
      if (!repeat.ok() || repeat->duplicate) return repeat;
      other_body = true;
    }
    bool replay_suspected = false;
    if (event.replay) {
      auto seen = FindRow(event.replay->hash);
      if (!seen.ok()) return seen.status();
      replay_suspected = seen->has_value();
      if (replay_suspected && event.replay->drop) {
        Receipt receipt = Duplicate(**seen, event);
        receipt.replay_suspected = true;
        return receipt;
      }
      if (replay_suspected) event.event->runs.envelope += event.replay->envelope_run;
    }
    event.event->id = minter_.Next(now_);
    event.event->position = next_++;
    const DedupRow added{.id = event.event->id,
                         .position = event.event->position,
                         .expiry = event.event->append_time() + event.dedup_window,
                         .body_crc = event.body_crc};
    Remember(event.dedup_hash, added);
    if (event.replay && !replay_suspected) Remember(event.replay->hash, added);
    group_.events.push_back(event.event);
    return Receipt{.id = added.id,
                   .position = added.position,
                   .other_body = other_body,
                   .replay_suspected = replay_suspected};
  }

  // What comes under a hash that is taken: a duplicate, or another body that is now an event with a
  // hash of its own, unless that one is taken too: then it is its retry.
  absl::StatusOr<Receipt> Repeat(const DedupRow& first, NewEvent& event) {
    const Receipt receipt = Duplicate(first, event);
    if (!receipt.other_body || !event.unconflict) return receipt;
    NewEvent::Unconflicted own = event.unconflict(event.event->runs, first.id);
    auto row = FindRow(own.hash);
    if (!row.ok()) return row.status();
    if (row->has_value()) return Duplicate(**row, event);
    event.dedup_hash = own.hash;
    event.event->runs.envelope = std::move(own.envelope);
    return Receipt{};
  }

  absl::StatusOr<std::optional<DedupRow>> FindRow(const DedupHash& hash) {
    if (const auto it = pending_.find(hash); it != pending_.end()) return it->second;
    auto row = store_.FindDedup(hash, now_);
    if (!absl::IsDataLoss(row.status())) return row;
    // Refusing would refuse every retry of it too: at worst a repeat is stored once more.
    if (log_ != nullptr) {
      log_->Error("dedup_row_damaged", {{"detail", ToStd(row.status().message())}});
    }
    return std::nullopt;
  }

  void Remember(const DedupHash& hash, const DedupRow& row) {
    pending_.emplace(hash, row);
    group_.dedup.emplace_back(hash, row);
  }

  static Receipt Duplicate(const DedupRow& first, const NewEvent& event) {
    return {.id = first.id,
            .position = first.position,
            .duplicate = true,
            .other_body = first.body_crc && *first.body_crc != event.body_crc};
  }

  Store& store_;
  EventIdMinter& minter_;
  Logger* const log_;
  const absl::Time now_;
  Position next_;
  absl::flat_hash_map<DedupHash, DedupRow> pending_;
  CommitGroup group_;
};

QueuedJournal::QueuedJournal(QueuedJournalOptions options, std::unique_ptr<Store> store,
                             const Clock& clock, CommitListener* listener,
                             std::unique_ptr<JournalDirectory> directory)
    : options_(options),
      directory_(std::move(directory)),
      store_(std::move(store)),
      clock_(clock),
      listener_(listener),
      queue_(options.queue),
      lost_(options.log),
      minter_(static_cast<uint64_t>(absl::ToUnixNanos(clock.Now())), NewestId()),
      retention_({.max_age = options.max_age,
                  .bytes_max = options.bytes_max,
                  .when_full = options.when_full},
                 *store_, options.log),
      heal_backoff_(kHealBackoffMin) {
  lost_.Load(*store_).IgnoreError();
  acknowledged_ = std::max(store_->Bounds().last, lost_.last());
  TakeReserve();
  Announce();
  committer_ = std::thread([this] { Run(); });
  if (!options_.scrub) return;
  scrubber_ = std::make_unique<Scrubber>(*this, clock_);
  scrubber_->Start();
}

QueuedJournal::~QueuedJournal() { Close(); }

absl::Status QueuedJournal::CanAppend(std::string_view source) const {
  if (!writable_.load(std::memory_order_acquire)) {
    MutexLock lock(state_mutex_);
    return absl::UnavailableError(not_writable_reason_);
  }
  return queue_.CanPush(source);
}

void QueuedJournal::Append(AppendRequest request) {
  AppendSink* const sink = request.sink;
  if (absl::Status status = queue_.Push(request); !status.ok()) {
    std::vector<AppendOutcome> outcomes(1);
    outcomes[0] = {.context = std::move(request.context), .status = std::move(status)};
    sink->OnAppended(std::move(outcomes));
  }
}

void QueuedJournal::Run() {
  while (true) {
    const absl::Duration wait = broken_.ok()
                                    ? kMaintenanceInterval
                                    : std::max(next_heal_ - clock_.Steady(), absl::Milliseconds(1));
    std::vector<AppendRequest> requests =
        queue_.PopGroup(limits::kCommitGroupEventsMax, limits::kCommitGroupBytesMax,
                        std::min(wait, kMaintenanceInterval));
    if (requests.empty() && closed_.load(std::memory_order_acquire)) break;
    const Moment now = ReadClock(clock_);
    if (!broken_.ok()) TryHeal(now);
    if (!requests.empty()) RunGroup(std::move(requests));
    RunTasks();
    Maintain(now);
  }
  RunTasks();
  retention_.TellRest(clock_.Steady());
  if (directory_ != nullptr) directory_->Sync().IgnoreError();
  store_->Close();
}

void QueuedJournal::RunGroup(std::vector<AppendRequest> requests) {
  std::vector<AppendOutcome> outcomes(requests.size());
  absl::Status failure = broken_;
  if (failure.ok() && !starved_.empty()) failure = absl::ResourceExhaustedError(starved_);
  if (failure.ok() && !retention_.full().empty()) {
    failure = absl::ResourceExhaustedError(retention_.full());
  }
  if (failure.ok()) {
    GroupBuilder builder(*store_, minter_, clock_.Now(), acknowledged_ + 1, options_.log);
    for (size_t i = 0; i < requests.size() && failure.ok(); ++i) {
      auto receipts = builder.Add(requests[i]);
      if (receipts.ok()) {
        outcomes[i].receipts = *std::move(receipts);
      } else {
        failure = receipts.status();
      }
    }
    if (failure.ok()) {
      failure = CommitAndPublish(builder.group());
    } else {
      Break(failure, absl::ZeroDuration());
      failure = broken_;
    }
  }

  absl::flat_hash_map<AppendSink*, std::vector<AppendOutcome>> by_sink;
  for (size_t i = 0; i < requests.size(); ++i) {
    outcomes[i].context = std::move(requests[i].context);
    outcomes[i].status = failure;
    if (!failure.ok()) outcomes[i].receipts.clear();
    by_sink[requests[i].sink].push_back(std::move(outcomes[i]));
  }
  for (auto& [sink, of_sink] : by_sink) sink->OnAppended(std::move(of_sink));
}

absl::Status QueuedJournal::CommitAndPublish(const CommitGroup& group) {
  if (group.empty()) return absl::OkStatus();
  if (absl::Status status = store_->Commit(group); !status.ok()) {
    Break(status, heal_backoff_);
    return broken_;
  }
  if (group.events.empty()) return absl::OkStatus();
  const StoredEvent& newest = *group.events.back();
  acknowledged_ = newest.position;
  if (directory_ != nullptr) directory_->Note(newest.position, newest.id);
  if (listener_ != nullptr) listener_->OnCommitted(group.events);
  return absl::OkStatus();
}

void QueuedJournal::Break(const absl::Status& why, absl::Duration heal_after) {
  disk_full_ = absl::IsResourceExhausted(why);
  const std::string_view text = ToStd(why.message());
  broken_ = absl::UnavailableError(text.starts_with("journal: ") ? std::string(text)
                                                                 : StrCat("journal: ", text));
  next_heal_ = clock_.Steady() + heal_after;
  Announce();
}

void QueuedJournal::TryHeal(const Moment& now) {
  if (now.steady < next_heal_) return;
  if (absl::Status status = Reopen(); !status.ok()) {
    heal_backoff_ = std::min(heal_backoff_ * 2, kHealBackoffMax);
    Break(status, heal_backoff_);
    return;
  }
  heal_backoff_ = kHealBackoffMin;
  broken_ = absl::OkStatus();
  const StoreBounds bounds = store_->Bounds();
  const Position last_before =
      std::exchange(acknowledged_, std::max({acknowledged_, bounds.last, lost_.last()}));
  minter_ = EventIdMinter(static_cast<uint64_t>(absl::ToUnixNanos(now.wall)), NewestId());
  // What the failed commit had written after all is there now: readers must hear of it.
  if (bounds.last > last_before) {
    if (directory_ != nullptr) directory_->Note(bounds.last, bounds.last_id);
    if (auto events = store_->Read(last_before, SIZE_MAX, SIZE_MAX);
        events.ok() && listener_ != nullptr) {
      listener_->OnCommitted(*events);
    }
  }
  TakeReserve();
  Announce();
}

absl::Status QueuedJournal::Reopen() {
  if (directory_ != nullptr && !directory_->Check().ok()) {
    if (absl::Status status = directory_->Attach(); !status.ok()) return status;
  }
  if (disk_full_ && directory_ != nullptr && directory_->GiveUpReserve() &&
      options_.log != nullptr) {
    options_.log->Warning("journal_disk_full", {{"detail", broken_.message()}});
  }
  if (absl::Status status = store_->Heal(); !status.ok()) return status;
  // Another directory may have come back than the one that left.
  return RecordMissing(*store_, acknowledged_, lost_);
}

// The newest id ever given, wherever it stands.
EventId QueuedJournal::NewestId() const {
  const EventId stored = store_->Bounds().last_id;
  return directory_ == nullptr ? stored : std::max(stored, directory_->mark().last_id);
}

void QueuedJournal::TakeReserve() {
  if (directory_ == nullptr || options_.reserve_bytes == 0) return;
  const absl::Status status = directory_->TakeReserve(options_.reserve_bytes);
  starved_ = absl::IsResourceExhausted(status) ? std::string(status.message()) : std::string();
}

void QueuedJournal::Maintain(const Moment& now) {
  if (now.steady < next_maintenance_ || !broken_.ok()) return;
  next_maintenance_ = now.steady + kMaintenanceInterval;
  if (directory_ != nullptr) {
    absl::Status status = directory_->Check();
    if (status.ok()) status = directory_->Sync();
    if (!status.ok()) {
      if (options_.log != nullptr) {
        options_.log->Error("journal_directory_lost", {{"detail", status.message()}});
      }
      return Break(status, heal_backoff_);
    }
    if (!starved_.empty()) TakeReserve();
  }
  retention_.Run(now);
  bytes_.store(retention_.bytes(), std::memory_order_relaxed);
  Announce();
}

void QueuedJournal::Announce() {
  std::string reason(broken_.message());
  if (reason.empty()) reason = starved_;
  if (reason.empty()) reason = retention_.full();
  MutexLock lock(state_mutex_);
  writable_.store(reason.empty(), std::memory_order_release);
  not_writable_reason_ = std::move(reason);
}

void QueuedJournal::RunTasks() {
  std::vector<Task*> tasks;
  {
    MutexLock lock(task_mutex_);
    tasks.swap(tasks_);
  }
  for (Task* const task : tasks) {
    absl::Status status = RunTask(*task);
    MutexLock lock(task_mutex_);
    task->status = std::move(status);
    task->done = true;
  }
  if (!tasks.empty()) task_done_.NotifyAll();
}

absl::Status QueuedJournal::RunTask(Task& task) {
  if (!broken_.ok()) return broken_;
  if (task.trim) return retention_.Trim(*task.trim);
  if (task.release) return retention_.Release(*task.release);
  CommitGroup group;
  group.state = std::move(task.state);
  return CommitAndPublish(group);
}

absl::Status QueuedJournal::RunOnCommitter(Task& task) {
  {
    MutexLock lock(task_mutex_);
    if (tasks_closed_) return absl::UnavailableError("journal: closed");
    tasks_.push_back(&task);
  }
  queue_.Wake();
  MutexLock lock(task_mutex_);
  while (!task.done) task_done_.Wait(task_mutex_);
  return task.status;
}

absl::Status QueuedJournal::Trim(Position position) {
  Task task;
  task.trim = position;
  return RunOnCommitter(task);
}

absl::Status QueuedJournal::ReleaseRetention(Position up_to) {
  Task task;
  task.release = up_to;
  return RunOnCommitter(task);
}

absl::Status QueuedJournal::WriteState(std::vector<StateUpdate> updates) {
  Task task;
  task.state = std::move(updates);
  return RunOnCommitter(task);
}

void QueuedJournal::Close() {
  MutexLock close_lock(close_mutex_);
  if (!committer_.joinable()) return;
  scrubber_.reset();
  queue_.Close();
  {
    MutexLock lock(task_mutex_);
    tasks_closed_ = true;
  }
  closed_.store(true, std::memory_order_release);
  queue_.Wake();
  committer_.join();
}

}  // namespace hookbridge
