#include "server/verify/internal/certificate_signature.h"

#include "server/base/https_url.h"
#include "server/base/strings.h"
#include "server/verify/internal/recipe_check.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hookbridge {

absl::StatusOr<std::unique_ptr<CertificateSignature>> CertificateSignature::Create(
    const config::v1::Recipe& recipe, const std::string& authorities_pem) {
  auto made = std::make_unique<CertificateSignature>();
  made->rule_ = recipe.certificate();
  made->hash_ = recipe.algorithms(0).hash();
  CertificatePolicy policy{
      .names = {made->rule_.names().begin(), made->rule_.names().end()},
      .issuer_may_be_missing = made->rule_.trust() == config::v1::CERTIFICATE_TRUST_HOST};
  auto certificates = CertificateGate::Create(std::move(policy), authorities_pem);
  if (!certificates.ok()) return certificates.status();
  made->certificates_ = *std::move(certificates);
  return made;
}

std::optional<Decision> CertificateSignature::FindUrl(const WebhookRequest& request,
                                                      std::string& url, std::string& host) const {
  const std::string& name = rule_.url_header();
  const FoundHeader found = FindRecipeHeader(request, name);
  if (found.line == nullptr) return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", name));
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
  url = found.line->value;
  const auto parsed = ParseHttpsUrl(url);
  const bool known_host = parsed && std::find(rule_.hosts().begin(), rule_.hosts().end(),
                                              parsed->host) != rule_.hosts().end();
  // A path that a server could resolve to another one is none of the provider's.
  if (!known_host || !parsed->target.starts_with(rule_.path_prefix()) ||
      parsed->target.find("..") != std::string::npos ||
      parsed->target.find_first_of("?%") != std::string::npos) {
    return Refuse(Reason::kUrlNotAllowed, StrCat(name, " is not one of the recipe's URLs"));
  }
  host = parsed->host;
  return std::nullopt;
}

Decision CertificateSignature::Decide(const SignatureCheck& check, const WebhookRequest& request,
                                      absl::Time now, const Trace& trace) const {
  std::string url;
  std::string host;
  if (auto refused = FindUrl(request, url, host)) return *std::move(refused);
  Decision otherwise;
  const auto certificate = certificates_->Find(url, host, now, otherwise);
  if (certificate == nullptr) {
    // With no key at all, everything but the key is looked at.
    Decision without = check.Decide(request, {}, now, Trace(nullptr));
    return without.refused == Reason::kUnknownKeyId ? otherwise : without;
  }
  if (trace.on()) trace.Ok("certificate", url);
  std::vector<RingKey> keys;
  keys.push_back({.id = "certificate",
                  .not_before = certificate->not_before,
                  .not_after = certificate->not_after + absl::Seconds(1),
                  .algorithm = 0,
                  .material = certificate->key.WithHash(hash_)});
  return check.Decide(request, keys, now, trace);
}

}  // namespace hookbridge
