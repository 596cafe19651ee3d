#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/journal/store.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rocksdb {
class Env;
}

namespace hookbridge {

struct RocksDbStoreOptions {
  std::string directory;
  // Fault tests wrap it; null is the machine's.
  rocksdb::Env* env = nullptr;
  // Gets RocksDB's warnings; null drops them. Outlives the store.
  Logger* log = nullptr;
  // Whether the directory is still the journal's, asked before a file is made; thread-safe. Null:
  // it is not asked.
  std::function<absl::Status()> check = {};
  // Whether Open may create a journal where there is none.
  bool create = true;
  // Everything up to here was acknowledged, and as far as is known nothing behind it: a log that is
  // damaged behind it opens without the rest. Unset: damage refuses to open.
  std::optional<Position> durable = {};
  // Events in memory before they go to a file; the log takes up to four times as much, the rest of
  // what is not yet in its final files another ten times.
  uint64_t buffer_bytes = 32 << 20;
};

// The embedded engine: one RocksDB whose write-ahead log is the journal's. A commit is one
// WriteBatch (events, dedup rows, state together, atomically) and one fdatasync of that log.
//
//   family   key                          value
//   default  `manifest`, `first`, `last`  format and journal id; first kept position; newest id
//   events   position, big-endian         record (record.h)
//   times    ms, position, big-endian     nothing; one for every 512 events
//   dedup    32-byte hash                 event id, position, expiry; gone after expiry
//   state    as given                     as given
//
// Threads: as Store. Ownership: the clock outlives it. After a failed write RocksDB takes no more
// and does not heal by itself, so Heal closes it and opens it again; where that fails, it opens it
// for reading. Reads hold a shared lock and return owned bytes, so nothing outlives the old handle.
class RocksDbStore final : public Store {
 public:
  // Opens, or creates with a new journal id. kFailedPrecondition: a newer format, or the directory
  // is in use by another process. kUnavailable: the directory cannot be written, or holds no
  // journal and must not get one. kResourceExhausted: the disk is full. kDataLoss: damage.
  // Blocks while the log is read back.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(RocksDbStoreOptions options,
                                                            const Clock& clock);
  ~RocksDbStore() override;

  absl::Status Commit(const CommitGroup& group) override;
  absl::StatusOr<std::optional<DedupRow>> FindDedup(const DedupHash& hash, absl::Time now) override;
  absl::Status Heal() override;
  absl::Status Trim(Position position) override;
  uint64_t MeasureBytes() override;
  StoreBounds Bounds() const override;
  absl::StatusOr<std::vector<StoredEventPtr>> Read(Position after, size_t events_max,
                                                   size_t bytes_max) const override;
  absl::StatusOr<std::vector<StoredEventPtr>> ReadBefore(Position before, size_t events_max,
                                                         size_t bytes_max) const override;
  absl::StatusOr<Position> PositionBefore(absl::Time time) const override;
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadState(
      std::string_view prefix) const override;
  JournalId id() const override;
  bool durable() const override { return true; }
  void Close() override;

 private:
  struct Impl;
  explicit RocksDbStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
