#pragma once

#include "server/base/fair_queue.h"
#include "server/base/mutex.h"
#include "server/journal/journal.h"

#include "absl/status/status.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// What waits for the committer: appends of webhooks, bounded in events and bytes, one source at
// most half of each. Owned by QueuedJournal. Threads: thread-safe; one consumer. Push never blocks.
class AppendQueue {
 public:
  struct Limits {
    uint32_t events_max = 0;
    uint64_t bytes_max = 0;
  };

  explicit AppendQueue(Limits limits) : limits_(limits) {}

  // Whether one more event of this source would be taken: kResourceExhausted says what is full.
  absl::Status CanPush(std::string_view source) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the request, or leaves it as it is: kResourceExhausted when it does not fit,
  // kUnavailable after Close. A request larger than a whole limit never fits.
  absl::Status Push(AppendRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

  // What waits, at most so many events and bytes (but at least one request): of each source in its
  // order, and of several sources as many bytes of each. Waits up to `timeout` when there is
  // nothing; empty on timeout, on Wake and when closed and drained.
  std::vector<AppendRequest> PopGroup(size_t events_max, uint64_t bytes_max, absl::Duration timeout)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes a waiting PopGroup return.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);

  // Later pushes fail; what waits can still be popped.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Load {
    uint64_t events = 0;
    uint64_t bytes = 0;
  };

  // Of one source's load, which is forgotten when it is nothing.
  void Subtract(const std::string& source, const Load& less) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Fits(const Load& load, std::string_view source, Load more) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;
  CondVar not_empty_;
  FairQueue<AppendRequest> waiting_ ABSL_GUARDED_BY(mutex_);
  Load total_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Load, std::less<>> by_source_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hookbridge
