#include "server/delivery/cursor_read.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/wire.h"

#include "google/protobuf/util/time_util.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

// Events looked at in one step, so that a filter that excludes much does not hold up other streams.
constexpr size_t kScanEventsMax = 1'024;
constexpr absl::Duration kReconnectDelay = absl::Seconds(1);
// A read that ends at a time of the wall clock looks at it this often.
constexpr absl::Duration kStopTimeLookMin = absl::Milliseconds(1);
constexpr absl::Duration kStopTimeLookMax = absl::Seconds(1);
// Bytes of a batch beside its events: tags, lengths and a cursor for each.
constexpr uint32_t kBatchField = 2;       // of SubscribeResponse
constexpr uint32_t kDeliveriesField = 1;  // of DeliveryBatch
constexpr uint32_t kCursorField = 4;      // of Delivery; also below
constexpr uint32_t kOmittedField = 5;
constexpr uint32_t kEventField = 15;

void SetDuration(absl::Duration duration, google::protobuf::Duration* message) {
  *message =
      google::protobuf::util::TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

void SetTime(absl::Time time, google::protobuf::Timestamp* message) {
  *message = google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

RichError Unavailable(std::string reason, std::string message) {
  RichError error;
  error.code = absl::StatusCode::kUnavailable;
  error.message = std::move(message);
  error.reason = std::move(reason);
  error.retry_delay = kReconnectDelay;
  return error;
}

}  // namespace

RichError CursorRead::Create(const v1::SubscribeRequest& request, CursorReadOptions options,
                             const EventLog& log, std::optional<CursorRead>* made) {
  CursorRead read(request, std::move(options), log);
  if (RichError error = read.Configure(); !error.ok()) return error;
  made->emplace(std::move(read));
  return {};
}

RichError CursorRead::Configure() {
  if (request_.max_outstanding_events() != 0 || request_.max_outstanding_bytes() != 0) {
    return InvalidField(
        request_.max_outstanding_events() != 0 ? "max_outstanding_events" : "max_outstanding_bytes",
        "is for durable subscriptions; a cursor read has one batch in flight");
  }
  if (request_.client_id().size() > limits::kClientIdBytesMax) {
    return InvalidField("client_id", StrCat("at most ", limits::kClientIdBytesMax, " bytes"));
  }
  if (request_.max_batch_events() > limits::kBatchEventsMax) {
    return InvalidField("max_batch_events", StrCat("at most ", limits::kBatchEventsMax));
  }
  if (request_.max_event_bytes() > limits::kEventBytesMax) {
    return InvalidField("max_event_bytes", StrCat("at most ", limits::kEventBytesMax));
  }
  const v1::CursorRead& read = request_.cursor_read();
  if (read.stop_case() == v1::CursorRead::kStopAfterEvents && read.stop_after_events() == 0) {
    return InvalidField("cursor_read.stop_after_events", "at least 1");
  }
  if (read.start_case() == v1::CursorRead::kAfterCursor && !OpenCursor(read.after_cursor())) {
    RichError error = InvalidField("cursor_read.after_cursor", "is not a cursor of any bridge");
    error.reason = "CURSOR_MALFORMED";
    return error;
  }
  if (RichError error = EventFilter::Create(read.filter(), &filter_); !error.ok()) return error;
  runs_ = RunsOf(request_.payload_view());
  batch_events_max_ =
      request_.max_batch_events() == 0 ? limits::kBatchEvents : request_.max_batch_events();
  event_bytes_max_ =
      request_.max_event_bytes() == 0 ? limits::kEventBytesMax : request_.max_event_bytes();
  heartbeat_ = absl::Seconds(request_.heartbeat_interval().seconds()) +
               absl::Nanoseconds(request_.heartbeat_interval().nanos());
  heartbeat_ = heartbeat_ <= absl::ZeroDuration()
                   ? limits::kHeartbeat
                   : std::clamp(heartbeat_, limits::kHeartbeatMin, limits::kHeartbeatMax);
  if (read.has_stop_time()) stop_time_ = FromProto(read.stop_time());
  if (read.stop_case() == v1::CursorRead::kStopAfterEvents) events_left_ = read.stop_after_events();
  return {};
}

std::string CursorRead::CursorAt(Position position) const {
  return SealCursor({.journal = log_->journal_id(), .partition = 0, .position = position});
}

RichError CursorRead::Expired() const {
  const JournalInfo info = log_->journal().Info();
  RichError error;
  error.code = absl::StatusCode::kOutOfRange;
  error.message = "events after this cursor were removed by retention";
  error.reason = "CURSOR_EXPIRED";
  error.metadata.emplace_back("oldest_cursor", CursorAt(info.first - 1));
  if (info.first_time != absl::InfinitePast()) {
    error.metadata.emplace_back("oldest_time",
                                absl::FormatTime(info.first_time, absl::UTCTimeZone()));
  }
  return error;
}

std::optional<EndStep> CursorRead::OpenStartCursor(const JournalInfo& info) {
  const Cursor cursor = *OpenCursor(request_.cursor_read().after_cursor());
  if (cursor.journal != info.id || cursor.position > log_->head()) {
    RichError error;
    error.code = absl::StatusCode::kFailedPrecondition;
    error.message = cursor.journal != info.id ? "the cursor is of another journal"
                                              : "the cursor is beyond the head of this journal";
    error.reason = "CURSOR_FOREIGN";
    error.metadata.emplace_back("earliest_cursor", CursorAt(info.first - 1));
    return EndStep{std::move(error)};
  }
  position_ = cursor.position;
  if (position_ + 1 < info.first && !request_.cursor_read().skip_expired())
    return EndStep{Expired()};
  return std::nullopt;
}

std::optional<EndStep> CursorRead::ResolveStart() {
  const JournalInfo info = log_->journal().Info();
  const v1::CursorRead& read = request_.cursor_read();
  position_ = log_->head();
  if (read.start_case() == v1::CursorRead::kAfterCursor) {
    if (auto end = OpenStartCursor(info)) return end;
  } else if (read.start_case() == v1::CursorRead::kStartTime) {
    const auto before = log_->journal().PositionBefore(FromProto(read.start_time()));
    if (!before.ok()) {
      return EndStep{Unavailable("STORE_UNAVAILABLE", "the journal cannot be read now")};
    }
    position_ = std::max(*before, info.first - 1);
  } else if (read.preset() == v1::START_PRESET_EARLIEST) {
    position_ = info.first - 1;
  }
  if (read.stop_at_end()) stop_position_ = log_->head();
  return std::nullopt;
}

WriteStep CursorRead::Message(const v1::SubscribeResponse& response, const Moment& now) {
  last_write_ = now.steady;
  WriteStep step;
  step.message.push_back({.owned = response.SerializeAsString(), .event = {}, .shared = {}});
  return step;
}

WriteStep CursorRead::Started(const Moment& now) {
  v1::SubscribeResponse response;
  v1::Started& started = *response.mutable_started();
  started.set_stream_id(options_.stream_id);
  started.set_server_instance(options_.server_instance);
  started.set_cursor(CursorAt(position_));
  started.set_head_cursor(CursorAt(log_->head()));
  SetDuration(heartbeat_, started.mutable_heartbeat_interval());
  return Message(response, now);
}

ReadStep CursorRead::EndWith(v1::EndingReason reason, RichError status, const Moment& now) {
  v1::SubscribeResponse response;
  v1::Ending& ending = *response.mutable_ending();
  ending.set_reason(reason);
  ending.set_cursor(CursorAt(position_));
  if (status.retry_delay) SetDuration(*status.retry_delay, ending.mutable_reconnect_delay());
  end_after_write_ = std::move(status);
  return Message(response, now);
}

ReadStep CursorRead::Next(const Moment& now) {
  if (end_after_write_) return EndStep{*end_after_write_};
  if (started_ && ReachedBound(now)) return EndStep{};
  if (auto found = FindInterruption(now)) {
    if (!started_) return EndStep{std::move(found->status)};
    return EndWith(found->reason, std::move(found->status), now);
  }
  if (started_) return ReadOn(now);
  if (auto end = ResolveStart()) return *std::move(end);
  started_ = true;
  return Started(now);
}

// What ends a read that has more to give.
std::optional<CursorRead::Interruption> CursorRead::FindInterruption(const Moment& now) const {
  if (superseded_) {
    RichError error;
    error.code = absl::StatusCode::kAborted;
    error.message = StrCat("a newer stream took over as client_id ", client_id());
    error.reason = "SUPERSEDED";
    return Interruption{v1::ENDING_REASON_SUPERSEDED, std::move(error)};
  }
  if (draining_) {
    return Interruption{v1::ENDING_REASON_DRAINING,
                        Unavailable("DRAINING", "the bridge shuts down")};
  }
  if (now.steady >= options_.end_of_life) {
    return Interruption{v1::ENDING_REASON_MAX_AGE,
                        Unavailable("MAX_AGE", "the stream reached its maximum age; resume")};
  }
  return std::nullopt;
}

bool CursorRead::ReachedBound(const Moment& now) const {
  if (events_left_ && *events_left_ == 0) return true;
  if (reached_stop_time_) return true;
  if (stop_position_ && position_ >= *stop_position_) return true;
  // Later appends have a later time.
  return now.wall >= stop_time_ && position_ >= log_->head();
}

ReadStep CursorRead::ReadOn(const Moment& now) {
  const size_t events_max = std::max(batch_events_max_, kScanEventsMax / 4);
  size_t scanned = 0;
  while (scanned < kScanEventsMax) {
    const auto events = log_->Read(position_, events_max, limits::kBatchBytesMax, runs_.data);
    if (absl::IsOutOfRange(events.status())) return Overtaken(now);
    if (absl::IsDataLoss(events.status())) return Lost(now);
    if (!events.ok()) {
      return EndWith(v1::ENDING_REASON_STORE_UNAVAILABLE,
                     Unavailable("STORE_UNAVAILABLE", "the journal cannot be read now"), now);
    }
    if (events->empty()) return AtHead(now);
    scanned += events->size();
    if (auto step = Batch(*events, now)) return *std::move(step);
    if (ReachedBound(now)) return EndStep{};
  }
  if (now.steady - last_write_ >= heartbeat_) return Heartbeat(now);
  return WaitStep{now.steady};
}

// One batch of what passes the filter; nullopt when nothing does. Moves position_ past all events
// that it decided on.
std::optional<WriteStep> CursorRead::Batch(const std::vector<StoredEventPtr>& events,
                                           const Moment& now) {
  struct Entry {
    StoredEventPtr event;
    std::string head;  // cursor, payload_omitted, tag and length of the event
    std::string position_run;
    bool omitted = false;
    size_t bytes = 0;
  };
  std::vector<Entry> entries;
  size_t batch_bytes = 0;
  for (const StoredEventPtr& event : events) {
    if (entries.size() == batch_events_max_ || (events_left_ && entries.size() == *events_left_))
      break;
    if (event->append_time() >= stop_time_) {
      reached_stop_time_ = true;
      break;
    }
    if (stop_position_ && event->position > *stop_position_) break;
    if (!filter_.Passes(event->runs.envelope)) {
      position_ = event->position;
      continue;
    }
    Entry entry{.event = event, .head = {}, .position_run = PositionRun(*event)};
    const size_t envelope = event->runs.envelope.size() + entry.position_run.size();
    const size_t payload =
        (runs_.data ? event->runs.data.size() : 0) + (runs_.raw ? event->runs.raw.size() : 0);
    entry.omitted = envelope + payload > event_bytes_max_;
    const size_t event_bytes = envelope + (entry.omitted ? 0 : payload);
    if (!entries.empty() && batch_bytes + event_bytes > limits::kBatchBytesMax) break;
    batch_bytes += event_bytes;
    position_ = event->position;
    AppendBytesField(entry.head, kCursorField, CursorAt(position_));
    if (entry.omitted) AppendVarintField(entry.head, kOmittedField, 1);
    AppendTag(entry.head, kEventField, WireType::kBytes);
    AppendVarint(entry.head, event_bytes);
    entry.bytes = entry.head.size() + event_bytes;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return std::nullopt;

  size_t inner = 0;
  for (const Entry& entry : entries) inner += 1 + VarintBytes(entry.bytes) + entry.bytes;
  PieceWriter writer;
  AppendTag(writer.own(), kBatchField, WireType::kBytes);
  AppendVarint(writer.own(), inner);
  for (const Entry& entry : entries) {
    AppendTag(writer.own(), kDeliveriesField, WireType::kBytes);
    AppendVarint(writer.own(), entry.bytes);
    writer.own() += entry.head;
    writer.Share(entry.event, entry.event->runs.envelope);
    writer.own() += entry.position_run;
    if (entry.omitted) continue;
    if (runs_.data) writer.Share(entry.event, entry.event->runs.data);
    if (runs_.raw) writer.Share(entry.event, entry.event->runs.raw);
  }
  if (events_left_) *events_left_ -= entries.size();
  caught_up_ = false;
  last_write_ = now.steady;
  return WriteStep{writer.Finish()};
}

ReadStep CursorRead::AtHead(const Moment& now) {
  if (!caught_up_) {
    caught_up_ = true;
    v1::SubscribeResponse response;
    response.mutable_caught_up()->set_cursor(CursorAt(position_));
    return Message(response, now);
  }
  if (now.steady - last_write_ >= heartbeat_) return Heartbeat(now);
  absl::Duration until = std::min(last_write_ + heartbeat_, options_.end_of_life);
  if (stop_time_ != absl::InfiniteFuture()) {
    // The wall clock may be set meanwhile: it is looked at again soon.
    until = std::min(
        until, now.steady + std::clamp(stop_time_ - now.wall, kStopTimeLookMin, kStopTimeLookMax));
  }
  return WaitStep{until};
}

ReadStep CursorRead::Overtaken(const Moment& now) {
  if (!request_.cursor_read().skip_expired()) {
    return EndWith(v1::ENDING_REASON_FELL_BEHIND, Expired(), now);
  }
  return Gap(log_->journal().Info().first - 1, v1::GAP_REASON_RETENTION, now);
}

ReadStep CursorRead::Lost(const Moment& now) {
  const auto lost = log_->journal().FindLost(position_);
  if (!lost) {
    return EndWith(v1::ENDING_REASON_STORE_UNAVAILABLE,
                   Unavailable("STORE_UNAVAILABLE", "the journal cannot be read now"), now);
  }
  if (request_.cursor_read().skip_expired()) return Gap(lost->last, v1::GAP_REASON_LOST, now);
  RichError error;
  error.code = absl::StatusCode::kDataLoss;
  error.message =
      "the next events are damaged or missing; read on behind them, or with skip_expired";
  error.reason = "EVENTS_LOST";
  error.metadata = {{"first_lost", StrCat(lost->first)},
                    {"last_lost", StrCat(lost->last)},
                    {"resume_cursor", CursorAt(lost->last)}};
  return EndWith(v1::ENDING_REASON_EVENTS_LOST, std::move(error), now);
}

WriteStep CursorRead::Gap(Position to, v1::GapReason reason, const Moment& now) {
  v1::SubscribeResponse response;
  response.mutable_gap()->set_from_cursor(CursorAt(position_));
  response.mutable_gap()->set_to_cursor(CursorAt(to));
  response.mutable_gap()->set_reason(reason);
  position_ = std::max(position_, to);
  return Message(response, now);
}

WriteStep CursorRead::Heartbeat(const Moment& now) {
  const Position head = log_->head();
  v1::SubscribeResponse response;
  v1::Heartbeat& heartbeat = *response.mutable_heartbeat();
  heartbeat.set_cursor(CursorAt(position_));
  heartbeat.set_head_cursor(CursorAt(head));
  heartbeat.set_backlog_events(head - std::min(head, position_));
  SetTime(now.wall, heartbeat.mutable_server_time());
  absl::Duration age = absl::ZeroDuration();
  if (head > position_) {
    const auto next = log_->Read(position_, 1, 0, /*want_data=*/false);
    if (next.ok() && !next->empty()) age = std::max(now.wall - next->front()->append_time(), age);
  }
  SetDuration(age, heartbeat.mutable_backlog_age());
  return Message(response, now);
}

}  // namespace hookbridge
