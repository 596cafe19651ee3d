#include "server/tls/certificates.h"

#include "server/base/limits.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"
#include "server/tls/internal/pem.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

namespace hookbridge {
namespace {

using internal::Bio;
using internal::Certificate;
using internal::Key;
using internal::LastError;
using Context = std::unique_ptr<SSL_CTX, internal::Freed<SSL_CTX_free>>;

absl::Time ToTime(const ASN1_TIME* time, absl::Time otherwise) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return otherwise;
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string Subject(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(bytes)};
}

// Collects what is wrong with the files of one section.
class Reader {
 public:
  Reader(const config::v1::Tls& tls, std::string_view path) : tls_(tls), path_(path) {}

  std::vector<ConfigProblem> Run(Certificates* out) {
    const auto chain = ReadChain("certificate_chain_file", tls_.certificate_chain_file(), "", out);
    const Key key = ReadKey(out);
    if (!tls_.client_ca_file().empty()) {
      ReadChain("client_ca_file", tls_.client_ca_file(), "of the clients' authorities", out);
    }
    if (!chain.empty() && key != nullptr) CheckPair(chain, key.get());
    if (!problems_.empty()) return std::move(problems_);
    out->name = Subject(chain.front().get());
    out->not_before = ToTime(X509_get0_notBefore(chain.front().get()), absl::InfinitePast());
    out->not_after = ToTime(X509_get0_notAfter(chain.front().get()), absl::InfiniteFuture());
    return {};
  }

 private:
  void Add(std::string_view field, std::string message, std::string fix) {
    problems_.push_back(
        {.path = StrCat(path_, ".", field), .message = std::move(message), .fix = std::move(fix)});
  }

  bool Read(std::string_view field, const std::string& file, std::string* text) {
    auto read = ReadSmallFile(file, limits::kTlsFileBytesMax);
    if (!read.ok()) {
      Add(field, std::string(ToStd(read.status().message())),
          "write the path of a PEM file that the process may read");
      return false;
    }
    *text = *std::move(read);
    return true;
  }

  std::vector<Certificate> ReadChain(std::string_view field, const std::string& file,
                                     std::string_view whose, Certificates* out) {
    std::string& text = field == "client_ca_file" ? out->client_ca : out->chain;
    if (!Read(field, file, &text)) return {};
    internal::Chain chain = internal::ReadChain(text);
    if (!chain.error.empty()) {
      Add(field,
          StrCat(file, ": certificate ", chain.certificates.size() + 1,
                 " cannot be read: ", chain.error),
          "copy the PEM file again; it is cut or damaged");
      return {};
    }
    if (chain.certificates.empty()) {
      Add(field, StrCat(file, " holds no certificate"),
          StrCat("write the path of a PEM file with -----BEGIN CERTIFICATE-----",
                 whose.empty() ? "" : " ", whose));
    }
    return std::move(chain.certificates);
  }

  Key ReadKey(Certificates* out) {
    constexpr std::string_view kField = "private_key_file";
    const std::string& file = tls_.private_key_file();
    if (!Read(kField, file, &out->key)) return nullptr;
    internal::PrivateKey read = internal::ReadKey(out->key);
    if (read.key != nullptr) return std::move(read.key);
    if (read.has_passphrase) {
      Add(kField, StrCat("the key in ", file, " has a passphrase, and nobody to type it"),
          "write the path of the key without one: openssl pkey -in KEY -out PLAIN");
    } else if (out->key.find("PRIVATE KEY-----") == std::string::npos) {
      Add(kField, StrCat(file, " holds no private key"),
          "write the path of a PEM file with -----BEGIN PRIVATE KEY-----");
    } else {
      Add(kField, StrCat("the key in ", file, " cannot be read: ", read.error),
          "copy the PEM file again; it is cut or damaged");
    }
    return nullptr;
  }

  void CheckPair(const std::vector<Certificate>& chain, EVP_PKEY* key) {
    const auto belongs = [key](const Certificate& certificate) {
      return X509_check_private_key(certificate.get(), key) == 1;
    };
    const auto owner = std::find_if(chain.begin(), chain.end(), belongs);
    ERR_clear_error();
    if (owner == chain.end()) {
      return Add("private_key_file",
                 StrCat("the key in ", tls_.private_key_file(),
                        " does not belong to the certificate in ", tls_.certificate_chain_file()),
                 StrCat("write the path of the key of ", Subject(chain.front().get())));
    }
    if (owner != chain.begin()) {
      return Add("certificate_chain_file",
                 StrCat(tls_.certificate_chain_file(), " begins with ",
                        Subject(chain.front().get()), ", which is not the key's certificate"),
                 StrCat("put ", Subject(owner->get()), " first, then who issued it"));
    }
    // What else OpenSSL would refuse: a key too short, a signature too weak.
    const Context context(SSL_CTX_new(TLS_server_method()));
    bool taken = SSL_CTX_use_certificate(context.get(), chain.front().get()) == 1 &&
                 SSL_CTX_use_PrivateKey(context.get(), key) == 1;
    for (size_t i = 1; taken && i < chain.size(); ++i) {
      taken = SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) == 1;
    }
    if (!taken) {
      Add("certificate_chain_file",
          StrCat("OpenSSL does not take ", tls_.certificate_chain_file(), ": ", LastError()),
          "have it issued with RSA of 2048 bits or P-256, and SHA-256");
    }
  }

  const config::v1::Tls& tls_;
  const std::string_view path_;
  std::vector<ConfigProblem> problems_;
};

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

}  // namespace

std::vector<ConfigProblem> ReadCertificates(const config::v1::Tls& tls, std::string_view path,
                                            Certificates* certificates) {
  *certificates = {};
  return Reader(tls, path).Run(certificates);
}

absl::StatusOr<Certificates> LoadCertificates(const config::v1::Tls& tls, std::string_view path) {
  Certificates certificates;
  const std::vector<ConfigProblem> problems = ReadCertificates(tls, path, &certificates);
  if (problems.empty()) return certificates;
  std::string text;
  for (const ConfigProblem& problem : problems) {
    text +=
        StrCat(text.empty() ? "" : " | ", problem.path, ": ", problem.message, "; ", problem.fix);
  }
  return absl::InvalidArgumentError(text);
}

std::optional<ConfigProblem> ValidityProblem(const Certificates& certificates,
                                             const config::v1::Tls& tls, std::string_view path,
                                             absl::Time now) {
  ConfigProblem problem{.path = StrCat(path, ".certificate_chain_file")};
  if (now < certificates.not_before) {
    problem.message = StrCat(tls.certificate_chain_file(), ": ", certificates.name,
                             " is not valid before ", Day(certificates.not_before));
    problem.fix = StrCat("set this machine's clock, which says ", Day(now), ", or wait");
    return problem;
  }
  if (now > certificates.not_after) {
    problem.message = StrCat(tls.certificate_chain_file(), ": ", certificates.name, " ended at ",
                             Day(certificates.not_after));
    problem.fix = "have it issued anew";
    return problem;
  }
  return std::nullopt;
}

std::optional<std::string> ExpiryWarning(const Certificates& certificates, absl::Time now) {
  if (certificates.not_after - now > limits::kCertificateWarnAhead) return std::nullopt;
  if (now > certificates.not_after) {
    return StrCat("the certificate of ", certificates.name, " ended at ",
                  Day(certificates.not_after), "; clients refuse it");
  }
  return StrCat("the certificate of ", certificates.name, " ends at ", Day(certificates.not_after),
                ", in ", absl::ToInt64Hours(certificates.not_after - now) / 24, " days");
}

}  // namespace hookbridge
