#include "server/journal/rocksdb/database.h"

#include "server/base/strings.h"
#include "server/journal/journal_directory.h"
#include "server/journal/rocksdb/format.h"
#include "server/journal/rocksdb/guarded_files.h"
#include "server/journal/rocksdb/info_log.h"

#include <openssl/rand.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <string_view>

namespace hookbridge::rocks {
namespace {

constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kBlockCacheBytes = 16 << 20;
constexpr size_t kDedupPrefixBytes = 8;
// A bucket of the table in memory for every so many bytes. The empty table must be much smaller
// than its buffer: RocksDB aborts on one that is full from the start.
constexpr size_t kDedupBytesPerBucket = 256;

// Drops dedup rows whose time has come, when their file is compacted anyway.
class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(const Clock& clock) : clock_(clock) {}
  const char* Name() const override { return "hookbridge.DedupExpiry"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    const auto row = DecodeDedupRow({value.data(), value.size()});
    return row && row->expiry <= clock_.Now();
  }

 private:
  const Clock& clock_;
};

class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFilterFactory(const Clock& clock) : clock_(clock) {}
  const char* Name() const override { return "hookbridge.DedupExpiryFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<ExpiryFilter>(clock_);
  }

 private:
  const Clock& clock_;
};

rocksdb::DBOptions DbOptions(const DatabaseOptions& of, rocksdb::Env* env, OpenMode mode) {
  rocksdb::DBOptions options;
  options.create_if_missing = mode == OpenMode::kCreate;
  options.create_missing_column_families = mode == OpenMode::kCreate;
  options.env = env;
  options.info_log = std::make_shared<InfoLog>(of.log);
  options.max_background_jobs = 2;
  options.max_total_wal_size = 4 * of.buffer_bytes;
  options.bytes_per_sync = 1 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 256;
  // A cut tail is a crash; damage before the tail must not pass for one.
  options.wal_recovery_mode = of.up_to_damage
                                  ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                  : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A log that is gone altogether is damage too.
  options.track_and_verify_wals_in_manifest = true;
  // Only the committer writes.
  options.allow_concurrent_memtable_write = false;
  options.enable_pipelined_write = false;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = kBlockBytes;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 4 << 20;
  return options;
}

// Sequential keys, moved down the levels without being rewritten. No insert hints: RocksDB 7.8
// keeps one hint for the points and for the range deletions of a memtable, and a hint from one skip
// list corrupts the other.
rocksdb::ColumnFamilyOptions EventsOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                           uint64_t buffer_bytes) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(cache);
  options.write_buffer_size = buffer_bytes;
  options.level0_file_num_compaction_trigger = 4;
  return options;
}

// Random keys that are mostly absent: a hash table in memory, bloom filters of their first bytes on
// disk. A skip list of random keys would be what a commit costs most.
rocksdb::ColumnFamilyOptions DedupOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                          const Clock& clock, uint64_t buffer_bytes) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = buffer_bytes;
  options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kDedupPrefixBytes));
  options.memtable_factory.reset(
      rocksdb::NewHashLinkListRepFactory(buffer_bytes / kDedupBytesPerBucket));
  options.compaction_filter_factory = std::make_shared<ExpiryFilterFactory>(clock);
  return options;
}

absl::Status CheckManifest(Database& database, OpenMode mode) {
  std::string manifest;
  rocksdb::Status status = database.db->Get(
      {}, database.meta, rocksdb::Slice(kManifestKey.data(), kManifestKey.size()), &manifest);
  if (status.IsNotFound() && mode == OpenMode::kCreate) {
    RAND_bytes(database.id.data(), static_cast<int>(database.id.size()));
    rocksdb::WriteOptions sync;
    sync.sync = true;
    return ToStatus(database.db->Put(sync, database.meta,
                                     rocksdb::Slice(kManifestKey.data(), kManifestKey.size()),
                                     EncodeManifest(database.id)));
  }
  if (!status.ok()) return ToStatus(status);
  if (manifest.size() != 8 + database.id.size()) {
    return absl::DataLossError("journal: the manifest is damaged");
  }
  if (const uint64_t version = FromBigEndian(manifest); version != kFormatVersion) {
    return absl::FailedPreconditionError(
        StrCat("journal: format ", version, " was written by another build; this one reads ",
               kFormatVersion, ": use the build that wrote it, or another directory"));
  }
  std::copy_n(manifest.begin() + 8, database.id.size(), database.id.begin());
  return absl::OkStatus();
}

// What PosixFileSystem says where the LOCK file is locked: by this process, by another.
bool IsLocked(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.starts_with("IO error: lock hold by current process") ||
                                text.starts_with("IO error: While lock file: "));
}

absl::Status OpenError(const std::string& directory, OpenMode mode, const rocksdb::Status& status) {
  if (IsLocked(status)) {
    return absl::FailedPreconditionError(
        StrCat("journal: ", directory,
               " is in use by another process: stop it, or use another directory"));
  }
  const std::string current = StrCat(directory, "/CURRENT");
  if (mode != OpenMode::kCreate && access(current.c_str(), F_OK) != 0) {
    return absl::UnavailableError(StrCat(
        "journal: ", directory,
        " held a journal, and its files are not there: mount or restore them, or use another "
        "directory"));
  }
  const absl::Status converted = ToStatus(status);
  return {converted.code(), StrCat("journal: ", directory, ": ", ToStd(converted.message()))};
}

}  // namespace

Database::~Database() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* const handle : handles) db->DestroyColumnFamilyHandle(handle);
  db->Close();
}

absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) return absl::DataLossError(status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(status.ToString());
  return absl::UnavailableError(status.ToString());
}

absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options,
                                                       const Clock& clock, OpenMode mode) {
  if (mode == OpenMode::kCreate) {
    if (absl::Status made = MakeDirectories(options.directory, fsync); !made.ok()) return made;
  }
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, FamilyOptions(cache)},
      {std::string(kEventsFamily), EventsOptions(cache, options.buffer_bytes)},
      {std::string(kTimesFamily), FamilyOptions(cache)},
      {std::string(kDedupFamily), DedupOptions(cache, clock, options.buffer_bytes / 2)},
      {std::string(kStateFamily), FamilyOptions(cache)}};
  auto database = std::make_unique<Database>();
  rocksdb::Env* const below = options.env != nullptr ? options.env : rocksdb::Env::Default();
  database->env = rocksdb::NewCompositeEnv(
      std::make_shared<GuardedFiles>(below->GetFileSystem(), options.check));
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions db_options = DbOptions(options, database->env.get(), mode);
  const rocksdb::Status status =
      mode == OpenMode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(db_options, options.directory, families,
                                         &database->handles, &db)
          : rocksdb::DB::Open(db_options, options.directory, families, &database->handles, &db);
  if (!status.ok()) return OpenError(options.directory, mode, status);
  database->db.reset(db);
  database->meta = database->handles[0];
  database->events = database->handles[1];
  database->times = database->handles[2];
  database->dedup = database->handles[3];
  database->state = database->handles[4];
  if (absl::Status manifest = CheckManifest(*database, mode); !manifest.ok()) return manifest;
  return database;
}

}  // namespace hookbridge::rocks
