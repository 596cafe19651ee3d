#include "server/journal/rocksdb/database.h"

#include "server/base/strings.h"
#include "server/journal/rocksdb/format.h"

#include "absl/strings/match.h"
#include <openssl/rand.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <filesystem>

namespace hookbridge::rocks {
namespace {

constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kBlockCacheBytes = 16 << 20;
constexpr size_t kEventsBufferBytes = 32 << 20;
constexpr size_t kDedupBufferBytes = 16 << 20;
constexpr size_t kDedupPrefixBytes = 8;
constexpr size_t kDedupBuckets = 64 << 10;

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

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  if (env != nullptr) options.env = env;
  options.max_background_jobs = 2;
  options.max_total_wal_size = 128 << 20;
  options.bytes_per_sync = 1 << 20;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 4 << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 256;
  // A cut tail is a crash; damage before the tail must not pass for one.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
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
rocksdb::ColumnFamilyOptions EventsOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(cache);
  options.write_buffer_size = kEventsBufferBytes;
  options.level0_file_num_compaction_trigger = 8;
  return options;
}

// Random keys that are mostly absent: a hash table in memory, bloom filters of their first bytes on
// disk. A skip list of random keys would be what a commit costs most.
rocksdb::ColumnFamilyOptions DedupOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                          const Clock& clock) {
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
  options.write_buffer_size = kDedupBufferBytes;
  options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kDedupPrefixBytes));
  options.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(kDedupBuckets));
  options.compaction_filter_factory = std::make_shared<ExpiryFilterFactory>(clock);
  return options;
}

absl::Status CheckManifest(Database& database, bool read_only) {
  std::string manifest;
  rocksdb::Status status = database.db->Get(
      {}, database.meta, rocksdb::Slice(kManifestKey.data(), kManifestKey.size()), &manifest);
  if (status.IsNotFound() && !read_only) {
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

absl::Status OpenError(const std::string& directory, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (absl::StrContains(text, "lock")) {
    return absl::FailedPreconditionError(
        StrCat("journal: ", directory,
               " is in use by another process: stop it, or use another directory"));
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

absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const std::string& directory,
                                                       rocksdb::Env* env, const Clock& clock,
                                                       bool read_only) {
  if (!read_only) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
      return absl::UnavailableError(
          StrCat("journal: cannot create ", directory, ": ", error.message()));
    }
  }
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, FamilyOptions(cache)},
      {std::string(kEventsFamily), EventsOptions(cache)},
      {std::string(kTimesFamily), FamilyOptions(cache)},
      {std::string(kDedupFamily), DedupOptions(cache, clock)},
      {std::string(kStateFamily), FamilyOptions(cache)}};
  auto database = std::make_unique<Database>();
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions options = DatabaseOptions(env);
  const rocksdb::Status status =
      read_only
          ? rocksdb::DB::OpenForReadOnly(options, directory, families, &database->handles, &db)
          : rocksdb::DB::Open(options, directory, families, &database->handles, &db);
  if (!status.ok()) return OpenError(directory, status);
  database->db.reset(db);
  database->meta = database->handles[0];
  database->events = database->handles[1];
  database->times = database->handles[2];
  database->dedup = database->handles[3];
  database->state = database->handles[4];
  if (absl::Status manifest = CheckManifest(*database, read_only); !manifest.ok()) return manifest;
  return database;
}

}  // namespace hookbridge::rocks
