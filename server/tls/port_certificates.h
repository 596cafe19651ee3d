#pragma once

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/tls/certificates.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <chrono>
#include <functional>
#include <string>

namespace hookbridge {

// The certificates of a port while it runs: read at start, on request, and when a file has
// changed; their end is logged ahead. What is wrong is logged and leaves the old ones in use.
// Ownership: clock and log outlive it. Threads: thread-safe. Blocks on the disk.
class PortCertificates {
 public:
  // `replace` puts new ones into use.
  using Replace = std::function<absl::Status(const Certificates&)>;

  // `section` is where `tls` stands in the configuration: `grpc.tls`.
  PortCertificates(std::string section, config::v1::Tls tls, const Clock& clock, Logger& log);

  // For the start: a certificate whose time is over, or has not come, is logged and served.
  absl::StatusOr<Certificates> Load();
  // Reads the files again. kInvalidArgument also for a certificate that no client would take now.
  absl::Status Reload(const Replace& replace) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reload, where a file is not the one that was read last; and the warning, once a day.
  void Look(const Replace& replace, std::chrono::steady_clock::time_point now)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What tells one version of the three files from another.
  std::string Fingerprint() const;
  void Warn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReloadLocked(const Replace& replace) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string section_;
  const config::v1::Tls tls_;
  const Clock& clock_;
  Logger& log_;
  Mutex mutex_;
  Certificates used_ ABSL_GUARDED_BY(mutex_);
  std::string fingerprint_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point warned_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
