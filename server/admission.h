#pragma once

#include "server/base/mutex.h"
#include "server/ingress/handler.h"

#include "absl/container/flat_hash_map.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace hookbridge {

// Bytes of bodies that have come and are not yet answered, over all connections. One source holds
// at most half, and one address at most its part, so that the flood of either does not starve
// another. Owned by the pipeline; tickets do not outlive it. Threads: thread-safe. Never blocks for
// long.
class BodyBudget {
 public:
  struct Limits {
    uint64_t bytes_max = 0;
    uint64_t owner_bytes_max = 0;
  };

  explicit BodyBudget(Limits limits) : limits_(limits) {}

  // Share of one source; its address is the key of the source.
  class Share {
   private:
    friend class BodyBudget;
    std::atomic<uint64_t> bytes_{0};
  };

  // A ticket that holds nothing yet, or nullptr when not one byte more would be taken. `owner` is
  // AddressOwner of the sender.
  std::unique_ptr<AdmissionTicket> Open(Share& share, std::string owner)
      ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t bytes_in_use() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  class Ticket;

  bool Take(Share& share, const std::string& owner, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Give(Share& share, const std::string& owner, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const Limits limits_;
  std::atomic<uint64_t> bytes_{0};
  Mutex mutex_;
  absl::flat_hash_map<std::string, uint64_t> by_owner_ ABSL_GUARDED_BY(mutex_);  // only above 0
};

}  // namespace hookbridge
