#include "server/delivery/pieces.h"

#include "server/base/wire.h"

#include <utility>

namespace hookbridge {
namespace {

// Below this a copy is cheaper than a reference.
constexpr size_t kShareBytesMin = 512;
// Tag, length and text of the id; sequence; append_time.
constexpr size_t kPositionRunBytesMax = 2 + EventId::kTextBytes + 11 + 2 + 24;

}  // namespace

void PieceWriter::Share(const StoredEventPtr& event, std::string_view run) {
  if (run.size() < kShareBytesMin) {
    own_.append(run);
    return;
  }
  if (!own_.empty())
    pieces_.push_back({.owned = std::exchange(own_, {}), .event = {}, .shared = {}});
  pieces_.push_back({.owned = {}, .event = event, .shared = run});
}

std::vector<Piece> PieceWriter::Finish() {
  if (!own_.empty())
    pieces_.push_back({.owned = std::exchange(own_, {}), .event = {}, .shared = {}});
  return std::exchange(pieces_, {});
}

ViewRuns RunsOf(v1::PayloadView view) {
  switch (view) {
    case v1::PAYLOAD_VIEW_METADATA:
      return {};
    case v1::PAYLOAD_VIEW_FULL:
      return {.data = true, .raw = true};
    case v1::PAYLOAD_VIEW_RAW:
      return {.data = false, .raw = true};
    default:
      return {.data = true, .raw = false};
  }
}

std::string PositionRun(const StoredEvent& event) {
  std::string run;
  run.reserve(kPositionRunBytesMax);
  AppendBytesField(run, 1, event.id.ToString());
  AppendVarintField(run, 9, event.position);
  const int64_t ms = absl::ToUnixMillis(event.append_time());
  std::string time;
  AppendVarintField(time, 1, static_cast<uint64_t>(ms / 1000));
  if (ms % 1000 != 0) AppendVarintField(time, 2, static_cast<uint64_t>(ms % 1000) * 1'000'000);
  AppendBytesField(run, 14, time);
  return run;
}

size_t EventWireBytes(const StoredEvent& event, ViewRuns runs) {
  return event.runs.envelope.size() + PositionRun(event).size() +
         (runs.data ? event.runs.data.size() : 0) + (runs.raw ? event.runs.raw.size() : 0);
}

std::string EventWire(const StoredEvent& event, ViewRuns runs) {
  std::string wire = event.runs.envelope;
  wire += PositionRun(event);
  if (runs.data) wire += event.runs.data;
  if (runs.raw) wire += event.runs.raw;
  return wire;
}

}  // namespace hookbridge
