#include "server/tls/port_certificates.h"
#include "tests/support/captured_log.h"
#include "tests/support/rpc_fixture.h"
#include "tests/support/test_certificates.h"

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include "gmock/gmock.h"
#include <grpcpp/security/tls_credentials_options.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hookbridge {
namespace {

using testing::HasSubstr;

// An authority, and what it issues, as files of a folder.
class CertificateFolder {
 public:
  explicit CertificateFolder(absl::Time now) : now_(now) {
    std::filesystem::create_directories(folder_);
    Write("ca.pem", authority_.pem());
    Serve(Issue("old.example"));
  }
  ~CertificateFolder() { std::filesystem::remove_all(folder_); }

  TestCertificate Issue(const std::string& name, absl::Duration life = absl::Hours(9'000)) const {
    return TestCertificate({.names = {name, "localhost"},
                            .not_before = now_ - absl::Hours(1),
                            .not_after = now_ + life,
                            .rsa_bits = 0},
                           &authority_);
  }
  void Serve(const TestCertificate& certificate) const {
    Write("chain.pem", certificate.pem());
    Write("key.pem", certificate.key_pem());
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Configure(config::v1::Tls* tls) const {
    tls->set_certificate_chain_file(Path("chain.pem"));
    tls->set_private_key_file(Path("key.pem"));
    tls->set_client_ca_file(Path("ca.pem"));
  }
  std::string authority() const { return authority_.pem(); }

 private:
  const absl::Time now_;
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / StrCat("hookbridge-rpc-tls-", getpid());
  const TestCertificate authority_{{.not_before = now_ - absl::Hours(2),
                                    .not_after = now_ + absl::Hours(10'000),
                                    .rsa_bits = 0,
                                    .authority = true}};
};

class WithFolder {
 protected:
  // The C++ client goes by the machine's clock, the bridge by the test's.
  CertificateFolder folder_{SystemClock().Now()};
};

class RpcTlsTest : public WithFolder, public RpcFixture {
 protected:
  RpcTlsTest()
      : RpcFixture([this](config::v1::Grpc& grpc) { folder_.Configure(grpc.mutable_tls()); }) {}

  std::shared_ptr<grpc::Channel> Channel(const TestCertificate* client, const char* name) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = folder_.authority();
    if (client != nullptr) {
      options.pem_cert_chain = client->pem();
      options.pem_private_key = client->key_pem();
    }
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(name);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(server_->address(), grpc::SslCredentials(options), arguments);
  }
  bool Served(const TestCertificate* client, const char* name) const {
    const auto stub = v1::DeliveryService::NewStub(Channel(client, name));
    grpc::ClientContext context;
    v1::AcknowledgeResponse response;
    // A call that is answered is answered UNIMPLEMENTED.
    return stub->Acknowledge(&context, {}, &response).error_code() ==
           grpc::StatusCode::UNIMPLEMENTED;
  }

  const TestCertificate client_ = folder_.Issue("client.example");
};

TEST_F(RpcTlsTest, CertificatesAreReadAgainAndStreamsStay) {
  EXPECT_TRUE(Served(&client_, "old.example"));
  EXPECT_FALSE(Served(nullptr, "old.example")) << "a client without a certificate";
  const auto stub = v1::DeliveryService::NewStub(Channel(&client_, "old.example"));
  grpc::ClientContext context;
  const auto reader = stub->Subscribe(&context, Earliest());
  v1::SubscribeResponse response;
  while (reader->Read(&response) && !response.has_caught_up()) {
  }

  folder_.Serve(folder_.Issue("new.example"));
  ASSERT_TRUE(server_->ReloadCertificates().ok());
  EXPECT_TRUE(Served(&client_, "new.example"));
  EXPECT_FALSE(Served(&client_, "old.example"));
  EXPECT_FALSE(Served(nullptr, "new.example"));
  AppendTypes({"after"});
  bool got = false;
  while (!got && reader->Read(&response)) got = response.has_batch();
  EXPECT_TRUE(got) << "the stream that was open";
  context.TryCancel();
  reader->Finish();

  folder_.Write("key.pem", client_.key_pem());
  const absl::Status status = server_->ReloadCertificates();
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not belong"));
  EXPECT_TRUE(Served(&client_, "new.example"));
}

class PortCertificatesTest : public testing::Test, public WithFolder {
 protected:
  PortCertificatesTest() {
    folder_.Configure(&tls_);
    port_ = std::make_unique<PortCertificates>("grpc.tls", tls_, clock_, log_.logger());
    EXPECT_TRUE(port_->Load().ok());
  }

  PortCertificates::Replace Record() {
    return [this](const Certificates& certificates) {
      used_.push_back(certificates.name);
      return absl::OkStatus();
    };
  }

  FakeClock clock_{SystemClock().Now()};
  CapturedLog log_{clock_};
  config::v1::Tls tls_;
  std::unique_ptr<PortCertificates> port_;
  std::vector<std::string> used_;
  const std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_F(PortCertificatesTest, AChangedFileIsReadOnce) {
  port_->Look(Record(), now_);
  EXPECT_THAT(used_, testing::IsEmpty());
  folder_.Serve(folder_.Issue("new.example"));
  port_->Look(Record(), now_);
  port_->Look(Record(), now_);
  EXPECT_THAT(used_, testing::ElementsAre("CN=new.example"));
  folder_.Write("key.pem", "garbage of another length");
  port_->Look(Record(), now_);
  port_->Look(Record(), now_);
  EXPECT_THAT(used_, testing::SizeIs(1));
  EXPECT_THAT(log_.Of("certificates_not_read"), testing::SizeIs(1));
}

TEST_F(PortCertificatesTest, WhatNoClientWouldTakeIsNotTaken) {
  folder_.Serve(folder_.Issue("over.example", -absl::Minutes(1)));
  const absl::Status status = port_->Reload(Record());
  EXPECT_THAT(std::string(status.message()), HasSubstr("ended at"));
  EXPECT_THAT(used_, testing::IsEmpty());
  // At start there is none to fall back to.
  PortCertificates fresh("grpc.tls", tls_, clock_, log_.logger());
  EXPECT_TRUE(fresh.Load().ok());
  EXPECT_THAT(log_.Of("certificate_not_valid"), testing::SizeIs(1));
}

TEST_F(PortCertificatesTest, TheEndIsLoggedOnceADay) {
  folder_.Serve(folder_.Issue("short.example", absl::Hours(100)));
  ASSERT_TRUE(port_->Reload(Record()).ok());
  const auto warnings = [this] { return log_.Of("certificate_expires").size(); };
  EXPECT_EQ(warnings(), 1u);
  port_->Look(Record(), now_ + std::chrono::hours(23));
  EXPECT_EQ(warnings(), 1u);
  port_->Look(Record(), now_ + std::chrono::hours(25));
  EXPECT_EQ(warnings(), 2u);
}

}  // namespace
}  // namespace hookbridge
