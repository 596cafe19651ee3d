#pragma once

#include "server/base/event.h"
#include "server/base/event_id.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The journal keeps events in one order and answers only for what is on stable storage. Engines:
// rocksdb/ (embedded default), memory/ (tests and demos). Every engine passes the conformance suite
// in tests/unit/journal/. docs/design/journal-format.md says what is on disk.
namespace hookbridge {

// SHA-256 of (source, provider event id): convert/ makes it.
using DedupHash = std::array<uint8_t, 32>;
using JournalId = std::array<uint8_t, 16>;

// One event to append.
struct NewEvent {
  DedupHash dedup_hash{};
  // How long the hash is remembered, from its append_time.
  absl::Duration dedup_window;
  // CRC-32C of the body: tells a repeat from another body under the same provider event id.
  uint32_t body_crc = 0;
  // What makes it suspect as a replay when it was seen before; unset: nothing is remembered.
  struct Replay {
    DedupHash hash{};
    bool drop = false;         // then the event is a duplicate of the first
    std::string envelope_run;  // else this is added to its envelope
  };
  std::optional<Replay> replay = {};
  // Makes the event one of its own when its hash is remembered with another body. Runs on the
  // committer's thread, for such an event alone; must not block. Unset: it is a duplicate then.
  struct Unconflicted {
    DedupHash hash{};
    std::string envelope;
  };
  std::function<Unconflicted(const EventRuns& runs, const EventId& first)> unconflict = {};
  // position and id are set by the committer.
  std::shared_ptr<StoredEvent> event;
};

// Where one event of a request is.
struct Receipt {
  EventId id;
  Position position = 0;
  bool duplicate = false;  // an event with this hash was there; id and position are the first one's
  bool other_body = false;        // its hash was there with another body; stored unless `duplicate`
  bool replay_suspected = false;  // NewEvent.replay was seen before
};

// What whoever appends wants back with the outcome. The journal owns it meanwhile.
class AppendContext {
 public:
  virtual ~AppendContext() = default;
};

// The end of one append. `receipts` has one entry per event when status is OK. Otherwise the events
// are in an unknown state: kUnavailable (storage, shutdown) or kResourceExhausted (queue, disk
// full); a retry is safe because of dedup.
struct AppendOutcome {
  std::unique_ptr<AppendContext> context = {};
  absl::Status status = {};
  std::vector<Receipt> receipts = {};
};

// Receives outcomes. Called on the committer's thread once per group with all outcomes of this
// sink; must not block. Must outlive its appends.
class AppendSink {
 public:
  virtual ~AppendSink() = default;
  virtual void OnAppended(std::vector<AppendOutcome> outcomes) = 0;
};

// All events of one request: stored together or not at all where the engine is atomic_batch.
struct AppendRequest {
  std::string source;            // for the per-source share of the queue
  std::vector<NewEvent> events;  // 1 to limits::kSplitItemsMax
  // Added to the raw run of the first event that is new: what a split batch has only once.
  std::string body_run = {};
  AppendSink* sink = nullptr;
  std::unique_ptr<AppendContext> context = {};  // given back in the outcome
};

// Sees every group after it is durable and before its outcomes are given out. Called on the
// committer's thread, in journal order; must not block.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  virtual void OnCommitted(std::span<const StoredEventPtr> events) = 0;
};

// Small durable state of the layers above (durable subscriptions). No value: delete the key.
struct StateUpdate {
  std::string key;
  std::optional<std::string> value;
};

// Neighbouring positions whose events were acknowledged and cannot be read any more.
struct LostRange {
  Position first = 0;
  Position last = 0;
};

// Events older than max_age that retention keeps until an operator says otherwise.
struct RetentionHold {
  Position up_to = 0;   // they end here
  uint64_t events = 0;  // at most so many
  absl::Time older_than;
};

struct JournalInfo {
  JournalId id{};
  Position first = 0;     // oldest kept event; last + 1 when the journal is empty
  Position last = 0;      // newest durable event; 0 when there never was one
  absl::Time first_time;  // append_time of `first`; InfinitePast when empty
  absl::Time last_time;   // append_time of `last`; InfinitePast when empty
  uint64_t bytes = 0;     // what the kept events take
  bool writable = true;   // false: appends are refused now
  std::string not_writable_reason;
  bool durable = true;  // false for the memory engine
  bool atomic_batch = true;
  std::vector<LostRange> lost = {};  // oldest first
  std::optional<RetentionHold> retention_hold = {};
};

// The interface. Threads: thread-safe. Reads see only what is durable, and may block on the disk;
// appends never block.
class Journal {
 public:
  virtual ~Journal() = default;

  // Whether an append of this source would be taken now: kResourceExhausted (queue),
  // kUnavailable (not writable, or shutting down). Cheap: asked before a body is read.
  virtual absl::Status CanAppend(std::string_view source) const = 0;

  // Queues the events. Exactly one outcome comes for each call, through request.sink; when the
  // queue is full it comes at once, on the caller's thread.
  virtual void Append(AppendRequest request) = 0;

  // Up to events_max events after `after`, in order, cut once their bytes() exceed bytes_max (but
  // at least one when there is one). Empty at the head. kOutOfRange when events after `after` were
  // removed by retention (after + 1 < first). kDataLoss when the next event is damaged or missing:
  // FindLost says how far. kUnavailable when the store cannot be read now.
  // Reading backwards: ReadBefore gives the newest events before `before`, newest first.
  virtual absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                           size_t bytes_max) const = 0;
  virtual absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                                 size_t bytes_max) const = 0;

  // The lost range that the event after `after` is in, from there; nullopt when it can be read.
  virtual std::optional<LostRange> FindLost(Position after) const = 0;

  // kNotFound when no such event is kept.
  virtual absl::StatusOr<StoredEventPtr> Find(const EventId& id) const = 0;

  // The largest position P such that every event after P has append_time >= time.
  virtual absl::StatusOr<Position> PositionBefore(absl::Time time) const = 0;

  virtual JournalInfo Info() const = 0;

  // Removes events up to and with `position`.
  virtual absl::Status Trim(Position position) = 0;

  // The operator's word on JournalInfo::retention_hold: removes what is held, up to and with
  // `up_to`. kFailedPrecondition when events up to there are not held.
  virtual absl::Status ReleaseRetention(Position up_to) = 0;

  // Durable when it returns OK. Blocks for one group. Keys that begin with `journal/` are the
  // journal's own.
  virtual absl::Status WriteState(std::vector<StateUpdate> updates) = 0;
  // All pairs whose key starts with `prefix`, by key.
  virtual absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const = 0;

  // Stops taking appends, finishes the queue, and closes. Later calls answer kUnavailable. Blocks.
  virtual void Close() = 0;
};

}  // namespace hookbridge
