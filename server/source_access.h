#pragma once

#include "server/base/mutex.h"
#include "server/verify/gate.h"
#include "server/verify/verifier.h"

#include "absl/time/time.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hookbridge {

// How often a key authenticated a request. Threads: thread-safe.
struct KeyUse {
  std::string id;
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
  std::atomic<uint64_t> matched{0};
  std::atomic<int64_t> last_match_ns{0};
};

// All of a source that its secrets decide: replaced as a whole when they are read again. Immutable
// but for the counters.
struct SourceAccess {
  std::unique_ptr<const Verifier> verifier;
  Gate gate;
  mutable std::deque<KeyUse> keys;  // in the order of the configuration

  void CountMatch(std::string_view key_id, absl::Time now) const {
    for (KeyUse& key : keys) {
      if (key.id != key_id) continue;
      key.matched.fetch_add(1, std::memory_order_relaxed);
      key.last_match_ns.store(absl::ToUnixNanos(now), std::memory_order_relaxed);
    }
  }
};

// The access that holds now. A request keeps the one with which it began. Threads: thread-safe.
class SharedAccess {
 public:
  std::shared_ptr<const SourceAccess> Get() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    return access_;
  }
  void Set(std::shared_ptr<const SourceAccess> access) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    access_.swap(access);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const SourceAccess> access_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
