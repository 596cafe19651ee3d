#pragma once

#include "server/base/mutex.h"
#include "server/base/reason.h"
#include "server/verify/internal/certificate.h"

#include "absl/time/time.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace hookbridge {

using SigningCertificatePtr = std::shared_ptr<const SigningCertificate>;

// What is known of the certificate behind a URL: it, or why there is none.
struct CachedCertificate {
  SigningCertificatePtr certificate;  // null: it failed
  Reason reason = Reason::kCertificateUnavailable;
  std::string detail;
};

// One source's signing certificates by URL, and failures, which are forgotten soon. Certificates
// and failures have separate bounds (limits::kCertificatesMax, kCertificateFailuresMax; the oldest
// goes), so that forged URLs cannot push out a certificate that is in use. Threads: thread-safe.
// Never blocks.
class CertificateCache {
 public:
  // nullopt: never seen, forgotten, no longer valid, or from after `now`.
  std::optional<CachedCertificate> Find(const std::string& url, absl::Time now) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Put(const std::string& url, CachedCertificate found, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    CachedCertificate found;
    absl::Time since;
  };
  using Entries = std::map<std::string, Entry>;

  mutable Mutex mutex_;
  Entries certificates_ ABSL_GUARDED_BY(mutex_);
  Entries failures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
