#include "server/journal/lost_events.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include "absl/strings/numbers.h"

#include <algorithm>
#include <iterator>

namespace hookbridge {
namespace {

constexpr std::string_view kStatePrefix = "journal/lost/";
// Damage is followed position by position so far, and in growing steps from there.
constexpr Position kProbesOneByOne = 1'024;

bool IsDamaged(const absl::Status& status) { return absl::IsDataLoss(status); }

}  // namespace

absl::Status LostError(const LostRange& range) {
  return absl::DataLossError(
      StrCat("journal: events ", range.first, " to ", range.last, " are damaged or missing"));
}

absl::Status RecordMissing(Store& store, Position acknowledged, LostEvents& lost) {
  const LostRange range{.first = store.Bounds().last + 1, .last = acknowledged};
  if (range.first > range.last) return absl::OkStatus();
  if (const auto known = lost.At(range.first); known && known->last >= range.last) {
    return absl::OkStatus();
  }
  CommitGroup group;
  group.state.push_back(LostEvents::Persisted(range));
  if (absl::Status status = store.Commit(group); !status.ok()) return status;
  lost.Add(range, "acknowledged events are missing: a file of the journal was removed or cut");
  return absl::OkStatus();
}

absl::StatusOr<LostRange> FindDamage(const Store& store, Position first) {
  const Position last = store.Bounds().last;
  Position step = 1;
  for (Position at = first + 1; at <= last; at += step) {
    const auto events = store.Read(at - 1, 1, 0);
    if (!events.ok() && !IsDamaged(events.status())) return events.status();
    if (events.ok()) {
      const Position good = events->empty() ? last + 1 : events->front()->position;
      return LostRange{.first = first, .last = std::max(good - 1, first)};
    }
    if (at - first >= kProbesOneByOne) step *= 2;
  }
  return LostRange{.first = first, .last = std::max(first, last)};
}

absl::Status LostEvents::Load(const Store& store) {
  const auto rows = store.ReadState(kStatePrefix);
  if (!rows.ok()) return rows.status();
  MutexLock lock(mutex_);
  for (const auto& [key, value] : *rows) {
    if (const auto range = FromPersisted(key, value)) Insert(*range);
  }
  return absl::OkStatus();
}

std::optional<LostRange> LostEvents::FromPersisted(std::string_view key, std::string_view value) {
  LostRange range;
  if (!key.starts_with(kStatePrefix)) return std::nullopt;
  const std::string first(key.substr(kStatePrefix.size()));
  if (!absl::SimpleAtoi(first, &range.first) ||
      !absl::SimpleAtoi(std::string(value), &range.last) || range.first > range.last) {
    return std::nullopt;
  }
  return range;
}

StateUpdate LostEvents::Persisted(const LostRange& range) {
  return {.key = StrCat(kStatePrefix, range.first), .value = StrCat(range.last)};
}

bool LostEvents::Insert(const LostRange& range) {
  const auto next = ranges_.upper_bound(range.first);
  if (next != ranges_.begin() && std::prev(next)->second >= range.last) return false;
  // What is inside of it is no range of its own any more.
  auto inside = ranges_.lower_bound(range.first);
  while (inside != ranges_.end() && inside->second <= range.last) inside = ranges_.erase(inside);
  if (ranges_.size() >= limits::kLostRangesMax) return false;
  ranges_.insert_or_assign(range.first, range.last);
  return true;
}

void LostEvents::Add(const LostRange& range, std::string_view why) {
  {
    MutexLock lock(mutex_);
    if (!Insert(range)) return;
  }
  if (log_ == nullptr) return;
  log_->Error("events_lost", {{"detail", why},
                              {"events", range.last - range.first + 1},
                              {"first_position", range.first},
                              {"last_position", range.last}});
}

std::optional<LostRange> LostEvents::At(Position position) const {
  MutexLock lock(mutex_);
  const auto next = ranges_.upper_bound(position);
  if (next == ranges_.begin()) return std::nullopt;
  const auto& [first, last] = *std::prev(next);
  if (position > last) return std::nullopt;
  return LostRange{.first = position, .last = last};
}

std::optional<LostRange> LostEvents::From(Position position) const {
  MutexLock lock(mutex_);
  const auto found = ranges_.lower_bound(position);
  if (found == ranges_.end()) return std::nullopt;
  return LostRange{.first = found->first, .last = found->second};
}

std::vector<LostRange> LostEvents::List(Position first) const {
  MutexLock lock(mutex_);
  std::vector<LostRange> all;
  for (const auto& [begin, last] : ranges_) {
    if (last >= first) all.push_back({.first = begin, .last = last});
  }
  return all;
}

Position LostEvents::last() const {
  MutexLock lock(mutex_);
  Position newest = 0;
  for (const auto& [first, last] : ranges_) newest = std::max(newest, last);
  return newest;
}

}  // namespace hookbridge
