#include "server/journal/open_journal.h"

#include "server/base/config.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"

#include <openssl/rand.h>

#include <filesystem>

namespace hookbridge {
namespace {

uint64_t DefaultMaxBytes(const std::string& directory) {
  std::error_code error;
  const auto space = std::filesystem::space(directory, error);
  return error ? 0 : space.capacity / 5 * 4;
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const config::v1::JournalConfig& config,
                                                 const Clock& clock) {
  if (config.engine() == config::v1::JOURNAL_ENGINE_MEMORY) {
    JournalId id{};
    RAND_bytes(id.data(), static_cast<int>(id.size()));
    return std::make_unique<MemoryStore>(id);
  }
  return RocksDbStore::Open({.directory = config.directory()}, clock);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const config::v1::JournalConfig& config,
                                                     const Clock& clock, CommitListener* listener) {
  auto store = OpenStore(config, clock);
  if (!store.ok()) return store.status();
  QueuedJournalOptions options;
  options.queue = {.events_max = config.append_queue_events_max(),
                   .bytes_max = config.append_queue_bytes_max()};
  options.max_age = ToDuration(config.max_age());
  options.bytes_max = config.max_bytes();
  if (options.bytes_max == 0 && (*store)->durable()) {
    options.bytes_max = DefaultMaxBytes(config.directory());
  }
  options.when_full = config.when_full() == config::v1::WHEN_FULL_DROP_OLDEST
                          ? FullPolicy::kDropOldest
                          : FullPolicy::kRefuse;
  return std::make_unique<QueuedJournal>(options, *std::move(store), clock, listener);
}

}  // namespace hookbridge
