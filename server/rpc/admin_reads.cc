#include "server/rpc/admin_reads.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/delivery/cursor.h"
#include "server/delivery/filter.h"
#include "server/delivery/pieces.h"
#include "server/rpc/errors.h"

#include "google/protobuf/util/time_util.h"

#include "absl/strings/escaping.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace hookbridge {
namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

constexpr size_t kReadEventsMax = 256;

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

RichError CheckPageSize(int requested, int* size) {
  if (requested < 0 || requested > limits::kPageSizeMax) {
    return InvalidField("page_size", StrCat("0 to ", limits::kPageSizeMax));
  }
  *size = requested == 0 ? limits::kPageSize : requested;
  return {};
}

void CountReasons(const SourceStats& stats, google::protobuf::Map<std::string, uint64_t>* counts) {
  for (size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (const uint64_t count = stats.rejected(reason); count > 0) {
      (*counts)[std::string(ReasonName(reason))] = count;
    }
  }
}

v1::PayloadView ViewOr(v1::PayloadView view, v1::PayloadView standard) {
  return view == v1::PAYLOAD_VIEW_UNSPECIFIED ? standard : view;
}

absl::StatusOr<StoredEventPtr> FindById(const EventLog& log, const std::string& text) {
  const auto id = EventId::Parse(text);
  if (!id) return absl::InvalidArgumentError("");
  return log.journal().Find(*id);
}

RichError BadId() { return InvalidField("id", "is not an event id (UUIDv7, 36 characters)"); }

// The body in a raw run, a view of it; an item of a split batch has its own part as `item`. Nullopt
// when the run is damaged.
std::optional<std::string_view> BodyIn(std::string_view raw_run) {
  std::string_view body;
  std::string_view item;
  WireReader event(raw_run);
  while (event.Next()) {
    if (event.field() != v1::Event::kRawFieldNumber) continue;
    WireReader raw(event.bytes());
    while (raw.Next()) {
      if (raw.field() == v1::RawRequest::kBodyFieldNumber) body = raw.bytes();
      if (raw.field() == v1::RawRequest::kItemFieldNumber) item = raw.bytes();
    }
    if (!raw.ok()) return std::nullopt;
  }
  if (!event.ok()) return std::nullopt;
  return body.empty() ? item : body;
}

// Walks the journal one way from a place, a bounded number of events.
class Page {
 public:
  Page(const EventLog& log, const admin::v1::ListEventsRequest& request, EventFilter filter,
       int size)
      : log_(log),
        request_(request),
        filter_(std::move(filter)),
        size_(size),
        runs_(RunsOf(ViewOr(request.view(), v1::PAYLOAD_VIEW_METADATA))) {}

  RichError Run(Position from, admin::v1::ListEventsResponse* response) {
    Position at = from;
    size_t scanned = 0;
    while (scanned < limits::kPageScanEventsMax) {
      const auto events =
          request_.newest_first()
              ? log_.journal().ReadBefore(at, kReadEventsMax, limits::kEventBytesMax)
              : log_.journal().Read(at, kReadEventsMax, limits::kEventBytesMax);
      if (absl::IsOutOfRange(events.status())) {
        at = log_.journal().Info().first - 1;
        continue;
      }
      if (absl::IsDataLoss(events.status()) && PassLost(&at)) {
        ++scanned;
        continue;
      }
      if (!events.ok()) return FromJournal(events.status());
      if (events->empty()) return {};
      for (const StoredEventPtr& event : *events) {
        ++scanned;
        if (PastRange(*event)) return {};
        if (!Take(event, response)) return Cut(at, response);
        at = event->position;
        if (response->events_size() == size_) return Cut(at, response);
      }
    }
    return Cut(at, response);
  }

 private:
  // Moves behind what is lost; it is shown by GetJournal. False: nothing is known of it.
  bool PassLost(Position* at) const {
    if (request_.newest_first()) {
      --*at;
      return true;
    }
    const auto lost = log_.journal().FindLost(*at);
    if (lost) *at = lost->last;
    return lost.has_value();
  }

  bool PastRange(const StoredEvent& event) const {
    if (request_.newest_first()) {
      return request_.has_start_time() && event.append_time() < FromProto(request_.start_time());
    }
    return request_.has_end_time() && event.append_time() >= FromProto(request_.end_time());
  }

  // False: it does not fit this page any more.
  bool Take(StoredEventPtr event, admin::v1::ListEventsResponse* response) {
    if (!filter_.Passes(event->runs.envelope)) return true;
    if (runs_.data) event = log_.WithData(std::move(event));
    const bool fits_alone = EventWireBytes(*event, runs_) <= limits::kEventBytesMax;
    const std::string wire = EventWire(*event, fits_alone ? runs_ : ViewRuns{});
    if (response->events_size() > 0 && bytes_ + wire.size() > limits::kEventBytesMax) return false;
    bytes_ += wire.size();
    return response->add_events()->ParseFromString(wire);
  }

  RichError Cut(Position at, admin::v1::ListEventsResponse* response) {
    response->set_next_page_token(
        SealCursor({.journal = log_.journal_id(), .partition = 0, .position = at}));
    return {};
  }

  const EventLog& log_;
  const admin::v1::ListEventsRequest& request_;
  const EventFilter filter_;
  const int size_;
  const ViewRuns runs_;
  size_t bytes_ = 0;
};

void Show(const RejectedRequest& rejected, admin::v1::Rejection& shown) {
  shown.set_source(rejected.source);
  shown.set_reason(std::string(ReasonName(rejected.reason)));
  shown.set_detail(rejected.detail);
  *shown.mutable_time() = ToTimestamp(rejected.time);
  shown.set_body_bytes(rejected.body_bytes);
  for (const std::string& name : rejected.header_names) shown.add_header_names(name);
  shown.set_remote_address(rejected.remote_address);
  shown.set_request_id(rejected.request_id);
}

RichError QuarantineOff() {
  RichError error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.message = "no request is quarantined; set quarantine.directory in the configuration";
  error.reason = "QUARANTINE_OFF";
  return error;
}

}  // namespace

RichError ListSources(const SourceCatalog& catalog, const admin::v1::ListSourcesRequest& request,
                      admin::v1::ListSourcesResponse* response) {
  int size = 0;
  if (RichError error = CheckPageSize(request.page_size(), &size); !error.ok()) return error;
  auto it = std::upper_bound(catalog.sources.begin(), catalog.sources.end(), request.page_token(),
                             [](const std::string& token, const SourceCatalog::Entry& entry) {
                               return token < entry.name;
                             });
  for (; it != catalog.sources.end() && response->sources_size() < size; ++it) {
    admin::v1::Source& source = *response->add_sources();
    source.set_name(it->name);
    source.set_provider(it->preset);
    source.set_accepted_total(it->stats->accepted());
    source.set_rejected_total(it->stats->rejected_total());
    source.set_duplicate_total(it->stats->duplicate());
    source.set_conflicting_duplicate_total(it->stats->conflict());
    if (const absl::Time last = it->stats->last_receive_time(); last != absl::InfinitePast()) {
      *source.mutable_last_receive_time() = ToTimestamp(last);
    }
    source.set_replay_suspected_total(it->stats->replay());
    CountReasons(*it->stats, source.mutable_rejected_by_reason());
    for (const SourceCatalog::Key& key : it->keys()) {
      admin::v1::KeyState& state = *source.add_keys();
      state.set_id(key.id);
      state.set_matched_total(key.matched);
      if (key.last_match != absl::InfinitePast()) {
        *state.mutable_last_match_time() = ToTimestamp(key.last_match);
      }
      if (key.not_before != absl::InfinitePast()) {
        *state.mutable_not_before() = ToTimestamp(key.not_before);
      }
      if (key.not_after != absl::InfiniteFuture()) {
        *state.mutable_not_after() = ToTimestamp(key.not_after);
      }
    }
  }
  if (it != catalog.sources.end()) response->set_next_page_token((it - 1)->name);
  CountReasons(*catalog.unattributed, response->mutable_unattributed_rejections());
  return {};
}

RichError ListRejections(const SourceCatalog& catalog,
                         const admin::v1::ListRejectionsRequest& request,
                         admin::v1::ListRejectionsResponse* response) {
  int size = 0;
  if (RichError error = CheckPageSize(request.page_size(), &size); !error.ok()) return error;
  const auto newest =
      catalog.rejections->Newest(static_cast<size_t>(size), request.source(), request.reason());
  for (const RejectedRequest& rejected : newest) Show(rejected, *response->add_rejections());
  return {};
}

RichError ListQuarantine(const SourceCatalog& catalog,
                         const admin::v1::ListQuarantineRequest& request,
                         admin::v1::ListQuarantineResponse* response) {
  int size = 0;
  if (RichError error = CheckPageSize(request.page_size(), &size); !error.ok()) return error;
  if (!catalog.quarantined) return QuarantineOff();
  for (const RejectedRequest& rejected :
       catalog.quarantined(static_cast<size_t>(size), request.source())) {
    Show(rejected, *response->add_requests());
  }
  if (catalog.quarantine_skipped) response->set_skipped_total(catalog.quarantine_skipped());
  return {};
}

RichError ReverifyQuarantined(const SourceCatalog& catalog,
                              const admin::v1::ReverifyQuarantinedRequest& request,
                              admin::v1::ReverifyQuarantinedResponse* response) {
  if (!catalog.reverify) return QuarantineOff();
  const auto outcome = catalog.reverify(request.request_id());
  if (absl::IsNotFound(outcome.status())) {
    RichError error;
    error.code = absl::StatusCode::kNotFound;
    error.message = "no quarantined request has this id";
    error.reason = "REQUEST_NOT_FOUND";
    return error;
  }
  if (!outcome.ok()) return FromJournal(outcome.status());
  for (const std::string& id : outcome->event_ids) response->add_event_ids(id);
  response->set_reason(outcome->reason);
  response->set_detail(outcome->detail);
  return {};
}

RichError GetJournal(const EventLog& log, admin::v1::GetJournalResponse* response) {
  const JournalInfo info = log.journal().Info();
  admin::v1::JournalState& state = *response->mutable_journal();
  state.set_journal_id(
      absl::BytesToHexString({reinterpret_cast<const char*>(info.id.data()), info.id.size()}));
  state.set_first_sequence(info.first);
  state.set_last_sequence(info.last);
  if (info.first_time != absl::InfinitePast()) {
    *state.mutable_first_time() = ToTimestamp(info.first_time);
  }
  if (info.last_time != absl::InfinitePast()) {
    *state.mutable_last_time() = ToTimestamp(info.last_time);
  }
  state.set_bytes(info.bytes);
  state.set_writable(info.writable);
  state.set_not_writable_reason(info.not_writable_reason);
  for (const LostRange& range : info.lost) {
    admin::v1::LostEvents& lost = *state.add_lost();
    lost.set_first_sequence(range.first);
    lost.set_last_sequence(range.last);
  }
  if (info.retention_hold) {
    admin::v1::RetentionHold& hold = *state.mutable_retention_hold();
    hold.set_up_to_sequence(info.retention_hold->up_to);
    hold.set_events(info.retention_hold->events);
    *hold.mutable_older_than() = ToTimestamp(info.retention_hold->older_than);
  }
  return {};
}

RichError ReleaseRetention(const SourceCatalog& catalog,
                           const admin::v1::ReleaseRetentionRequest& request,
                           admin::v1::ReleaseRetentionResponse*) {
  const absl::Status status = catalog.release_retention(request.up_to_sequence());
  if (!absl::IsFailedPrecondition(status)) {
    return status.ok() ? RichError{} : FromJournal(status);
  }
  RichError error;
  error.code = status.code();
  error.message = "retention holds no events up to that sequence; see GetJournal";
  error.reason = "RETENTION_NOT_HELD";
  return error;
}

RichError GetEvent(const EventLog& log, const admin::v1::GetEventRequest& request,
                   admin::v1::GetEventResponse* response) {
  auto found = FindById(log, request.id());
  if (absl::IsInvalidArgument(found.status())) return BadId();
  if (!found.ok()) return FromJournal(found.status());
  const ViewRuns runs = RunsOf(ViewOr(request.view(), v1::PAYLOAD_VIEW_FULL));
  const StoredEventPtr event = runs.data ? log.WithData(*found) : *found;
  const bool fits = EventWireBytes(*event, runs) <= limits::kEventBytesMax;
  response->mutable_event()->ParseFromString(EventWire(*event, fits ? runs : ViewRuns{}));
  response->set_payload_omitted(!fits);
  response->set_cursor(
      SealCursor({.journal = log.journal_id(), .partition = 0, .position = event->position}));
  return {};
}

RichError ListEvents(const EventLog& log, const admin::v1::ListEventsRequest& request,
                     admin::v1::ListEventsResponse* response) {
  int size = 0;
  if (RichError error = CheckPageSize(request.page_size(), &size); !error.ok()) return error;
  EventFilter filter;
  if (RichError error = EventFilter::Create(request.filter(), &filter); !error.ok()) return error;
  const Journal& journal = log.journal();
  const JournalInfo info = journal.Info();
  // Where the page begins: forwards after this position, backwards before it.
  absl::StatusOr<Position> from = request.newest_first() ? info.last + 1 : info.first - 1;
  if (!request.page_token().empty()) {
    const auto cursor = OpenCursor(request.page_token());
    if (!cursor || cursor->journal != info.id) {
      return InvalidField("page_token", "is not of an answer of this bridge");
    }
    from = cursor->position;
  } else if (request.newest_first() && request.has_end_time()) {
    from = journal.PositionBefore(FromProto(request.end_time()));
    if (from.ok()) ++*from;
  } else if (!request.newest_first() && request.has_start_time()) {
    from = journal.PositionBefore(FromProto(request.start_time()));
  }
  if (!from.ok()) return FromJournal(from.status());
  return Page(log, request, std::move(filter), size).Run(*from, response);
}

RichError ReadBodyChunk(const EventLog& log, const std::string& id, uint64_t offset,
                        admin::v1::ReadEventBodyResponse* response) {
  const auto found = FindById(log, id);
  if (absl::IsInvalidArgument(found.status())) return BadId();
  if (!found.ok()) return FromJournal(found.status());
  const auto body = BodyIn((*found)->runs.raw);
  if (!body) return FromJournal(absl::DataLossError("raw run"));
  if (offset > body->size()) return InvalidField("offset_bytes", "is beyond the body");
  const std::string_view chunk = body->substr(offset, limits::kBodyChunkBytesMax);
  response->set_chunk(chunk.data(), chunk.size());
  response->set_total_bytes(body->size());
  return {};
}

}  // namespace hookbridge
