#pragma once

#include "server/base/event.h"
#include "server/journal/journal.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hookbridge {

// What is remembered of a provider event id: its first event. Never points to another event.
struct DedupRow {
  EventId id;
  Position position = 0;
  absl::Time expiry;
  std::optional<uint32_t> body_crc = {};  // rows of older builds have none
};

// All that one commit makes durable, together.
struct CommitGroup {
  std::vector<StoredEventPtr> events;  // positions grow by one; the first may jump over lost ones
  std::vector<std::pair<DedupHash, DedupRow>> dedup;
  std::vector<StateUpdate> state;
  bool empty() const { return events.empty() && state.empty(); }
};

// First and last kept event.
struct StoreBounds {
  Position first = 1;
  Position last = 0;
  EventId last_id;  // newest id ever given, also when all events are trimmed
};

// What an engine is beneath QueuedJournal: it puts groups on stable storage and reads them back.
// Threads: calls marked (committer) come from one thread; reads are thread-safe and see only what a
// finished Commit stored. All may block on the disk. Errors: kUnavailable for the storage,
// kResourceExhausted for a full disk, kOutOfRange for a read before `first`, kDataLoss where the
// first event of a read is damaged (what is whole before damage is given first).
class Store {
 public:
  virtual ~Store() = default;

  // (committer) Durable when OK. Otherwise the group is in an unknown state and the store takes
  // nothing more until Heal.
  virtual absl::Status Commit(const CommitGroup& group) = 0;
  // (committer) The row, unless it expired at `now`.
  virtual absl::StatusOr<std::optional<DedupRow>> FindDedup(const DedupHash& hash,
                                                            absl::Time now) = 0;
  // (committer) After a failed Commit: makes the store usable again, with bounds as they are on
  // the storage. May fail many times; reads work meanwhile, as far as the files are there. Never
  // creates a journal: kUnavailable when the files are gone, or are another journal's.
  virtual absl::Status Heal() = 0;
  // (committer) Removes events up to and with `position`.
  virtual absl::Status Trim(Position position) = 0;
  // (committer) Bytes that the kept events and all else that is kept take. Falls at once by about
  // what trimmed events took, however late the files shrink.
  virtual uint64_t MeasureBytes() = 0;

  virtual StoreBounds Bounds() const = 0;
  virtual absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                           size_t bytes_max) const = 0;
  virtual absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                                 size_t bytes_max) const = 0;
  virtual absl::StatusOr<Position> PositionBefore(absl::Time time) const = 0;
  virtual absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const = 0;

  virtual JournalId id() const = 0;
  virtual bool durable() const = 0;
  // (committer) The last call.
  virtual void Close() = 0;
};

}  // namespace hookbridge
