#include "server/verify/internal/certificate.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kPemMark = "-----BEGIN ";
// At least 112 bits, as for TLS: no SHA-1 in a chain.
constexpr int kChainSecurityLevel = 2;

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Certificates = std::vector<Certificate>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

// Never asks anybody for a password.
int NoPassword(char*, int, int, void*) { return -1; }

absl::Status Bad(std::string_view what) { return absl::FailedPreconditionError(StrCat(what)); }

absl::StatusOr<Certificates> ReadPem(std::string_view pem, size_t most) {
  Certificates read;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  while (true) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
    if (next == nullptr) break;
    if (read.size() == most) return Bad("there are too many certificates in the file");
    read.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (read.empty() || !at_end) return Bad("the file is no list of certificates in PEM");
  return read;
}

absl::StatusOr<Certificates> ReadFile(std::string_view file) {
  if (file.size() > limits::kCertificateFileBytesMax) return Bad("the file is too large");
  if (file.find(kPemMark) != std::string_view::npos) {
    return ReadPem(file, limits::kCertificateFileCertificatesMax);
  }
  const auto* at = reinterpret_cast<const unsigned char*>(file.data());
  const unsigned char* const end = at + file.size();
  Certificates read;
  read.emplace_back(d2i_X509(nullptr, &at, static_cast<long>(file.size())));
  ERR_clear_error();
  if (read.front() == nullptr || at != end) return Bad("the file is no certificate");
  return read;
}

absl::StatusOr<absl::Time> ReadTime(const ASN1_TIME* time) {
  std::tm civil{};
  if (ASN1_TIME_to_tm(time, &civil) != 1) return Bad("its validity cannot be read");
  return absl::FromTM(civil, absl::UTCTimeZone());
}

bool BearsOneOf(X509* leaf, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [leaf](const std::string& name) {
    return X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS, nullptr) ==
           1;
  });
}

absl::Status CheckUse(X509* leaf, const CertificatePolicy& policy) {
  if (!BearsOneOf(leaf, policy.names)) return Bad("the certificate bears another name");
  if (X509_check_ca(leaf) != 0) return Bad("the certificate is an authority's");
  if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {
    return Bad("the certificate is not for signatures");
  }
  return absl::OkStatus();
}

bool IsMissingIssuer(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

absl::Status CheckChain(const Certificates& file, const CertificatePolicy& policy,
                        const Authorities& authorities, absl::Time now) {
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> helpers(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (size_t i = 1; i < file.size(); ++i) sk_X509_push(helpers.get(), file[i].get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  if (X509_STORE_CTX_init(context.get(), authorities.store(), file.front().get(), helpers.get()) !=
      1) {
    return absl::InternalError("the chain cannot be looked at");
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_auth_level(parameters, kChainSecurityLevel);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (good || (policy.issuer_may_be_missing && IsMissingIssuer(error))) return absl::OkStatus();
  return Bad(StrCat("no chain to an authority: ", X509_verify_cert_error_string(error)));
}

}  // namespace

absl::StatusOr<Authorities> Authorities::System() {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (store == nullptr || X509_STORE_set_default_paths(store.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the system's certificate authorities cannot be read");
  }
  return Authorities(std::move(store));
}

absl::StatusOr<Authorities> Authorities::Of(std::string_view pem) {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  const auto read = ReadPem(pem, limits::kCertificateFileCertificatesMax);
  if (!read.ok()) return absl::InvalidArgumentError(read.status().message());
  for (const Certificate& certificate : *read) X509_STORE_add_cert(store.get(), certificate.get());
  return Authorities(std::move(store));
}

absl::StatusOr<SigningCertificate> ReadCertificate(std::string_view file,
                                                   const CertificatePolicy& policy,
                                                   const Authorities& authorities, absl::Time now) {
  const auto read = ReadFile(file);
  if (!read.ok()) return read.status();
  X509* const leaf = read->front().get();
  const auto from = ReadTime(X509_get0_notBefore(leaf));
  if (!from.ok()) return from.status();
  const auto until = ReadTime(X509_get0_notAfter(leaf));
  if (!until.ok()) return until.status();
  if (now < *from || now > *until) {
    return Bad(now < *from ? "the certificate is not valid yet" : "the certificate has expired");
  }
  if (absl::Status status = CheckUse(leaf, policy); !status.ok()) return status;
  std::shared_ptr<EVP_PKEY> key(X509_get_pubkey(leaf), EVP_PKEY_free);
  ERR_clear_error();
  auto rsa = PublicKey::RsaPkcs1(std::move(key), config::v1::HASH_FUNCTION_SHA256);
  if (!rsa.ok()) return Bad(StrCat("the certificate's key ", ToStd(rsa.status().message())));
  if (absl::Status status = CheckChain(*read, policy, authorities, now); !status.ok()) {
    return status;
  }
  return SigningCertificate{.key = *std::move(rsa), .not_before = *from, .not_after = *until};
}

}  // namespace hookbridge
