#include "server/http2/front.h"

#include "server/base/mutex.h"
#include "tests/support/captured_log.h"
#include "tests/support/http2_frames.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_certificates.h"

#include "gmock/gmock.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

namespace hookbridge {
namespace {

using http2::Call;
using http2::Data;

// A front whose server is the test: it holds the ends that the front gives away.
class FrontTest : public testing::Test {
 protected:
  ~FrontTest() override {
    front_.reset();
    for (const int fd : ends_) close(fd);
  }

  void Start(Http2FrontOptions options) {
    options.listen = "127.0.0.1:0";
    auto front = Http2Front::Start(
        std::move(options),
        [this](int fd) {
          MutexLock lock(mutex_);
          ends_.push_back(fd);
          served_.NotifyAll();
        },
        log_.logger());
    ASSERT_TRUE(front.ok()) << front.status();
    front_ = *std::move(front);
  }
  // The server's end of the connection number `index`.
  int End(size_t index) {
    MutexLock lock(mutex_);
    while (ends_.size() <= index) served_.Wait(mutex_);
    return ends_[index];
  }
  // What the server reads next: exactly so many bytes.
  std::string ServerReads(size_t index, size_t bytes) {
    const int fd = End(index);
    std::string text(bytes, '\0');
    for (size_t at = 0; at < bytes;) {
      pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, 20'000) <= 0) return text.substr(0, at);
      const ssize_t got = ::recv(fd, &text[at], bytes - at, 0);
      if (got <= 0) return text.substr(0, at);
      at += static_cast<size_t>(got);
    }
    return text;
  }
  void AwaitCut(Cut cut, uint64_t count) const {
    while (front_->cut_total(cut) < count) std::this_thread::yield();
    EXPECT_EQ(front_->cut_total(cut), count);
  }
  // A client that has begun a call, once the server has seen it.
  std::unique_ptr<RawClient> Calling(size_t index) {
    auto client = std::make_unique<RawClient>(front_->address());
    const std::string bytes = http2::Start() + Call(1, "/s/m");
    EXPECT_TRUE(client->Send(bytes));
    EXPECT_EQ(ServerReads(index, bytes.size()), bytes);
    return client;
  }

  SystemClock clock_;
  CapturedLog log_{clock_};
  Mutex mutex_;
  CondVar served_;
  std::vector<int> ends_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Http2Front> front_;
};

TEST_F(FrontTest, PassesBytesBothWays) {
  Start({});
  const auto client = Calling(0);
  const std::string answer = http2::Frame(1, http2::kEndHeaders, 1, "headers");
  ASSERT_EQ(::send(End(0), answer.data(), answer.size(), 0), static_cast<ssize_t>(answer.size()));
  std::string got(answer.size(), '\0');
  ASSERT_EQ(::recv(client->fd(), got.data(), got.size(), MSG_WAITALL),
            static_cast<ssize_t>(got.size()));
  EXPECT_EQ(got, answer);
  EXPECT_EQ(front_->connection_count(), 1u);
  ::shutdown(End(0), SHUT_RDWR);
  EXPECT_TRUE(client->AtEnd()) << "the server has closed";
}

TEST_F(FrontTest, WhoResetsTooMuchIsCutAndOthersStay) {
  Start({});
  const auto other = Calling(0);
  RawClient client(front_->address());
  std::string bytes = http2::Start();
  for (uint32_t i = 0; i < 2 * limits::kGrpcResetsBurstMax; ++i) {
    bytes += Call(2 * i + 1, "/s/m") + http2::Reset(2 * i + 1);
  }
  std::thread server([this] { ServerReads(1, SIZE_MAX >> 40); });
  client.Send(bytes);
  EXPECT_TRUE(client.AtEnd());
  server.join();
  AwaitCut(Cut::kTooManyResets, 1);
  EXPECT_THAT(log_.Of("grpc_connection_cut"),
              testing::ElementsAre(testing::HasSubstr("\"reason\":\"too_many_resets\"")));
  const std::string more = Data(1, "message", true);
  ASSERT_TRUE(other->Send(more));
  EXPECT_EQ(ServerReads(0, more.size()), more);
}

TEST_F(FrontTest, ConnectionsAtTheLimitAndOneMore) {
  Start({.connections_max = 2});
  const auto first = Calling(0);
  const auto second = Calling(1);
  RawClient third(front_->address());
  EXPECT_TRUE(third.AtEnd());
  AwaitCut(Cut::kConnectionLimit, 1);
  // A connection without a call gives way.
  ASSERT_TRUE(first->Send(http2::Reset(1)));
  ASSERT_EQ(ServerReads(0, 13), http2::Reset(1));
  const auto fourth = Calling(2);
  EXPECT_TRUE(first->AtEnd());
  AwaitCut(Cut::kIdleGaveWay, 1);
  EXPECT_EQ(front_->connection_count(), 2u);
}

TEST_F(FrontTest, WhoSaysNothingIsCut) {
  Start({.handshake_timeout = absl::Milliseconds(1)});
  RawClient client(front_->address());
  EXPECT_TRUE(client.AtEnd());
  AwaitCut(Cut::kHandshakeTimeout, 1);
}

TEST_F(FrontTest, WhoReadsNothingIsCut) {
  Start({.write_timeout = absl::Milliseconds(1)});
  const auto client = Calling(0);
  const std::string answer = Data(1, std::string(1 << 14, 'x'), false);
  const int end = End(0);
  while (front_->cut_total(Cut::kWriteTimeout) == 0) {
    if (::send(end, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      std::this_thread::yield();
    }
  }
  AwaitCut(Cut::kWriteTimeout, 1);
}

// All together may hold so much; beyond that the one that holds most is cut.
TEST_F(FrontTest, UnfinishedRequestsOfAllAtTheLimitAndOneMore) {
  Start({});
  constexpr size_t kOne = limits::kGrpcUnfinishedBytesPerConnectionMax;
  constexpr size_t kCount = limits::kGrpcUnfinishedBytesMax / kOne;
  // The head of a frame announces its bytes; they need not be sent.
  const std::string head = Data(1, std::string(kOne, 'x'), false).substr(0, 9);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < kCount; ++i) {
    clients.push_back(Calling(i));
    ASSERT_TRUE(clients.back()->Send(head));
    ASSERT_EQ(ServerReads(i, head.size()), head);
  }
  EXPECT_EQ(front_->cut_total(Cut::kUnfinishedRequests), 0u);
  const auto last = Calling(kCount);
  ASSERT_TRUE(last->Send(Data(1, std::string(256, 'x'), false)));
  AwaitCut(Cut::kUnfinishedRequests, 1);
  EXPECT_EQ(ServerReads(kCount, 9 + 256).size(), 9u + 256u) << "it holds little and stays";
  EXPECT_EQ(front_->connection_count(), kCount);
}

TEST_F(FrontTest, StopAcceptingLeavesWhatIsServed) {
  Start({});
  const auto client = Calling(0);
  front_->StopAccepting();
  EXPECT_FALSE(RawClient(front_->address()).connected());
  const std::string more = Data(1, "message", true);
  ASSERT_TRUE(client->Send(more));
  EXPECT_EQ(ServerReads(0, more.size()), more);
  front_->Stop(absl::ZeroDuration());
  EXPECT_TRUE(client->AtEnd());
}

TEST_F(FrontTest, AnAddressInUseIsNamed) {
  Start({});
  const auto second = Http2Front::Start(
      {.listen = front_->address()}, [](int) {}, log_.logger());
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr(front_->address()));
}

class FrontTlsTest : public FrontTest {
 protected:
  struct Handshake {
    int version_max = TLS1_3_VERSION;
    const char* groups = nullptr;
    const char* ciphers = nullptr;  // of TLS 1.2
    const TestCertificate* client = nullptr;
    const char* protocol = "\x02h2";
  };
  // The server certificate's common name, once the server has read the preface; empty when the
  // handshake fails.
  std::string Connect(const Handshake& shake) {
    RawClient client(front_->address());
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, shake.version_max);
    if (shake.groups != nullptr) SSL_CTX_set1_groups_list(context, shake.groups);
    if (shake.ciphers != nullptr) SSL_CTX_set_cipher_list(context, shake.ciphers);
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(shake.protocol), 3);
    if (shake.client != nullptr) Use(context, *shake.client);
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, client.fd());
    std::string name;
    // With TLS 1.3 the server refuses a client's certificate after the client's handshake.
    char byte = 0;
    const std::string start = http2::Start();
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, start.data(), static_cast<int>(start.size())) > 0) {
      X509* const certificate = SSL_get1_peer_certificate(ssl);
      char text[64] = {};
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                                sizeof text);
      X509_free(certificate);
      const std::string answer = http2::SettingsAcknowledged();
      if (AwaitServed(client)) {
        EXPECT_EQ(::send(End(connected_), answer.data(), answer.size(), 0), 9);
        ++connected_;
        if (SSL_read(ssl, &byte, 1) == 1) name = text;
      }
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return name;
  }

  const TestCertificate authority_ = Make({}, nullptr, true);
  const TestCertificate server_ = Make({"old.example"}, &authority_);
  const TestCertificate client_ = Make({"client.example"}, &authority_);

  static TestCertificate Make(std::vector<std::string> names, const TestCertificate* issuer,
                              bool authority = false) {
    return TestCertificate({.names = std::move(names),
                            .not_before = absl::FromUnixSeconds(1'600'000'000),
                            .not_after = absl::FromUnixSeconds(4'000'000'000),
                            .rsa_bits = 0,
                            .authority = authority},
                           issuer);
  }
  Certificates CertificatesOf(const TestCertificate& server, bool mutual) const {
    return {.chain = server.pem(),
            .key = server.key_pem(),
            .client_ca = mutual ? authority_.pem() : "",
            .name = "",
            .not_before = absl::InfinitePast(),
            .not_after = absl::InfiniteFuture()};
  }

 private:
  // Whether the server got one more connection before the client's was closed.
  bool AwaitServed(RawClient& client) {
    while (true) {
      {
        MutexLock lock(mutex_);
        if (ends_.size() > connected_) return true;
      }
      pollfd gone{.fd = client.fd(), .events = POLLRDHUP, .revents = 0};
      if (::poll(&gone, 1, 0) > 0) return false;
      std::this_thread::yield();
    }
  }
  static void Use(SSL_CTX* context, const TestCertificate& certificate) {
    const std::string chain = certificate.pem();
    const std::string key = certificate.key_pem();
    BIO* bio = BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size()));
    X509* const read = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, read);
    X509_free(read);
    BIO_free(bio);
    bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    EVP_PKEY* const read_key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, read_key);
    EVP_PKEY_free(read_key);
    BIO_free(bio);
  }

  size_t connected_ = 0;
};

TEST_F(FrontTlsTest, OldVersionsCostlyGroupsAndOldCiphersAreRefused) {
  Start({.certificates = CertificatesOf(server_, false)});
  EXPECT_EQ(Connect({}), "old.example");
  EXPECT_EQ(Connect({.version_max = TLS1_2_VERSION}), "old.example");
  EXPECT_EQ(Connect({.version_max = TLS1_1_VERSION}), "");
  for (const char* const group : {"X25519", "P-256", "P-384"}) {
    EXPECT_EQ(Connect({.groups = group}), "old.example") << group;
  }
  for (const char* const group : {"ffdhe2048", "ffdhe8192", "P-521", "X448"}) {
    EXPECT_EQ(Connect({.groups = group}), "") << group;
  }
  for (const char* const cipher :
       {"ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256"}) {
    EXPECT_EQ(Connect({.version_max = TLS1_2_VERSION, .ciphers = cipher}), "") << cipher;
  }
  EXPECT_EQ(Connect({.protocol = "\x02h3"}), "") << "gRPC is h2";
}

TEST_F(FrontTlsTest, EveryClientNeedsACertificateOfTheAuthority) {
  Start({.certificates = CertificatesOf(server_, true)});
  EXPECT_EQ(Connect({.client = &client_}), "old.example");
  EXPECT_EQ(Connect({}), "");
  const TestCertificate stranger = Make({"client.example"}, nullptr);
  EXPECT_EQ(Connect({.client = &stranger}), "");
  EXPECT_EQ(Connect({.version_max = TLS1_2_VERSION, .client = &stranger}), "");
  AwaitCut(Cut::kHandshakeFailed, 3);
}

TEST_F(FrontTlsTest, NewCertificatesAreForNewConnections) {
  Start({.certificates = CertificatesOf(server_, true)});
  EXPECT_EQ(Connect({.client = &client_}), "old.example");
  const TestCertificate next = Make({"new.example"}, &authority_);
  ASSERT_TRUE(front_->ReplaceCertificates(CertificatesOf(next, true)).ok());
  EXPECT_EQ(Connect({.client = &client_}), "new.example");
  EXPECT_EQ(Connect({}), "") << "still required";
  Certificates bad = CertificatesOf(next, true);
  bad.key = client_.key_pem();
  EXPECT_FALSE(front_->ReplaceCertificates(bad).ok());
  EXPECT_EQ(Connect({.client = &client_}), "new.example");
}

}  // namespace
}  // namespace hookbridge
