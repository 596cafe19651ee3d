#include "tests/support/ingress_fixture.h"

#include "gmock/gmock.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

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
  void WriteCertificate(long serial = 1) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
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

// What a peer offers, and whether the handshake comes to its end.
bool Shakes(const std::string& address, int version, const char* groups, const char* ciphers12) {
  RawClient client(address);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  if (groups != nullptr) {
    EXPECT_EQ(SSL_CTX_set1_groups_list(context.get(), groups), 1) << groups;
  }
  if (ciphers12 != nullptr) {
    EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), ciphers12), 1) << ciphers12;
  }
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), client.fd());
  const bool shaken = SSL_connect(ssl.get()) == 1;
  ERR_clear_error();
  return shaken;
}

// A key exchange in a finite field group costs the server a hundred times what it costs the client.
TEST_F(IngressTlsTest, SpeaksEllipticGroupsAlone) {
  Start();
  const std::string& address = server_->address();
  for (const char* const group : {"X25519", "P-256", "P-384"}) {
    EXPECT_TRUE(Shakes(address, TLS1_3_VERSION, group, nullptr)) << group;
  }
  // In 1.2 the list is for the certificate, too.
  for (const char* const groups : {"X25519:P-256", "P-256", "P-384:P-256"}) {
    EXPECT_TRUE(Shakes(address, TLS1_2_VERSION, groups, nullptr)) << groups;
  }
  for (const char* const group : {"ffdhe2048", "ffdhe8192", "P-521", "X448"}) {
    EXPECT_FALSE(Shakes(address, TLS1_3_VERSION, group, nullptr)) << group;
  }
  EXPECT_FALSE(Shakes(address, TLS1_2_VERSION, nullptr, "kDHE"));
}

// RFC 9325 sections 3.1.1 and 4.2.
TEST_F(IngressTlsTest, SpeaksAuthenticatedEncryptionAndForwardSecrecyAlone) {
  Start();
  const std::string& address = server_->address();
  EXPECT_TRUE(Shakes(address, TLS1_2_VERSION, nullptr, "ECDHE+AESGCM"));
  EXPECT_TRUE(Shakes(address, TLS1_2_VERSION, nullptr, "ECDHE+CHACHA20"));
  for (const char* const weak : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "kRSA",
                                 "AES128-GCM-SHA256", "ECDHE-ECDSA-NULL-SHA", "aNULL"}) {
    EXPECT_FALSE(Shakes(address, TLS1_2_VERSION, nullptr, weak)) << weak;
  }
}

// The end of the connection is told inside it, so that nobody can cut an answer unseen.
TEST_F(IngressTlsTest, EndsWithACloseNotify) {
  config_.mutable_idle_timeout()->set_seconds(0);
  config_.mutable_idle_timeout()->set_nanos(60'000'000);
  Start();
  const std::string closing = Post("hello", "Connection: close\r\n");
  const std::string too_large = Post(std::string(1'001, 'x'));
  for (const std::string& request : {closing, too_large, Post("then idle")}) {
    RawClient client(server_->address());
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_fd(ssl.get(), client.fd());
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
    char bytes[4096];
    EXPECT_GT(SSL_read(ssl.get(), bytes, sizeof bytes), 0);
    const int end = SSL_read(ssl.get(), bytes, sizeof bytes);
    EXPECT_EQ(SSL_get_error(ssl.get(), end), SSL_ERROR_ZERO_RETURN) << request.substr(0, 60);
    ERR_clear_error();
  }
}

// New connections see new certificates; one that is open goes on with its own.
TEST_F(IngressTlsTest, TakesNewCertificatesWhileItServes) {
  Start();
  RawClient old_client(server_->address());
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> old_ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(old_ssl.get(), old_client.fd());
  ASSERT_EQ(SSL_connect(old_ssl.get()), 1);
  const auto serial_served = [&] {
    RawClient client(server_->address());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_fd(ssl.get(), client.fd());
    EXPECT_EQ(SSL_connect(ssl.get()), 1);
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl.get()),
                                                           X509_free);
    return ASN1_INTEGER_get(X509_get0_serialNumber(peer.get()));
  };
  EXPECT_EQ(serial_served(), 1);
  WriteCertificate(/*serial=*/2);
  const auto fresh = LoadCertificates(config_.tls(), "ingress.tls");
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_TRUE(server_->UseCertificates(*fresh).ok());
  EXPECT_EQ(serial_served(), 2);
  Certificates damaged = *fresh;
  damaged.key = "none";
  EXPECT_FALSE(server_->UseCertificates(damaged).ok());
  EXPECT_EQ(serial_served(), 2) << "what does not work changes nothing";
  const std::string request = Post("hello");
  SSL_write(old_ssl.get(), request.data(), static_cast<int>(request.size()));
  char bytes[4096];
  EXPECT_GT(SSL_read(old_ssl.get(), bytes, sizeof bytes), 0);
}

// Peers that have connected and say nothing do not keep the bridge from ending.
TEST_F(IngressTlsTest, DrainDoesNotWaitForSilentPeers) {
  Start();
  RawClient silent(server_->address());
  EXPECT_THAT(Ask(TLS1_3_VERSION, Post("hello")), testing::HasSubstr("{\"bytes\":5}"));
  server_->StopAccepting();
  EXPECT_TRUE(silent.AtEnd());
  EXPECT_TRUE(server_->Drain(absl::Seconds(8))) << "before handshake_timeout";
}

TEST_F(IngressTlsTest, FilesThatAreNotAPairAreNamed) {
  config_.mutable_tls()->set_private_key_file(Path("none.pem"));
  const auto server = IngressServer::Start(config_, handler_, clock_);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), testing::HasSubstr("none.pem"));
}

}  // namespace
}  // namespace hookbridge
