#include "server/tls/certificates.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/test_certificates.h"

#include "gmock/gmock.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class CertificatesTest : public testing::Test {
 protected:
  CertificatesTest()
      : directory_(std::filesystem::temp_directory_path() /
                   StrCat("hookbridge-certificates-", getpid())) {
    std::filesystem::create_directories(directory_);
    Write("chain.pem", leaf_.pem() + authority_.pem());
    Write("key.pem", leaf_.key_pem());
    Write("ca.pem", authority_.pem());
    tls_.set_certificate_chain_file(Path("chain.pem"));
    tls_.set_private_key_file(Path("key.pem"));
    tls_.set_client_ca_file(Path("ca.pem"));
  }
  ~CertificatesTest() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  // `path: message` of each problem.
  std::vector<std::string> Problems() const {
    Certificates certificates;
    std::vector<std::string> told;
    for (const ConfigProblem& problem : ReadCertificates(tls_, "grpc.tls", &certificates)) {
      EXPECT_FALSE(problem.fix.empty());
      told.push_back(problem.path + ": " + problem.message);
    }
    return told;
  }

  const std::filesystem::path directory_;
  const TestCertificate authority_{{.not_before = kNow - absl::Hours(1),
                                    .not_after = kNow + absl::Hours(9'000),
                                    .rsa_bits = 0,
                                    .authority = true}};
  const TestCertificate leaf_{{.names = {"bridge.example"},
                               .not_before = kNow - absl::Hours(1),
                               .not_after = kNow + absl::Hours(24 * 30),
                               .rsa_bits = 0},
                              &authority_};
  config::v1::Tls tls_;
};

TEST_F(CertificatesTest, GoodFilesAreReadWhole) {
  const auto certificates = LoadCertificates(tls_, "grpc.tls");
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  EXPECT_EQ(certificates->chain, leaf_.pem() + authority_.pem());
  EXPECT_EQ(certificates->key, leaf_.key_pem());
  EXPECT_EQ(certificates->client_ca, authority_.pem());
  EXPECT_EQ(certificates->name, "CN=bridge.example");
  EXPECT_EQ(certificates->not_before, kNow - absl::Hours(1));
  EXPECT_EQ(certificates->not_after, kNow + absl::Hours(24 * 30));
  tls_.clear_client_ca_file();
  EXPECT_EQ(LoadCertificates(tls_, "grpc.tls")->client_ca, "");
}

TEST_F(CertificatesTest, AKeyOfAnotherCertificateIsNamed) {
  Write("key.pem", authority_.key_pem() + leaf_.key_pem());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("certificate_chain_file: ")));
  const TestCertificate other({.not_before = kNow, .not_after = kNow, .rsa_bits = 0});
  Write("key.pem", other.key_pem());
  EXPECT_THAT(
      Problems(),
      ElementsAre(HasSubstr(StrCat("private_key_file: the key in ", Path("key.pem"),
                                   " does not belong to the certificate in ", Path("chain.pem")))));
}

TEST_F(CertificatesTest, TheServersOwnCertificateComesFirst) {
  Write("chain.pem", authority_.pem() + leaf_.pem());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("which is not the key's certificate")));
}

// Every file is told of, each with its own fault; none of its text is.
TEST_F(CertificatesTest, WhatIsNoPemIsNamed) {
  Write("chain.pem", "SECRET garbage");
  Write("key.pem", leaf_.pem());
  Write("ca.pem", authority_.pem() + authority_.pem().substr(0, 300));
  EXPECT_THAT(
      Problems(),
      ElementsAre("grpc.tls.certificate_chain_file: " + Path("chain.pem") + " holds no certificate",
                  "grpc.tls.private_key_file: " + Path("key.pem") + " holds no private key",
                  HasSubstr("ca.pem: certificate 2 cannot be read: ")));
  const absl::Status status = LoadCertificates(tls_, "grpc.tls").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), testing::Not(HasSubstr("SECRET")));
  Write("key.pem", "");
  EXPECT_THAT(Problems(), testing::Contains(HasSubstr("key.pem holds no private key")));
}

TEST_F(CertificatesTest, AFileThatCannotBeReadIsNamed) {
  std::filesystem::remove(Path("ca.pem"));
  tls_.set_private_key_file(directory_.string());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("private_key_file: cannot read"),
                                      HasSubstr("client_ca_file: cannot read")));
}

TEST_F(CertificatesTest, AFileHasABound) {
  const std::string key = leaf_.key_pem();
  Write("key.pem", std::string(limits::kTlsFileBytesMax - key.size(), '\n') + key);
  EXPECT_THAT(Problems(), ElementsAre());
  Write("key.pem", std::string(limits::kTlsFileBytesMax - key.size() + 1, '\n') + key);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("has more than 1048576 bytes")));
}

TEST_F(CertificatesTest, APassphraseIsNotAskedFor) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  FILE* const file = std::fopen(Path("key.pem").c_str(), "w");
  PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "word", 4, nullptr, nullptr);
  std::fclose(file);
  EVP_PKEY_free(key);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("has a passphrase")));
}

// What OpenSSL's security level refuses at the handshake is told here.
TEST_F(CertificatesTest, AShortKeyIsRefused) {
  const TestCertificate weak(
      {.names = {"weak.example"}, .not_before = kNow, .not_after = kNow, .rsa_bits = 1024});
  Write("chain.pem", weak.pem());
  Write("key.pem", weak.key_pem());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("ee key too small")));
}

TEST_F(CertificatesTest, ValidityIsTheServerCertificates) {
  const auto certificates = *LoadCertificates(tls_, "grpc.tls");
  const auto at = [&](absl::Time now) {
    const auto problem = ValidityProblem(certificates, tls_, "grpc.tls", now);
    return problem ? problem->message : "";
  };
  EXPECT_EQ(at(certificates.not_before), "");
  EXPECT_EQ(at(certificates.not_after), "");
  EXPECT_THAT(at(certificates.not_before - absl::Seconds(1)), HasSubstr("is not valid before"));
  EXPECT_THAT(at(certificates.not_after + absl::Seconds(1)), HasSubstr("ended at 20"));
}

TEST_F(CertificatesTest, ItsEndIsSpokenOfAhead) {
  const auto certificates = *LoadCertificates(tls_, "grpc.tls");
  const absl::Time end = certificates.not_after;
  const auto at = [&](absl::Time now) { return ExpiryWarning(certificates, now).value_or(""); };
  EXPECT_EQ(at(end - limits::kCertificateWarnAhead - absl::Seconds(1)), "");
  EXPECT_THAT(at(end - limits::kCertificateWarnAhead), HasSubstr("in 14 days"));
  EXPECT_THAT(at(end), HasSubstr("CN=bridge.example ends at"));
  EXPECT_THAT(at(end + absl::Seconds(1)), HasSubstr("clients refuse it"));
}

}  // namespace
}  // namespace hookbridge
