#pragma once

#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/base/reason.h"
#include "server/base/rejection_log.h"
#include "server/ingress/request.h"
#include "server/quarantine/internal/index.h"
#include "server/quarantine/internal/rate_cap.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <atomic>
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
  uint64_t bytes_max = 0;  // of the disk, all files
  absl::Duration max_age;
  uint32_t requests_per_second_max = limits::kQuarantineRequestsPerSecondMax;
  size_t files_max = limits::kQuarantineFilesMax;
  // How long files that have become too old may stay when no request comes.
  absl::Duration sweep_interval = limits::kQuarantineSweepInterval;
};

// Refused requests on disk, bounded in bytes, files, age and how many a second. Where a bound is
// met, the source that holds the most gives up its oldest, so that a flood of one leaves the others
// what they have. Best effort: it promises nothing of what it keeps. Created by Bridge; clock and
// log outlive it. Threads: thread-safe. Keep never blocks; the other calls block on the disk.
class Quarantine {
 public:
  // Makes the directory (mode 0700) when it is missing, and reads once which files it has; those
  // beyond the bounds are removed. kUnavailable: it cannot be written.
  static absl::StatusOr<std::unique_ptr<Quarantine>> Open(QuarantineOptions options,
                                                          const Clock& clock, Logger& log);
  // As Stop.
  ~Quarantine();

  // `request.source` is a configured source. False: too many came in this second, or too much
  // waits; it is not kept, but counted and logged.
  bool Keep(const WebhookRequest& request, Reason reason, std::string_view detail)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Requests that were not kept, or could not be written, since it was opened.
  uint64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }

  // Returns when what was given to Keep before is written.
  void Flush() ABSL_LOCKS_EXCLUDED(mutex_);

  // Writes what waits, but for no longer than limits::kQuarantineStopTimeout; the rest is skipped.
  // Keep does nothing from now on. The second call does nothing.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `count`, newest first; of one source when it is not empty. A file that cannot be read
  // is left out.
  std::vector<RejectedRequest> List(size_t count, std::string_view source) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // kNotFound: none of that id.
  absl::StatusOr<WebhookRequest> Read(std::string_view request_id) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Remove(std::string_view request_id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct File {
    internal::KeptRequest kept;
    std::string bytes;
  };

  Quarantine(QuarantineOptions options, const Clock& clock, Logger& log);
  // Empty, or why it is not kept.
  std::string_view Enqueue(const WebhookRequest& request, Reason reason, std::string_view detail)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadDirectory() ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // The next to write; nothing when it is time to look for old ones, or to end.
  bool Next(File& file) ABSL_LOCKS_EXCLUDED(mutex_);
  void Store(File file) ABSL_LOCKS_EXCLUDED(mutex_);
  // Empty, or why not.
  std::string Write(const File& file) const;
  void RemoveOld() ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveFiles(const std::vector<std::string>& names) const;
  void NoteSkipped(std::string_view source, std::string_view request_id, std::string_view why);
  std::string PathTo(std::string_view name) const;

  const QuarantineOptions options_;
  const Clock& clock_;
  Logger& log_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<File> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  internal::RateCap rate_ ABSL_GUARDED_BY(mutex_);
  internal::QuarantineIndex index_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration stop_at_ ABSL_GUARDED_BY(mutex_);  // steady
  std::atomic<uint64_t> skipped_{0};
  std::thread writer_;  // started last
};

}  // namespace hookbridge
