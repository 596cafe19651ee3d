#include "server/verify/internal/certificate_cache.h"

#include "server/base/limits.h"

#include <algorithm>
#include <utility>

namespace hookbridge {

std::optional<CachedCertificate> CertificateCache::Find(const std::string& url,
                                                        absl::Time now) const {
  MutexLock lock(mutex_);
  if (const auto it = certificates_.find(url); it != certificates_.end()) {
    const Entry& entry = it->second;
    if (entry.since <= now && now - entry.since < limits::kCertificateMaxAge &&
        entry.found.certificate->ValidAt(now)) {
      return entry.found;
    }
  }
  if (const auto it = failures_.find(url); it != failures_.end()) {
    const Entry& entry = it->second;
    if (entry.since <= now && now - entry.since < limits::kCertificateFailureMaxAge) {
      return entry.found;
    }
  }
  return std::nullopt;
}

void CertificateCache::Put(const std::string& url, CachedCertificate found, absl::Time now) {
  MutexLock lock(mutex_);
  const bool good = found.certificate != nullptr;
  Entries& entries = good ? certificates_ : failures_;
  const size_t most = good ? limits::kCertificatesMax : limits::kCertificateFailuresMax;
  if (!entries.contains(url) && entries.size() >= most) {
    entries.erase(std::min_element(
        entries.begin(), entries.end(),
        [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  entries.insert_or_assign(url, Entry{.found = std::move(found), .since = now});
  if (good) failures_.erase(url);
}

}  // namespace hookbridge
