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
constexpr size_t kTrimStepEvents = 4'096;

absl::Status ClosedError() { return absl::UnavailableError("journal: closed"); }

}  // namespace

// Turns requests into one commit: dedup against the store and against the group itself, ids and
// positions in order.
class QueuedJournal::GroupBuilder {
 public:
  GroupBuilder(Store& store, EventIdMinter& minter, absl::Time now)
      : store_(store), minter_(minter), now_(now), next_(store.Bounds().last + 1) {}

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
    if (row->has_value()) return Duplicate(**row, event);
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
    return Receipt{
        .id = added.id, .position = added.position, .replay_suspected = replay_suspected};
  }

  absl::StatusOr<std::optional<DedupRow>> FindRow(const DedupHash& hash) {
    if (const auto it = pending_.find(hash); it != pending_.end()) return it->second;
    return store_.FindDedup(hash, now_);
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
  const absl::Time now_;
  Position next_;
  absl::flat_hash_map<DedupHash, DedupRow> pending_;
  CommitGroup group_;
};

QueuedJournal::QueuedJournal(QueuedJournalOptions options, std::unique_ptr<Store> store,
                             const Clock& clock, CommitListener* listener)
    : options_(options),
      store_(std::move(store)),
      clock_(clock),
      listener_(listener),
      queue_(options.queue),
      minter_(static_cast<uint64_t>(absl::ToUnixNanos(clock.Now())), store_->Bounds().last_id),
      heal_backoff_(kHealBackoffMin),
      committer_([this] { Run(); }) {}

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
  const uint64_t token = request.token;
  if (absl::Status status = queue_.Push(request); !status.ok()) {
    std::vector<AppendOutcome> outcomes(1);
    outcomes[0] = {.token = token, .status = std::move(status), .receipts = {}};
    sink->OnAppended(std::move(outcomes));
  }
}

void QueuedJournal::Run() {
  while (true) {
    const absl::Duration wait =
        broken_ ? std::max(next_heal_ - clock_.Now(), absl::Milliseconds(1)) : kMaintenanceInterval;
    std::vector<AppendRequest> requests =
        queue_.PopGroup(limits::kCommitGroupEventsMax, limits::kCommitGroupBytesMax,
                        std::min(wait, kMaintenanceInterval));
    if (requests.empty() && closed_.load(std::memory_order_acquire)) break;
    const absl::Time now = clock_.Now();
    if (broken_) TryHeal(now);
    if (!requests.empty()) RunGroup(std::move(requests));
    RunTasks();
    if (!broken_) Maintain(now);
  }
  RunTasks();
  store_->Close();
}

void QueuedJournal::RunGroup(std::vector<AppendRequest> requests) {
  std::vector<AppendOutcome> outcomes(requests.size());
  absl::Status failure;
  if (broken_ || full_) {
    MutexLock lock(state_mutex_);
    failure = full_ ? absl::ResourceExhaustedError(not_writable_reason_)
                    : absl::UnavailableError(not_writable_reason_);
  } else {
    GroupBuilder builder(*store_, minter_, clock_.Now());
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
      SetNotWritable(std::string(ToStd(failure.message())));
      broken_ = true;
      next_heal_ = clock_.Now();
    }
  }

  absl::flat_hash_map<AppendSink*, std::vector<AppendOutcome>> by_sink;
  for (size_t i = 0; i < requests.size(); ++i) {
    outcomes[i].token = requests[i].token;
    outcomes[i].status = failure;
    if (!failure.ok()) outcomes[i].receipts.clear();
    by_sink[requests[i].sink].push_back(std::move(outcomes[i]));
  }
  for (auto& [sink, of_sink] : by_sink) sink->OnAppended(std::move(of_sink));
}

absl::Status QueuedJournal::CommitAndPublish(const CommitGroup& group) {
  if (group.empty()) return absl::OkStatus();
  if (absl::Status status = store_->Commit(group); !status.ok()) {
    broken_ = true;
    next_heal_ = clock_.Now() + heal_backoff_;
    SetNotWritable(StrCat("journal: ", ToStd(status.message())));
    return absl::UnavailableError(StrCat("journal: ", ToStd(status.message())));
  }
  if (listener_ != nullptr && !group.events.empty()) listener_->OnCommitted(group.events);
  return absl::OkStatus();
}

void QueuedJournal::TryHeal(absl::Time now) {
  if (now < next_heal_) return;
  const Position last_before = store_->Bounds().last;
  if (absl::Status status = store_->Heal(); !status.ok()) {
    heal_backoff_ = std::min(heal_backoff_ * 2, kHealBackoffMax);
    next_heal_ = now + heal_backoff_;
    SetNotWritable(StrCat("journal: ", ToStd(status.message())));
    return;
  }
  heal_backoff_ = kHealBackoffMin;
  broken_ = false;
  // What the failed commit had written after all is there now: readers must hear of it.
  const StoreBounds bounds = store_->Bounds();
  minter_ = EventIdMinter(static_cast<uint64_t>(absl::ToUnixNanos(now)), bounds.last_id);
  if (listener_ != nullptr && bounds.last > last_before) {
    if (auto events = store_->Read(last_before, SIZE_MAX, SIZE_MAX); events.ok()) {
      listener_->OnCommitted(*events);
    }
  }
  if (!full_) SetWritable();
}

void QueuedJournal::Maintain(absl::Time now) {
  if (now < next_maintenance_) return;
  next_maintenance_ = now + kMaintenanceInterval;
  Retain(now);
}

// Removes what is too old, then what is too much; or refuses.
void QueuedJournal::Retain(absl::Time now) {
  const StoreBounds bounds = store_->Bounds();
  if (bounds.first <= bounds.last) {
    const auto expired = store_->PositionBefore(now - options_.max_age);
    if (expired.ok() && *expired >= bounds.first) store_->Trim(*expired).IgnoreError();
  }
  uint64_t bytes = store_->MeasureBytes();
  while (options_.bytes_max > 0 && bytes > options_.bytes_max &&
         options_.when_full == FullPolicy::kDropOldest) {
    const StoreBounds now_kept = store_->Bounds();
    if (now_kept.first > now_kept.last) break;
    const Position step = std::min<Position>(now_kept.first + kTrimStepEvents - 1, now_kept.last);
    if (!store_->Trim(step).ok()) break;
    const uint64_t after = store_->MeasureBytes();
    if (after >= bytes && step == now_kept.last) break;
    bytes = after;
  }
  bytes_.store(bytes, std::memory_order_relaxed);
  const bool is_full = options_.bytes_max > 0 && bytes > options_.bytes_max &&
                       options_.when_full == FullPolicy::kRefuse;
  if (is_full && !full_) {
    full_ = true;
    SetNotWritable(StrCat("journal: full: ", bytes, " of ", options_.bytes_max, " bytes"));
  } else if (!is_full && full_) {
    full_ = false;
    SetWritable();
  }
}

void QueuedJournal::SetNotWritable(std::string reason) {
  MutexLock lock(state_mutex_);
  not_writable_reason_ = std::move(reason);
  writable_.store(false, std::memory_order_release);
}

void QueuedJournal::SetWritable() {
  MutexLock lock(state_mutex_);
  not_writable_reason_.clear();
  writable_.store(true, std::memory_order_release);
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
  if (broken_) {
    MutexLock lock(state_mutex_);
    return absl::UnavailableError(not_writable_reason_);
  }
  if (task.trim) return store_->Trim(*task.trim);
  CommitGroup group;
  group.state = std::move(task.state);
  return CommitAndPublish(group);
}

absl::Status QueuedJournal::RunOnCommitter(Task& task) {
  {
    MutexLock lock(task_mutex_);
    if (tasks_closed_) return ClosedError();
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

absl::Status QueuedJournal::WriteState(std::vector<StateUpdate> updates) {
  Task task;
  task.state = std::move(updates);
  return RunOnCommitter(task);
}

absl::StatusOr<std::vector<StoredEventPtr>> QueuedJournal::Read(Position after, size_t events_max,
                                                                size_t bytes_max) const {
  if (closed_.load(std::memory_order_acquire)) return ClosedError();
  return store_->Read(after, events_max, bytes_max);
}

absl::StatusOr<std::vector<StoredEventPtr>> QueuedJournal::ReadBefore(Position before,
                                                                      size_t events_max,
                                                                      size_t bytes_max) const {
  if (closed_.load(std::memory_order_acquire)) return ClosedError();
  return store_->ReadBefore(before, events_max, bytes_max);
}

absl::StatusOr<Position> QueuedJournal::PositionBefore(absl::Time time) const {
  if (closed_.load(std::memory_order_acquire)) return ClosedError();
  return store_->PositionBefore(time);
}

// The id's time is its append_time: go there and look through that millisecond.
absl::StatusOr<StoredEventPtr> QueuedJournal::Find(const EventId& id) const {
  auto position = PositionBefore(id.time());
  if (!position.ok()) return position.status();
  Position after = std::max(*position, store_->Bounds().first - 1);
  while (true) {
    const auto events = Read(after, 64, SIZE_MAX);
    if (!events.ok()) {
      return absl::IsOutOfRange(events.status()) ? absl::NotFoundError("no such event")
                                                 : events.status();
    }
    for (const StoredEventPtr& event : *events) {
      if (event->id == id) return event;
      if (event->id > id) return absl::NotFoundError("no such event");
      after = event->position;
    }
    if (events->empty()) return absl::NotFoundError("no such event");
  }
}

JournalInfo QueuedJournal::Info() const {
  JournalInfo info;
  info.id = store_->id();
  info.durable = store_->durable();
  const StoreBounds bounds = store_->Bounds();
  info.first = bounds.first;
  info.last = bounds.last;
  info.last_time = bounds.last == 0 ? absl::InfinitePast() : bounds.last_id.time();
  info.first_time = absl::InfinitePast();
  if (bounds.first <= bounds.last && !closed_.load(std::memory_order_acquire)) {
    const auto oldest = store_->Read(bounds.first - 1, 1, 0);
    if (oldest.ok() && !oldest->empty()) info.first_time = oldest->front()->append_time();
  }
  info.bytes = bytes_.load(std::memory_order_relaxed);
  info.writable = writable_.load(std::memory_order_acquire);
  if (!info.writable) {
    MutexLock lock(state_mutex_);
    info.not_writable_reason = not_writable_reason_;
  }
  return info;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> QueuedJournal::ReadState(
    std::string_view prefix) const {
  if (closed_.load(std::memory_order_acquire)) return ClosedError();
  return store_->ReadState(prefix);
}

void QueuedJournal::Close() {
  MutexLock close_lock(close_mutex_);
  if (!committer_.joinable()) return;
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
