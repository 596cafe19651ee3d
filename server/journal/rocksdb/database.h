#pragma once

#include "server/base/clock.h"
#include "server/journal/journal.h"

#include "absl/status/statusor.h"
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

namespace hookbridge::rocks {

// RocksDB with its column families open, and what its manifest says.
struct Database {
  ~Database();

  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* events = nullptr;
  rocksdb::ColumnFamilyHandle* times = nullptr;
  rocksdb::ColumnFamilyHandle* dedup = nullptr;
  rocksdb::ColumnFamilyHandle* state = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  JournalId id{};
};

// Opens, tuned for the journal; creates it when the directory holds none, unless `read_only`.
absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const std::string& directory,
                                                       rocksdb::Env* env, const Clock& clock,
                                                       bool read_only);

// kUnavailable for I/O, kDataLoss for corruption, kResourceExhausted for a full disk.
absl::Status ToStatus(const rocksdb::Status& status);

}  // namespace hookbridge::rocks
