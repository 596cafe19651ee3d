#pragma once

#include "server/base/mutex.h"

#include "absl/time/time.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hookbridge {

// How many connections are open, in all and of each address. Owned by the server; slots do not
// outlive it. Threads: thread-safe. Never blocks for long.
class ConnectionCounts {
 public:
  ConnectionCounts(uint32_t max, uint32_t per_owner_max)
      : max_(max), per_owner_max_(per_owner_max) {}

  // One open connection: counted from Take until it is destroyed.
  class Slot {
   public:
    Slot(ConnectionCounts& counts, std::string owner) : counts_(counts), owner_(std::move(owner)) {}
    ~Slot() { counts_.Give(owner_); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    ConnectionCounts& counts_;
    const std::string owner_;
  };

  // `owner` is AddressOwner of the peer; empty for one whose connections are not counted apart, as
  // a trusted proxy's. Null: too many, and `why` says of what.
  std::unique_ptr<Slot> Take(std::string owner, std::string_view* why) ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until none is open, or the deadline; false when some are left.
  bool WaitForNone(absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Give(const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);

  const uint32_t max_;
  const uint32_t per_owner_max_;
  Mutex mutex_;
  CondVar none_left_;
  uint32_t total_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint32_t> by_owner_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
