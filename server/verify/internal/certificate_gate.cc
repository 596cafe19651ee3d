#include "server/verify/internal/certificate_gate.h"

#include "server/base/strings.h"

#include <utility>

namespace hookbridge {

absl::StatusOr<std::unique_ptr<CertificateGate>> CertificateGate::Create(
    CertificatePolicy policy, const std::string& authorities_pem) {
  auto authorities =
      authorities_pem.empty() ? Authorities::System() : Authorities::Of(authorities_pem);
  if (!authorities.ok()) return authorities.status();
  return std::unique_ptr<CertificateGate>(
      new CertificateGate(std::move(policy), *std::move(authorities)));
}

SigningCertificatePtr CertificateGate::Find(const std::string& url, const std::string& host,
                                            absl::Time now, Decision& otherwise) const {
  const auto found = cache_.Find(url, now);
  if (!found) {
    otherwise = Refuse(Reason::kCertificateUnavailable,
                       StrCat("the certificate at ", url, " is not at hand"));
    otherwise.need =
        FetchNeed{.purpose = FetchPurpose::kCertificate, .url = url, .host = host, .bearer = {}};
    return nullptr;
  }
  if (found->certificate == nullptr) otherwise = Refuse(found->reason, found->detail);
  return found->certificate;
}

void CertificateGate::Take(const FetchNeed& need, const FetchAnswer& answer, absl::Time now) {
  CachedCertificate found;
  if (!answer.error.empty()) {
    found.detail = StrCat(need.url, ": ", answer.error);
  } else if (!answer.Is2xx()) {
    // The provider knows its own certificates: what it says not to exist was forged.
    const bool denied =
        answer.status >= 400 && answer.status < 500 && answer.status != 408 && answer.status != 429;
    if (denied) found.reason = Reason::kCertificateUntrusted;
    found.detail = StrCat(need.url, ": answered ", answer.status);
  } else if (auto read = ReadCertificate(answer.body, policy_, authorities_, now); read.ok()) {
    found.certificate = std::make_shared<const SigningCertificate>(*std::move(read));
  } else {
    found.reason = Reason::kCertificateUntrusted;
    found.detail = StrCat(need.url, ": ", ToStd(read.status().message()));
  }
  cache_.Put(need.url, std::move(found), now);
}

}  // namespace hookbridge
