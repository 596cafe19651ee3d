#include "server/base/strings.h"
#include "server/journal/queued_journal.h"

#include <algorithm>
#include <utility>

// What readers ask of the journal; none of it touches the committer.
namespace hookbridge {
namespace {

absl::Status ClosedError() { return absl::UnavailableError("journal: closed"); }

}  // namespace

absl::StatusOr<std::vector<StoredEventPtr>> QueuedJournal::Read(Position after, size_t events_max,
                                                                size_t bytes_max) const {
  if (closed_.load(std::memory_order_acquire)) return ClosedError();
  const bool kept = after + 1 >= store_->Bounds().first;
  if (const auto lost = lost_.At(after + 1); kept && lost) return LostError(*lost);
  auto events = store_->Read(after, events_max, bytes_max);
  if (absl::IsDataLoss(events.status())) {
    const auto lost = FindLost(after);
    return lost ? LostError(*lost) : events.status();
  }
  // An engine passes over what is missing; a reader is told.
  const auto next = lost_.From(after + 1);
  if (!events.ok() || !next || events->empty()) return events;
  while (!events->empty() && events->back()->position > next->first) events->pop_back();
  if (events->empty()) return LostError(*next);
  return events;
}

std::optional<LostRange> QueuedJournal::FindLost(Position after) const {
  if (closed_.load(std::memory_order_acquire)) return std::nullopt;
  if (const auto known = lost_.At(after + 1)) return known;
  const auto events = store_->Read(after, 1, 0);
  if (absl::IsDataLoss(events.status())) {
    const auto found = FindDamage(*store_, after + 1);
    if (!found.ok()) return std::nullopt;
    lost_.Add(*found, ToStd(events.status().message()));
    return *found;
  }
  const auto next = lost_.From(after + 1);
  if (!events.ok() || !next) return std::nullopt;
  const bool skips = !events->empty() && events->front()->position > next->first;
  return skips ? next : std::nullopt;
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
    if (const auto lost = absl::IsDataLoss(events.status()) ? FindLost(after) : std::nullopt) {
      after = lost->last;
      continue;
    }
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
  info.last = std::max(bounds.last, lost_.last());
  info.last_time = bounds.last == 0 ? absl::InfinitePast() : bounds.last_id.time();
  info.first_time = absl::InfinitePast();
  if (bounds.first <= bounds.last && !closed_.load(std::memory_order_acquire)) {
    const auto oldest = store_->Read(bounds.first - 1, 1, 0);
    if (oldest.ok() && !oldest->empty()) info.first_time = oldest->front()->append_time();
  }
  info.lost = lost_.List(bounds.first);
  info.retention_hold = retention_.hold();
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

}  // namespace hookbridge
