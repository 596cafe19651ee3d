#pragma once

#include "absl/time/time.h"

#include <memory>
#include <string>
#include <vector>

typedef struct evp_pkey_st EVP_PKEY;
typedef struct x509_st X509;

namespace hookbridge {

// What a certificate says.
struct CertificateSpec {
  std::vector<std::string> names = {};  // DNS names; the first is the common name too
  absl::Time not_before;
  absl::Time not_after;
  int rsa_bits = 2048;  // 0 makes a P-256 key
  bool authority = false;
  bool sha1 = false;
  std::string key_usage = "digitalSignature";
};

// A certificate with its private key, made by OpenSSL. RSA keys of a size are made once a process.
class TestCertificate {
 public:
  // Signed by `issuer`, or by itself.
  explicit TestCertificate(const CertificateSpec& spec, const TestCertificate* issuer = nullptr);

  std::string pem() const;
  std::string der() const;
  std::string key_pem() const;
  // PKCS #1 v1.5, with SHA-256 or SHA-1.
  std::string Sign(const std::string& message, bool sha1 = false) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace hookbridge
