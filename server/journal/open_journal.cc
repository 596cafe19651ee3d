#include "server/journal/open_journal.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/journal/journal_directory.h"
#include "server/journal/lost_events.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"

#include <openssl/rand.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

constexpr uint64_t kBufferBytesMin = 1 << 20;
constexpr uint64_t kBufferBytesMax = 32 << 20;
// A buffer for every so many bytes of the journal: what an engine has beside them stays within the
// fifth of a volume that the default leaves.
constexpr uint64_t kBufferShare = 64;
// What opening may have to write: the buffers of events, and a half each of others.
constexpr uint64_t kReserveBuffers = 3;
constexpr uint64_t kReserveShareOfVolume = 16;

uint64_t CapacityOf(const std::string& directory) {
  std::error_code error;
  const auto space = std::filesystem::space(directory, error);
  return error ? 0 : space.capacity;
}

QueuedJournalOptions OptionsOf(const config::v1::JournalConfig& config, Logger& log) {
  QueuedJournalOptions options;
  options.queue = {.events_max = config.append_queue_events_max(),
                   .bytes_max = config.append_queue_bytes_max()};
  options.max_age = ToDuration(config.max_age());
  options.bytes_max = config.max_bytes();
  options.when_full = config.when_full() == config::v1::WHEN_FULL_DROP_OLDEST
                          ? FullPolicy::kDropOldest
                          : FullPolicy::kRefuse;
  options.log = &log;
  return options;
}

// Sizes that follow from the volume and max_bytes; gives the engine's buffer.
uint64_t Size(const std::string& directory, QueuedJournalOptions& options) {
  const uint64_t capacity = CapacityOf(directory);
  const uint64_t bytes = options.bytes_max != 0 ? options.bytes_max : capacity / 5 * 4;
  const uint64_t buffer =
      std::clamp(std::min(bytes, capacity) / kBufferShare, kBufferBytesMin, kBufferBytesMax);
  options.reserve_bytes = std::min(
      {limits::kJournalReserveBytes, kReserveBuffers * buffer, capacity / kReserveShareOfVolume});
  if (options.bytes_max == 0) options.bytes_max = bytes - std::min(bytes, options.reserve_bytes);
  return buffer;
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(JournalDirectory& directory, uint64_t buffer,
                                                 const Clock& clock, Logger& log) {
  std::optional<Position> durable;
  if (directory.found()) durable = directory.found()->last;
  const RocksDbStoreOptions options{.directory = directory.path(),
                                    .log = &log,
                                    .check = [&directory] { return directory.Check(); },
                                    .create = !directory.found(),
                                    .durable = durable,
                                    .buffer_bytes = buffer};
  absl::StatusOr<std::unique_ptr<Store>> store = RocksDbStore::Open(options, clock);
  if (absl::IsResourceExhausted(store.status()) && directory.GiveUpReserve()) {
    log.Warning("journal_disk_full", {{"detail", ToStd(store.status().message())}});
    store = RocksDbStore::Open(options, clock);
  }
  return store;
}

// Compares what the engine found with the mark, and writes the mark anew.
absl::Status Begin(JournalDirectory& directory, Store& store, Logger& log) {
  StoreBounds bounds = store.Bounds();
  const auto& mark = directory.found();
  if (mark && mark->id != store.id()) {
    log.Warning("journal_mark_ignored", {{"detail", "it is another journal's"}});
  } else if (mark) {
    LostEvents lost(&log);
    if (absl::Status status = lost.Load(store); !status.ok()) return status;
    if (absl::Status status = RecordMissing(store, mark->last, lost); !status.ok()) return status;
    bounds.last = std::max(bounds.last, mark->last);
    bounds.last_id = std::max(bounds.last_id, mark->last_id);
  }
  if (directory.open_to_others()) {
    log.Warning("journal_directory_open",
                {{"directory", directory.path()},
                 {"detail",
                  "other users may look into it: it is not this user's, or not the "
                  "journal's alone"}});
  }
  log.Info(mark ? "journal_opened" : "journal_begun", {{"directory", directory.path()},
                                                       {"first_position", bounds.first},
                                                       {"last_position", bounds.last}});
  return directory.Begin({.id = store.id(), .last = bounds.last, .last_id = bounds.last_id});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const config::v1::JournalConfig& config,
                                                     const Clock& clock, CommitListener* listener,
                                                     Logger& log) {
  QueuedJournalOptions options = OptionsOf(config, log);
  if (config.engine() == config::v1::JOURNAL_ENGINE_MEMORY) {
    JournalId id{};
    RAND_bytes(id.data(), static_cast<int>(id.size()));
    return std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(id), clock,
                                           listener);
  }
  auto directory = JournalDirectory::Open(config.directory());
  if (!directory.ok()) return directory.status();
  options.scrub = true;
  const uint64_t buffer = Size(config.directory(), options);
  auto store = OpenStore(**directory, buffer, clock, log);
  if (!store.ok()) return store.status();
  if (absl::Status status = Begin(**directory, **store, log); !status.ok()) return status;
  return std::make_unique<QueuedJournal>(options, *std::move(store), clock, listener,
                                         *std::move(directory));
}

}  // namespace hookbridge
