#include "tests/support/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <map>

namespace hookbridge {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;

Key MakeKey(int rsa_bits, bool fresh) {
  static std::map<int, Key> made;
  if (rsa_bits == 0) return {EVP_EC_gen("P-256"), EVP_PKEY_free};
  if (fresh) return {EVP_RSA_gen(static_cast<unsigned>(rsa_bits)), EVP_PKEY_free};
  Key& key = made[rsa_bits];
  if (key == nullptr) key.reset(EVP_RSA_gen(static_cast<unsigned>(rsa_bits)), EVP_PKEY_free);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(bytes));
  BIO_free(bio);
  return text;
}

}  // namespace

TestCertificate::TestCertificate(const CertificateSpec& spec, const TestCertificate* issuer)
    : key_(MakeKey(spec.rsa_bits, /*fresh=*/spec.authority)), certificate_(X509_new(), X509_free) {
  static long serial = 1;
  X509* const made = certificate_.get();
  X509* const by = issuer == nullptr ? made : issuer->certificate_.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(made), absl::ToTimeT(spec.not_before));
  ASN1_TIME_set(X509_getm_notAfter(made), absl::ToTimeT(spec.not_after));
  X509_set_pubkey(made, key_.get());
  X509_NAME* const name = X509_get_subject_name(made);
  const std::string common = spec.names.empty() ? "test authority" : spec.names.front();
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(by));
  AddExtension(made, by, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!spec.key_usage.empty()) {
    AddExtension(made, by, NID_key_usage,
                 spec.authority ? "critical,keyCertSign" : "critical," + spec.key_usage);
  }
  AddExtension(made, by, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) AddExtension(made, by, NID_authority_key_identifier, "keyid");
  std::string names;
  for (const std::string& dns : spec.names) names += (names.empty() ? "DNS:" : ",DNS:") + dns;
  if (!names.empty()) AddExtension(made, by, NID_subject_alt_name, names);
  EVP_PKEY* const signer = issuer == nullptr ? key_.get() : issuer->key_.get();
  X509_sign(made, signer, spec.sha1 ? EVP_sha1() : EVP_sha256());
}

std::string TestCertificate::pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate_.get());
  return TextOf(bio);
}

std::string TestCertificate::der() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  i2d_X509_bio(bio, certificate_.get());
  return TextOf(bio);
}

std::string TestCertificate::key_pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio);
}

std::string TestCertificate::Sign(const std::string& message, bool sha1) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_DigestSignInit(context.get(), nullptr, sha1 ? EVP_sha1() : EVP_sha256(), nullptr, key_.get());
  size_t bytes = 0;
  const auto* const data = reinterpret_cast<const unsigned char*>(message.data());
  EVP_DigestSign(context.get(), nullptr, &bytes, data, message.size());
  std::string signature(bytes, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &bytes, data,
                 message.size());
  signature.resize(bytes);
  return signature;
}

}  // namespace hookbridge
