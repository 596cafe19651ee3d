// CPU of an append, all threads and background work included: events of 1.9 kB in groups of 64.
#include "server/base/strings.h"
#include "server/journal/queued_journal.h"
#include "server/journal/rocksdb/rocksdb_store.h"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

namespace hookbridge {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Events made before the clock runs.
std::vector<NewEvent> MakeEvents(size_t count, std::mt19937_64& random) {
  std::vector<NewEvent> events(count);
  for (NewEvent& event : events) {
    for (uint8_t& byte : event.dedup_hash) byte = static_cast<uint8_t>(random());
    event.dedup_window = absl::Hours(24 * 7);
    event.event = std::make_shared<StoredEvent>();
    event.event->runs.envelope = std::string(150, 'e');
    event.event->runs.raw.resize(1'750);
    for (char& byte : event.event->runs.raw) byte = static_cast<char>(random());
  }
  return events;
}

// The store alone: what the committer does with a group, and what RocksDB does behind it.
void BM_CommitGroupsOf(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const auto directory =
      std::filesystem::current_path() / "build" / StrCat("journal-bench-", getpid());
  std::filesystem::remove_all(directory);
  SystemClock clock;
  auto store = *RocksDbStore::Open({.directory = directory.string()}, clock);
  std::mt19937_64 random(1);
  EventIdMinter minter(1, EventId());
  std::vector<NewEvent> events = MakeEvents(size * 16, random);
  Position position = 0;
  size_t next = 0;
  const double before = CpuSeconds();
  for (auto _ : state) {
    CommitGroup group;
    for (size_t i = 0; i < size; ++i, ++next) {
      // Same payloads again under other ids and hashes, so that the clock sees no making of events.
      NewEvent& event = events[next % events.size()];
      auto stored = std::make_shared<StoredEvent>(*event.event);
      stored->position = ++position;
      stored->id = minter.Next(clock.Now());
      const uint64_t bits = random();
      std::memcpy(event.dedup_hash.data(), &bits, sizeof bits);
      if (store->FindDedup(event.dedup_hash, clock.Now())->has_value())
        state.SkipWithError("found");
      group.dedup.emplace_back(
          event.dedup_hash,
          DedupRow{.id = stored->id, .position = position, .expiry = clock.Now() + absl::Hours(1)});
      group.events.push_back(std::move(stored));
    }
    if (!store->Commit(group).ok()) state.SkipWithError("commit failed");
  }
  state.counters["cpu_us_per_event"] =
      (CpuSeconds() - before) * 1e6 / static_cast<double>(position);
  state.SetItemsProcessed(static_cast<int64_t>(position));
  store->Close();
  store.reset();
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_CommitGroupsOf)->Arg(1)->Arg(16)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace hookbridge
