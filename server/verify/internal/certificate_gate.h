#pragma once

#include "server/verify/fetch_need.h"
#include "server/verify/internal/certificate_cache.h"
#include "server/verify/internal/decision.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <string>

namespace hookbridge {

// The signing certificates of one source: those at hand, what to fetch for others, and what a
// fetched file is worth. Threads: thread-safe. Never blocks.
class CertificateGate {
 public:
  // `authorities_pem` in place of the system's where it is not empty. kInvalidArgument.
  static absl::StatusOr<std::unique_ptr<CertificateGate>> Create(
      CertificatePolicy policy, const std::string& authorities_pem);

  // The certificate at `url`, which the caller has checked to be on `host`; else null, and
  // `otherwise` is the decision: a refusal, or the need to fetch it.
  SigningCertificatePtr Find(const std::string& url, const std::string& host, absl::Time now,
                             Decision& otherwise) const;

  // Takes what came of a need; the next Find tells.
  void Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now);

 private:
  CertificateGate(CertificatePolicy policy, Authorities authorities)
      : policy_(std::move(policy)), authorities_(std::move(authorities)) {}

  const CertificatePolicy policy_;
  const Authorities authorities_;
  CertificateCache cache_;
};

}  // namespace hookbridge
