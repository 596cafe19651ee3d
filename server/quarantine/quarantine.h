#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/reason.h"
#include "server/base/rejection_log.h"
#include "server/ingress/request.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hookbridge {

struct QuarantineOptions {
  std::string directory;
  uint64_t bytes_max = 0;
  absl::Duration max_age;
};

// Refused requests on disk, bounded in bytes and age; the oldest go first. Best effort: it promises
// nothing of what it keeps. Created by Bridge; the clock outlives it. Threads: thread-safe. Keep
// never blocks; the other calls block on the disk.
class Quarantine {
 public:
  // Makes the directory (mode 0700) when it is missing. kUnavailable: it cannot be written.
  static absl::StatusOr<std::unique_ptr<Quarantine>> Open(QuarantineOptions options,
                                                          const Clock& clock);
  // Writes what waits.
  ~Quarantine();

  // False: too much waits, it is not kept.
  bool Keep(const WebhookRequest& request, Reason reason, std::string_view detail)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns when what was given to Keep before is written.
  void Flush() ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `count`, newest first; of one source when it is not empty. A file that cannot be read
  // is left out.
  std::vector<RejectedRequest> List(size_t count, std::string_view source) const;

  // kNotFound: none of that id.
  absl::StatusOr<WebhookRequest> Read(std::string_view request_id) const;
  absl::Status Remove(std::string_view request_id);

 private:
  struct File {
    std::string name;
    std::string bytes;
  };

  Quarantine(QuarantineOptions options, const Clock& clock);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Write(const File& file) const;
  void RemoveOld() const;
  std::vector<std::string> Names() const;  // oldest first
  std::string PathOf(std::string_view request_id) const;

  const QuarantineOptions options_;
  const Clock& clock_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<File> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread writer_;
};

}  // namespace hookbridge
