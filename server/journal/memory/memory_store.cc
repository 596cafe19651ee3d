#include "server/journal/memory/memory_store.h"

#include <algorithm>

namespace hookbridge {

absl::Status MemoryStore::Commit(const CommitGroup& group) {
  MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  for (const StoredEventPtr& event : group.events) {
    events_.push_back(event);
    bytes_ += event->bytes();
    last_id_ = event->id;
  }
  for (const auto& [hash, row] : group.dedup) dedup_.insert_or_assign(hash, row);
  for (const StateUpdate& update : group.state) {
    if (update.value) {
      state_.insert_or_assign(update.key, *update.value);
    } else {
      state_.erase(update.key);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<DedupRow>> MemoryStore::FindDedup(const DedupHash& hash,
                                                               absl::Time now) {
  MutexLock lock(mutex_);
  const auto it = dedup_.find(hash);
  if (it == dedup_.end()) return std::nullopt;
  if (it->second.expiry <= now) {
    dedup_.erase(it);
    return std::nullopt;
  }
  return it->second;
}

absl::Status MemoryStore::Heal() {
  MutexLock lock(mutex_);
  return failure_;
}

absl::Status MemoryStore::Trim(Position position) {
  MutexLock lock(mutex_);
  while (!events_.empty() && first_ <= position) {
    bytes_ -= events_.front()->bytes();
    events_.pop_front();
    ++first_;
  }
  return absl::OkStatus();
}

uint64_t MemoryStore::MeasureBytes() {
  MutexLock lock(mutex_);
  return bytes_;
}

StoreBounds MemoryStore::Bounds() const {
  MutexLock lock(mutex_);
  return {.first = first_, .last = first_ + events_.size() - 1, .last_id = last_id_};
}

absl::StatusOr<std::vector<StoredEventPtr>> MemoryStore::Read(Position after, size_t events_max,
                                                              size_t bytes_max) const {
  MutexLock lock(mutex_);
  if (after + 1 < first_) return absl::OutOfRangeError("journal: removed by retention");
  std::vector<StoredEventPtr> events;
  size_t bytes = 0;
  for (size_t i = after + 1 - first_; i < events_.size() && events.size() < events_max; ++i) {
    if (IsDamaged(first_ + i)) {
      if (!events.empty()) break;
      return absl::DataLossError("journal: damaged");
    }
    bytes += events_[i]->bytes();
    if (!events.empty() && bytes > bytes_max) break;
    events.push_back(events_[i]);
  }
  return events;
}

absl::StatusOr<std::vector<StoredEventPtr>> MemoryStore::ReadBefore(Position before,
                                                                    size_t events_max,
                                                                    size_t bytes_max) const {
  MutexLock lock(mutex_);
  std::vector<StoredEventPtr> events;
  size_t bytes = 0;
  if (before <= first_) return events;
  for (size_t i = std::min<size_t>(before - first_, events_.size());
       i > 0 && events.size() < events_max; --i) {
    if (IsDamaged(first_ + i - 1)) {
      if (!events.empty()) break;
      return absl::DataLossError("journal: damaged");
    }
    bytes += events_[i - 1]->bytes();
    if (!events.empty() && bytes > bytes_max) break;
    events.push_back(events_[i - 1]);
  }
  return events;
}

absl::StatusOr<Position> MemoryStore::PositionBefore(absl::Time time) const {
  MutexLock lock(mutex_);
  const auto it = std::partition_point(
      events_.begin(), events_.end(),
      [time](const StoredEventPtr& event) { return event->append_time() < time; });
  return first_ - 1 + static_cast<Position>(it - events_.begin());
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> MemoryStore::ReadState(
    std::string_view prefix) const {
  MutexLock lock(mutex_);
  std::vector<std::pair<std::string, std::string>> found;
  for (auto it = state_.lower_bound(std::string(prefix));
       it != state_.end() && it->first.starts_with(prefix); ++it) {
    found.emplace_back(*it);
  }
  return found;
}

void MemoryStore::DamageForTest(Position first, Position last) {
  MutexLock lock(mutex_);
  damaged_first_ = first;
  damaged_last_ = last;
}

void MemoryStore::FailCommitsForTest(absl::Status status) {
  MutexLock lock(mutex_);
  failure_ = std::move(status);
}

}  // namespace hookbridge
