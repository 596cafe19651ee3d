#include "server/delivery/event_log.h"

#include <algorithm>
#include <utility>

namespace hookbridge {

void EventLog::Attach(const Journal& journal) {
  journal_ = &journal;
  const JournalInfo info = journal.Info();
  journal_id_ = info.id;
  head_.store(info.last, std::memory_order_release);
}

void EventLog::SetWake(std::function<void()> wake) {
  MutexLock lock(mutex_);
  wake_ = std::move(wake);
}

void EventLog::OnCommitted(std::span<const StoredEventPtr> events) {
  MutexLock lock(mutex_);
  for (const StoredEventPtr& event : events) {
    cache_.push_back(event);
    cache_bytes_ += event->bytes();
  }
  while (cache_bytes_ > cache_bytes_max_ && !cache_.empty()) {
    cache_bytes_ -= cache_.front()->bytes();
    cache_.pop_front();
  }
  head_.store(events.back()->position, std::memory_order_release);
  if (wake_) wake_();
}

void EventLog::DropCacheForTest() {
  MutexLock lock(mutex_);
  cache_.clear();
  cache_bytes_ = 0;
}

bool EventLog::ReadCache(Position after, size_t events_max, size_t bytes_max,
                         std::vector<StoredEventPtr>& events) const {
  MutexLock lock(mutex_);
  // Only what follows the oldest cached event is known to be whole.
  if (cache_.empty() || after < cache_.front()->position) return false;
  auto it = std::partition_point(
      cache_.begin(), cache_.end(),
      [after](const StoredEventPtr& event) { return event->position <= after; });
  size_t bytes = 0;
  for (; it != cache_.end() && events.size() < events_max; ++it) {
    bytes += (*it)->bytes();
    if (!events.empty() && bytes > bytes_max) break;
    events.push_back(*it);
  }
  return true;
}

StoredEventPtr EventLog::WithData(StoredEventPtr event) const {
  if (event->has_data || event->runs.parsed_form == ParsedForm::kNone) return event;
  auto whole = std::make_shared<StoredEvent>(*event);
  whole->runs.data = make_data_(event->runs);
  whole->has_data = true;
  return whole;
}

absl::StatusOr<std::vector<StoredEventPtr>> EventLog::Read(Position after, size_t events_max,
                                                           size_t bytes_max, bool want_data) const {
  std::vector<StoredEventPtr> events;
  if (after >= head()) return events;
  if (ReadCache(after, events_max, bytes_max, events)) {
    if (want_data) {
      for (StoredEventPtr& event : events) event = WithData(std::move(event));
    }
    return events;
  }
  auto read = journal_->Read(after, events_max, bytes_max);
  if (read.ok() && want_data) {
    for (StoredEventPtr& event : *read) event = WithData(std::move(event));
  }
  return read;
}

}  // namespace hookbridge
