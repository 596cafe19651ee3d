#include "server/journal/inspect.h"

#include "server/base/clock.h"
#include "server/base/strings.h"
#include "server/journal/lost_events.h"
#include "server/journal/record.h"
#include "server/journal/rocksdb/database.h"
#include "server/journal/rocksdb/format.h"

#include "absl/strings/escaping.h"
#include "absl/time/time.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace hookbridge::journal {
namespace {

constexpr uint64_t kFindingsMax = 100;

std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class Inspector {
 public:
  Inspector(rocks::Database& database, const InspectOptions& options, std::string& report)
      : database_(database), options_(options), report_(report) {}

  absl::Status Run() {
    std::string first;
    if (database_.db->Get({}, database_.meta, std::string(rocks::kFirstKey), &first).ok()) {
      first_ = rocks::FromBigEndian(first);
    }
    StrAppend(&report_, "format      ", rocks::kFormatVersion, "\njournal id  ",
              absl::BytesToHexString(
                  {reinterpret_cast<const char*>(database_.id.data()), database_.id.size()}),
              "\n");
    Lost();
    Events();
    Dedup();
    StrAppend(&report_, "events      ", events_, "\npositions   ", first_, " to ", last_,
              "\nrecord bytes ", bytes_, "\ndedup rows  ", dedup_rows_, "\nfindings    ", findings_,
              "\n");
    if (findings_ == 0) return absl::OkStatus();
    return absl::DataLossError(StrCat("journal: ", findings_, " findings"));
  }

 private:
  void Found(std::string_view what) {
    if (++findings_ <= kFindingsMax) StrAppend(&report_, "FINDING ", what, "\n");
  }

  // What a start found missing and wrote down is no new finding.
  void Lost() {
    const std::unique_ptr<rocksdb::Iterator> it(database_.db->NewIterator({}, database_.state));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const auto range = LostEvents::FromPersisted(AsView(it->key()), AsView(it->value()));
      if (!range) continue;
      StrAppend(&report_, "lost        ", range->first, " to ", range->last, "\n");
      lost_[range->first] = range->last;
    }
    if (!it->status().ok()) Found(it->status().ToString());
  }

  void Events() {
    const std::unique_ptr<rocksdb::Iterator> it(database_.db->NewIterator({}, database_.events));
    EventId previous;
    last_ = first_ - 1;
    for (it->Seek(rocks::BigEndian(first_)); it->Valid(); it->Next()) {
      const Position position = rocks::FromBigEndian(AsView(it->key()));
      if (const auto known = lost_.find(last_ + 1); known != lost_.end()) last_ = known->second;
      if (position != last_ + 1) {
        Found(StrCat("positions jump from ", last_, " to ", position));
      }
      last_ = position;
      ++events_;
      bytes_ += it->value().size();
      const auto event = DecodeRecord(position, AsView(it->value()));
      if (!event.ok()) {
        Found(ToStd(event.status().message()));
        continue;
      }
      if ((*event)->id <= previous) Found(StrCat("id of ", position, " does not grow"));
      previous = (*event)->id;
      if (options_.events) {
        StrAppend(&report_, position, " ", (*event)->id.ToString(), " ",
                  absl::FormatTime((*event)->append_time(), absl::UTCTimeZone()), " envelope ",
                  (*event)->runs.envelope.size(), " raw ", (*event)->runs.raw.size(), "\n");
      }
    }
    if (!it->status().ok()) Found(it->status().ToString());
  }

  void Dedup() {
    rocksdb::ReadOptions all;
    all.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(database_.db->NewIterator(all, database_.dedup));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ++dedup_rows_;
      const auto row = rocks::DecodeDedupRow(AsView(it->value()));
      if (!row) {
        Found("a dedup row is damaged");
        continue;
      }
      if (row->position < first_) continue;  // its event is gone; the row outlives it
      std::string record;
      const rocksdb::Status status =
          database_.db->Get({}, database_.events, rocks::BigEndian(row->position), &record);
      if (!status.ok() || RecordId(record) != row->id) {
        Found(StrCat("a dedup row names ", row->position, ", which is not its event"));
      }
    }
    if (!it->status().ok()) Found(it->status().ToString());
  }

  rocks::Database& database_;
  const InspectOptions options_;
  std::string& report_;
  std::map<Position, Position> lost_;  // first, last
  Position first_ = 1;
  Position last_ = 0;
  uint64_t events_ = 0;
  uint64_t bytes_ = 0;
  uint64_t dedup_rows_ = 0;
  uint64_t findings_ = 0;
};

}  // namespace

absl::Status Inspect(const std::string& directory, const InspectOptions& options,
                     std::string* report) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::path(directory) / "CURRENT", error)) {
    return absl::NotFoundError(StrCat("no journal in ", directory));
  }
  const SystemClock clock;
  auto database = rocks::OpenDatabase({.directory = directory}, clock, rocks::OpenMode::kReadOnly);
  if (!database.ok()) return database.status();
  StrAppend(report, "directory   ", directory, "\n");
  return Inspector(**database, options, *report).Run();
}

}  // namespace hookbridge::journal
