#pragma once

#include "server/ingress/request.h"
#include "server/verify/internal/certificate_gate.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/signature_check.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <optional>
#include <string>

namespace hookbridge {

// A recipe that signs, with its key in a certificate that the request names (CertificateRule). Made
// once per source. Threads: thread-safe.
class CertificateSignature {
 public:
  // The recipe has passed CheckRecipe. `authorities_pem` as in CertificateGate.
  static absl::StatusOr<std::unique_ptr<CertificateSignature>> Create(
      const config::v1::Recipe& recipe, const std::string& authorities_pem);

  // `check` is the same recipe's. A request that no certificate could save needs none.
  Decision Decide(const SignatureCheck& check, const WebhookRequest& request, absl::Time now,
                  const Trace& trace) const;

  CertificateGate& certificates() { return *certificates_; }

 private:
  std::optional<Decision> FindUrl(const WebhookRequest& request, std::string& url,
                                  std::string& host) const;

  config::v1::CertificateRule rule_;
  config::v1::HashFunction hash_ = config::v1::HASH_FUNCTION_UNSPECIFIED;
  std::unique_ptr<CertificateGate> certificates_;
};

}  // namespace hookbridge
