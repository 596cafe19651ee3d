#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/journal/journal.h"

#include "absl/status/statusor.h"
#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hookbridge::rocks {

// RocksDB with its column families open, and what its manifest says.
struct Database {
  ~Database();

  std::unique_ptr<rocksdb::Env> env;  // outlives `db`
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* events = nullptr;
  rocksdb::ColumnFamilyHandle* times = nullptr;
  rocksdb::ColumnFamilyHandle* dedup = nullptr;
  rocksdb::ColumnFamilyHandle* state = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  JournalId id{};
};

enum class OpenMode {
  kCreate,    // creates the journal when the directory holds none
  kExisting,  // kUnavailable when it holds none
  kReadOnly,  // as kExisting; writes nothing
};

struct DatabaseOptions {
  std::string directory;
  rocksdb::Env* env = nullptr;  // null is the machine's
  Logger* log = nullptr;        // may be null
  // Asked before a file is made; may be null.
  std::function<absl::Status()> check = {};
  uint64_t buffer_bytes = 32 << 20;  // of events in memory before they go to a file
  // Reads the log back up to its first damage, and drops the rest.
  bool up_to_damage = false;
};

// Opens, tuned for the journal.
absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options,
                                                       const Clock& clock, OpenMode mode);

// kUnavailable for I/O, kDataLoss for corruption, kResourceExhausted for a full disk.
absl::Status ToStatus(const rocksdb::Status& status);

}  // namespace hookbridge::rocks
