#include "tests/support/ingress_fixture.h"

#include "gmock/gmock.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>

namespace hookbridge {
namespace {

// A certificate for localhost that signs itself.
class IngressTlsTest : public IngressFixture {
 protected:
  IngressTlsTest()
      : directory_(std::filesystem::temp_directory_path() / StrCat("hookbridge-tls-", getpid())) {
    std::filesystem::create_directories(directory_);
    WriteCertificate();
    config_.mutable_tls()->set_certificate_chain_file(Path("cert.pem"));
    config_.mutable_tls()->set_private_key_file(Path("key.pem"));
  }
  ~IngressTlsTest() override { std::filesystem::remove_all(directory_); }

  // cert.pem and key.pem, new each time.
  void WriteCertificate() {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = std::fopen(Path("cert.pem").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(Path("key.pem").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  // The whole answer to `request`; empty when the handshake with that version as the newest fails.
  std::string Ask(int version_max, const std::string& request, bool with_certificate = false) {
    RawClient client(server_->address());
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, version_max);
    if (with_certificate) {
      SSL_CTX_use_certificate_file(context, Path("cert.pem").c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context, Path("key.pem").c_str(), SSL_FILETYPE_PEM);
    }
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, client.fd());
    std::string answer;
    if (SSL_connect(ssl) == 1) {
      SSL_write(ssl, request.data(), static_cast<int>(request.size()));
      char bytes[4096];
      const int got = SSL_read(ssl, bytes, sizeof bytes);
      if (got > 0) answer.assign(bytes, static_cast<size_t>(got));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return answer;
  }

  std::filesystem::path directory_;
};

TEST_F(IngressTlsTest, ServesTls12And13AndNothingOlder) {
  Start();
  EXPECT_THAT(Ask(TLS1_3_VERSION, Post("hello")), testing::HasSubstr("{\"bytes\":5}"));
  EXPECT_THAT(Ask(TLS1_2_VERSION, Post("hello")), testing::HasSubstr("{\"bytes\":5}"));
  EXPECT_EQ(Ask(TLS1_1_VERSION, Post("hello")), "");
}

TEST_F(IngressTlsTest, NamesOfAClientCertificateAreKnownAndNoneIsNeeded) {
  config_.mutable_tls()->set_client_ca_file(Path("cert.pem"));
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_THAT(Ask(version, Post("hello"), true), testing::HasSubstr("{\"bytes\":5}"));
    EXPECT_THAT(handler_.client_names(), testing::ElementsAre("localhost"));
    EXPECT_THAT(Ask(version, Post("hello")), testing::HasSubstr("{\"bytes\":5}"));
    EXPECT_THAT(handler_.client_names(), testing::IsEmpty());
  }
}

TEST_F(IngressTlsTest, ACertificateOfNobodyEndsTheHandshake) {
  const std::filesystem::path mine = Path("mine.pem");
  std::filesystem::copy_file(Path("cert.pem"), mine);
  WriteCertificate();  // other ones, by which the client is known no more
  config_.mutable_tls()->set_client_ca_file(mine);
  Start();
  EXPECT_EQ(Ask(TLS1_2_VERSION, Post("hello"), true), "");
  EXPECT_THAT(handler_.seen(), testing::IsEmpty());
}

TEST_F(IngressTlsTest, PlainHttpOnTheTlsPortEnds) {
  Start();
  EXPECT_EQ(Exchange(Post("hello")).status, 0);
  EXPECT_THAT(handler_.seen(), testing::IsEmpty());
}

TEST_F(IngressTlsTest, ASilentHandshakeEnds) {
  config_.mutable_handshake_timeout()->set_seconds(0);
  config_.mutable_handshake_timeout()->set_nanos(60'000'000);
  Start();
  RawClient client(server_->address());
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(IngressTlsTest, FilesThatAreNotAPairAreNamed) {
  config_.mutable_tls()->set_private_key_file(Path("none.pem"));
  const auto server = IngressServer::Start(config_, handler_, clock_);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), testing::HasSubstr("none.pem"));
}

}  // namespace
}  // namespace hookbridge
