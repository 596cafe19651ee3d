#include "server/journal/rocksdb/rocksdb_store.h"

#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/journal/kept_bytes.h"
#include "server/journal/record.h"
#include "server/journal/rocksdb/database.h"
#include "server/journal/rocksdb/format.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

namespace hookbridge {
namespace {

using rocks::BigEndian;
using rocks::Database;
using rocks::FromBigEndian;
using rocks::ToStatus;

rocksdb::Slice AsSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// A batch that grew beyond this gives its memory back.
constexpr size_t kBatchBytesKept = 4 << 20;

// Of an event beside its runs: the record's header, and its key with what an index takes.
constexpr uint64_t kEventOverheadBytes = kRecordHeaderBytes + 24;

absl::Status NotOpen() { return absl::UnavailableError("journal: being opened again"); }

// What a read gives that came to `status` after these: they go first.
absl::StatusOr<std::vector<StoredEventPtr>> WholeBefore(std::vector<StoredEventPtr> events,
                                                        absl::Status status) {
  if (absl::IsDataLoss(status) && !events.empty()) return events;
  return status;
}

std::string TimesKey(absl::Time time, Position position) {
  return BigEndian(static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(time), 0))) +
         BigEndian(position);
}

}  // namespace

struct RocksDbStore::Impl {
  Impl(RocksDbStoreOptions store_options, const Clock& store_clock)
      : options(std::move(store_options)), clock(store_clock) {}

  const RocksDbStoreOptions options;
  const Clock& clock;
  // Readers share it; Heal and Close hold it alone while they replace the handle. std::shared_mutex
  // because base/mutex.h has no shared form.
  mutable std::shared_mutex database_mutex;
  std::unique_ptr<Database> database;
  JournalId id{};
  bool read_only = false;  // under database_mutex
  // The committer's: keeps its memory from one group to the next.
  rocksdb::WriteBatch batch;
  KeptBytes kept;  // the committer's: of what was committed since it was opened
  mutable Mutex bounds_mutex;
  StoreBounds bounds ABSL_GUARDED_BY(bounds_mutex);

  absl::StatusOr<std::unique_ptr<Database>> OpenAs(rocks::OpenMode mode,
                                                   bool up_to_damage = false) const;
  absl::StatusOr<std::unique_ptr<Database>> OpenUpToDamage(rocks::OpenMode mode,
                                                           std::optional<Position> durable,
                                                           const absl::Status& damage) const;
  absl::Status Adopt(std::unique_ptr<Database> opened);
  absl::Status Writable() const {
    return database == nullptr || read_only ? NotOpen() : absl::OkStatus();
  }
  static absl::StatusOr<StoreBounds> ReadBounds(const Database& database);
  StoreBounds GetBounds() const {
    MutexLock lock(bounds_mutex);
    return bounds;
  }
  std::unique_ptr<rocksdb::Iterator> Iterate(rocksdb::ColumnFamilyHandle* family) const {
    return std::unique_ptr<rocksdb::Iterator>(database->db->NewIterator({}, family));
  }
};

absl::StatusOr<std::unique_ptr<Database>> RocksDbStore::Impl::OpenAs(rocks::OpenMode mode,
                                                                     bool up_to_damage) const {
  return rocks::OpenDatabase({.directory = options.directory,
                              .env = options.env,
                              .log = options.log,
                              .check = options.check,
                              .buffer_bytes = options.buffer_bytes,
                              .up_to_damage = up_to_damage},
                             clock, mode);
}

// A power cut may leave the last, unacknowledged writes on the disk out of order: damage with good
// records behind it. It opens without them, after a look without writing that nothing acknowledged
// goes with them.
absl::StatusOr<std::unique_ptr<Database>> RocksDbStore::Impl::OpenUpToDamage(
    rocks::OpenMode mode, std::optional<Position> durable, const absl::Status& damage) const {
  if (!absl::IsDataLoss(damage) || !durable) return damage;
  auto seen = OpenAs(rocks::OpenMode::kReadOnly, /*up_to_damage=*/true);
  if (!seen.ok()) return damage;
  const auto found = ReadBounds(**seen);
  if (!found.ok() || found->last < *durable) return damage;
  seen->reset();
  auto opened = OpenAs(mode, /*up_to_damage=*/true);
  if (!opened.ok()) return damage;
  if (options.log != nullptr) {
    options.log->Warning("journal_tail_dropped",
                         {{"detail", ToStd(damage.message())}, {"last_position", *durable}});
  }
  return opened;
}

absl::Status RocksDbStore::Impl::Adopt(std::unique_ptr<Database> opened) {
  database = std::move(opened);
  id = database->id;
  const auto found = ReadBounds(*database);
  if (!found.ok()) return found.status();
  kept.Reset(found->last);
  MutexLock lock(bounds_mutex);
  bounds = *found;
  return absl::OkStatus();
}

absl::StatusOr<StoreBounds> RocksDbStore::Impl::ReadBounds(const Database& database) {
  StoreBounds found;
  std::string value;
  rocksdb::Status status = database.db->Get({}, database.meta, AsSlice(rocks::kFirstKey), &value);
  if (!status.ok() && !status.IsNotFound()) return ToStatus(status);
  if (status.ok()) found.first = FromBigEndian(value);
  found.last = found.first - 1;
  status = database.db->Get({}, database.meta, AsSlice(rocks::kLastKey), &value);
  if (!status.ok() && !status.IsNotFound()) return ToStatus(status);
  if (status.ok()) found.last_id = rocks::DecodeId(value);

  const std::unique_ptr<rocksdb::Iterator> it(database.db->NewIterator({}, database.events));
  it->SeekToLast();
  if (it->Valid() && FromBigEndian(AsView(it->key())) >= found.first) {
    found.last = FromBigEndian(AsView(it->key()));
    found.last_id = RecordId(AsView(it->value()));
  }
  if (!it->status().ok()) return ToStatus(it->status());
  return found;
}

RocksDbStore::RocksDbStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksDbStore::~RocksDbStore() = default;

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(RocksDbStoreOptions options,
                                                                 const Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), clock);
  const auto mode = impl->options.create ? rocks::OpenMode::kCreate : rocks::OpenMode::kExisting;
  auto opened = impl->OpenAs(mode);
  if (!opened.ok()) opened = impl->OpenUpToDamage(mode, impl->options.durable, opened.status());
  if (!opened.ok()) return opened.status();
  if (absl::Status status = impl->Adopt(*std::move(opened)); !status.ok()) return status;
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(impl)));
}

absl::Status RocksDbStore::Commit(const CommitGroup& group) {
  Impl& impl = *impl_;
  if (absl::Status status = impl.Writable(); !status.ok()) return status;
  const Database& database = *impl.database;
  rocksdb::WriteBatch& batch = impl.batch;
  batch.Clear();
  for (const StoredEventPtr& event : group.events) {
    const std::string key = BigEndian(event->position);
    const RecordHeader header = EncodeRecordHeader(*event);
    const rocksdb::Slice key_part(key);
    const std::array<rocksdb::Slice, 3> value = {rocksdb::Slice(header.data(), header.size()),
                                                 rocksdb::Slice(event->runs.envelope),
                                                 rocksdb::Slice(event->runs.raw)};
    batch.Put(database.events, rocksdb::SliceParts(&key_part, 1),
              rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
    if (event->position % rocks::kTimesInterval == 1) {
      batch.Put(database.times, TimesKey(event->append_time(), event->position), "");
    }
  }
  for (const auto& [hash, row] : group.dedup) {
    batch.Put(database.dedup,
              rocksdb::Slice(reinterpret_cast<const char*>(hash.data()), hash.size()),
              rocks::EncodeDedupRow(row));
  }
  for (const StateUpdate& update : group.state) {
    if (update.value) {
      batch.Put(database.state, update.key, *update.value);
    } else {
      batch.Delete(database.state, update.key);
    }
  }
  rocksdb::WriteOptions sync;
  sync.sync = true;
  const rocksdb::Status status = database.db->Write(sync, &batch);
  if (batch.GetDataSize() > kBatchBytesKept) batch = rocksdb::WriteBatch();
  if (!status.ok()) return ToStatus(status);
  for (const StoredEventPtr& event : group.events) {
    // The data run is not stored.
    impl.kept.Add(event->position,
                  event->runs.envelope.size() + event->runs.raw.size() + kEventOverheadBytes);
  }
  if (!group.events.empty()) {
    MutexLock lock(impl.bounds_mutex);
    impl.bounds.last = group.events.back()->position;
    impl.bounds.last_id = group.events.back()->id;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<DedupRow>> RocksDbStore::FindDedup(const DedupHash& hash,
                                                                absl::Time now) {
  if (impl_->database == nullptr) return NotOpen();
  const Database& database = *impl_->database;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database.db->Get(
      {}, database.dedup, rocksdb::Slice(reinterpret_cast<const char*>(hash.data()), hash.size()),
      &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ToStatus(status);
  auto row = rocks::DecodeDedupRow(AsView(value));
  if (!row) return absl::DataLossError("journal: a dedup row is damaged");
  if (row->expiry <= now) return std::nullopt;
  return row;
}

// What the disk does not let be opened for writing (it is full, or read-only) is opened for
// reading, once.
absl::Status RocksDbStore::Heal() {
  const std::unique_lock lock(impl_->database_mutex);
  if (!impl_->read_only) impl_->database.reset();
  const Position durable = impl_->GetBounds().last;
  auto opened = impl_->OpenAs(rocks::OpenMode::kExisting);
  if (!opened.ok() && impl_->database == nullptr) {
    opened = impl_->OpenUpToDamage(rocks::OpenMode::kExisting, durable, opened.status());
  }
  if (opened.ok() && (*opened)->id != impl_->id) {
    opened = absl::UnavailableError(
        StrCat("journal: ", impl_->options.directory, " holds another journal"));
  }
  if (opened.ok()) {
    impl_->read_only = false;
    return impl_->Adopt(*std::move(opened));
  }
  if (impl_->database == nullptr) {
    auto readable = impl_->OpenAs(rocks::OpenMode::kReadOnly);
    impl_->read_only = readable.ok() && (*readable)->id == impl_->id;
    if (impl_->read_only) impl_->Adopt(*std::move(readable)).IgnoreError();
  }
  return opened.status();
}

// No reader looks below `first`, so nothing is marked as deleted: marks would have later files
// written anew. Whole files below it go at once; the rest of one goes with it.
absl::Status RocksDbStore::Trim(Position position) {
  Impl& impl = *impl_;
  if (absl::Status status = impl.Writable(); !status.ok()) return status;
  const StoreBounds bounds = impl.GetBounds();
  position = std::min(position, bounds.last);
  if (position < bounds.first) return absl::OkStatus();
  const Database& database = *impl.database;
  const auto kept = Read(position, 1, 0);
  if (!kept.ok() && !absl::IsDataLoss(kept.status())) return kept.status();

  const std::string to = BigEndian(position + 1);
  rocksdb::WriteBatch batch;
  if (kept.ok() && !kept->empty()) {
    batch.DeleteRange(database.times, BigEndian(0), TimesKey(kept->front()->append_time(), 0));
  }
  batch.Put(database.meta, AsSlice(rocks::kFirstKey), to);
  batch.Put(database.meta, AsSlice(rocks::kLastKey), rocks::EncodeId(bounds.last_id));
  {
    // Readers look at `first` before they seek, so they must see it move first.
    MutexLock lock(impl.bounds_mutex);
    impl.bounds.first = position + 1;
  }
  rocksdb::WriteOptions sync;
  sync.sync = true;
  if (const rocksdb::Status status = database.db->Write(sync, &batch); !status.ok()) {
    return ToStatus(status);
  }
  impl.kept.TrimTo(position, bounds.last);
  const rocksdb::Slice end(to);
  return ToStatus(rocksdb::DeleteFilesInRange(database.db.get(), database.events, nullptr, &end,
                                              /*include_end=*/false));
}

// Events that were there when it was opened are in files, whose index says what a range of them
// takes; the later ones are counted. The other families shrink when they are compacted.
uint64_t RocksDbStore::MeasureBytes() {
  if (impl_->database == nullptr) return 0;
  const Database& database = *impl_->database;
  rocksdb::DB& db = *database.db;
  uint64_t bytes = impl_->kept.bytes();
  const StoreBounds bounds = impl_->GetBounds();
  if (bounds.first < impl_->kept.begin()) {
    const std::string from = BigEndian(bounds.first);
    const std::string to = BigEndian(impl_->kept.begin());
    const rocksdb::Range range(from, to);
    uint64_t part = 0;
    if (db.GetApproximateSizes(database.events, &range, 1, &part).ok()) bytes += part;
  }
  for (rocksdb::ColumnFamilyHandle* const family : database.handles) {
    if (family == database.events) continue;
    uint64_t part = 0;
    if (db.GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &part))
      bytes += part;
    if (db.GetIntProperty(family, rocksdb::DB::Properties::kCurSizeAllMemTables, &part))
      bytes += part;
  }
  return bytes;
}

StoreBounds RocksDbStore::Bounds() const { return impl_->GetBounds(); }

absl::StatusOr<std::vector<StoredEventPtr>> RocksDbStore::Read(Position after, size_t events_max,
                                                               size_t bytes_max) const {
  const std::shared_lock lock(impl_->database_mutex);
  if (impl_->database == nullptr) return NotOpen();
  const StoreBounds bounds = impl_->GetBounds();
  if (after + 1 < bounds.first) return absl::OutOfRangeError("journal: removed by retention");
  std::vector<StoredEventPtr> events;
  if (after >= bounds.last || events_max == 0) return events;
  const auto it = impl_->Iterate(impl_->database->events);
  size_t bytes = 0;
  for (it->Seek(BigEndian(after + 1)); it->Valid() && events.size() < events_max; it->Next()) {
    const Position position = FromBigEndian(AsView(it->key()));
    if (position > bounds.last) break;
    bytes += it->value().size();
    if (!events.empty() && bytes > bytes_max) break;
    auto event = DecodeRecord(position, AsView(it->value()));
    if (!event.ok()) return WholeBefore(std::move(events), event.status());
    events.push_back(*std::move(event));
  }
  if (!it->status().ok()) return WholeBefore(std::move(events), ToStatus(it->status()));
  return events;
}

absl::StatusOr<std::vector<StoredEventPtr>> RocksDbStore::ReadBefore(Position before,
                                                                     size_t events_max,
                                                                     size_t bytes_max) const {
  const std::shared_lock lock(impl_->database_mutex);
  if (impl_->database == nullptr) return NotOpen();
  const StoreBounds bounds = impl_->GetBounds();
  std::vector<StoredEventPtr> events;
  if (before <= bounds.first || events_max == 0 || bounds.last < bounds.first) return events;
  const Position newest = std::min(before - 1, bounds.last);
  const auto it = impl_->Iterate(impl_->database->events);
  size_t bytes = 0;
  for (it->SeekForPrev(BigEndian(newest)); it->Valid() && events.size() < events_max; it->Prev()) {
    const Position position = FromBigEndian(AsView(it->key()));
    if (position < bounds.first) break;
    bytes += it->value().size();
    if (!events.empty() && bytes > bytes_max) break;
    auto event = DecodeRecord(position, AsView(it->value()));
    if (!event.ok()) return WholeBefore(std::move(events), event.status());
    events.push_back(*std::move(event));
  }
  if (!it->status().ok()) return WholeBefore(std::move(events), ToStatus(it->status()));
  return events;
}

// The last row of `times` before `time` says where to begin; from there record by record.
absl::StatusOr<Position> RocksDbStore::PositionBefore(absl::Time time) const {
  const std::shared_lock lock(impl_->database_mutex);
  if (impl_->database == nullptr) return NotOpen();
  const StoreBounds bounds = impl_->GetBounds();
  if (bounds.last < bounds.first) return bounds.last;
  if (time == absl::InfiniteFuture() || bounds.last_id.time() < time) return bounds.last;
  Position start = bounds.first;
  if (time > absl::UnixEpoch()) {
    const auto times = impl_->Iterate(impl_->database->times);
    times->SeekForPrev(TimesKey(time - absl::Milliseconds(1), UINT64_MAX));
    if (times->Valid()) start = std::max(start, FromBigEndian(AsView(times->key()).substr(8)));
    if (!times->status().ok()) return ToStatus(times->status());
  }
  const auto it = impl_->Iterate(impl_->database->events);
  Position before = start - 1;
  for (it->Seek(BigEndian(start)); it->Valid(); it->Next()) {
    const Position position = FromBigEndian(AsView(it->key()));
    if (position > bounds.last || RecordId(AsView(it->value())).time() >= time) break;
    before = position;
  }
  // Damage hides times: up to it is certain.
  if (!it->status().ok() && !it->status().IsCorruption()) return ToStatus(it->status());
  return before;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> RocksDbStore::ReadState(
    std::string_view prefix) const {
  const std::shared_lock lock(impl_->database_mutex);
  if (impl_->database == nullptr) return NotOpen();
  std::vector<std::pair<std::string, std::string>> found;
  const auto it = impl_->Iterate(impl_->database->state);
  for (it->Seek(AsSlice(prefix)); it->Valid() && AsView(it->key()).starts_with(prefix);
       it->Next()) {
    found.emplace_back(it->key().ToString(), it->value().ToString());
  }
  if (!it->status().ok()) return ToStatus(it->status());
  return found;
}

JournalId RocksDbStore::id() const { return impl_->id; }

void RocksDbStore::Close() {
  const std::unique_lock lock(impl_->database_mutex);
  impl_->database.reset();
}

}  // namespace hookbridge
