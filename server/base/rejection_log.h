#pragma once

#include "server/base/limits.h"
#include "server/base/mutex.h"
#include "server/base/reason.h"

#include "absl/time/time.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A request that was refused, as an operator may see it: never a secret, a signature or a body.
struct RejectedRequest {
  Reason reason = Reason::kInternal;
  std::string source;              // as it stood in the path; may be none that exists
  bool source_is_unknown = false;  // it is none
  std::string detail;              // empty for what is refused before verification
  absl::Time time;
  uint64_t body_bytes = 0;
  std::vector<std::string> header_names;  // wire order, repeats included
  std::string remote_address;
  std::string request_id;
};

// The newest refusals of this process, bounded in number: where there are more, the source that has
// the most gives up its oldest, all unknown ones counting as one. Senders decide how fast they go
// by, so it is for looking at, not for counting. Owned by the pipeline. Threads: thread-safe. Never
// blocks.
class RejectionLog {
 public:
  // Header names beyond limits::kRejectionHeadersMax are left out.
  void Add(RejectedRequest rejected) ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `count`, newest first; of one source or reason where they are not empty.
  std::vector<RejectedRequest> Newest(size_t count, std::string_view source,
                                      std::string_view reason) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, RejectedRequest> rejected_ ABSL_GUARDED_BY(mutex_);  // oldest first
  // Keys of `rejected_` by source; "" is all unknown ones. None is empty.
  std::map<std::string, std::deque<uint64_t>> by_source_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
