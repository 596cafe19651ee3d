#include "server/rpc/server.h"

#include "server/base/config.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/delivery_service.h"
#include "server/rpc/worker.h"

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include "grpc/health/v1/health.pb.h"
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace hookbridge {
namespace {

constexpr int kReceiveBytesMax = 1 << 20;
constexpr size_t kMemoryBytesMax = 512 << 20;
constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kClientPingIntervalMinMs = 10'000;
constexpr auto kKeepWarmInterval = std::chrono::milliseconds(300);
constexpr const char* kServices[] = {"hookbridge.v1.DeliveryService",
                                     "hookbridge.admin.v1.AdminService"};

std::string InstanceName() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return StrCat(host, ":", getpid());
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in || text.empty())
    return absl::InvalidArgumentError(StrCat("grpc.tls: cannot read ", path));
  return text;
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(
    const config::v1::Grpc& config) {
  if (!config.has_tls()) return grpc::InsecureServerCredentials();
  auto chain = ReadPem(config.tls().certificate_chain_file());
  auto key = ReadPem(config.tls().private_key_file());
  if (!chain.ok()) return chain.status();
  if (!key.ok()) return key.status();
  grpc::SslServerCredentialsOptions options(
      config.tls().client_ca_file().empty()
          ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
          : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({*key, *chain});
  if (!config.tls().client_ca_file().empty()) {
    auto authorities = ReadPem(config.tls().client_ca_file());
    if (!authorities.ok()) return authorities.status();
    options.pem_root_certs = *authorities;
  }
  return grpc::SslServerCredentials(options);
}

// A small call in the process three times a second: without it the callback threads of gRPC 1.51
// sleep up to 100 ms after an idle second, and the next event waits for them (ADR 0002).
class KeepWarm {
 public:
  explicit KeepWarm(std::shared_ptr<grpc::Channel> channel)
      : stub_(v1::DeliveryService::NewStub(std::move(channel))), thread_([this] { Run(); }) {}
  ~KeepWarm() { Stop(); }

  void Stop() {
    if (!thread_.joinable()) return;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.NotifyOne();
    thread_.join();
  }

 private:
  void Run() {
    while (true) {
      {
        MutexLock lock(mutex_);
        if (!stopping_) wake_.WaitFor(mutex_, kKeepWarmInterval);
        if (stopping_) return;
      }
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kKeepWarmInterval);
      v1::AcknowledgeResponse response;
      stub_->Acknowledge(&context, v1::AcknowledgeRequest(), &response);
    }
  }

  std::unique_ptr<v1::DeliveryService::Stub> stub_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

struct RpcServer::Impl {
  Worker worker;
  std::unique_ptr<grpc::Service> delivery;
  std::unique_ptr<grpc::Service> admin;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<KeepWarm> keep_warm;
  std::string address;
};

RpcServer::RpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RpcServer::~RpcServer() { Shutdown(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcServerOptions& options,
                                                            const SourceCatalog& catalog,
                                                            const EventLog& log, StreamHub& hub,
                                                            const Clock& clock) {
  auto credentials = MakeCredentials(options.grpc);
  if (!credentials.ok()) return credentials.status();
  const auto host_port = ParseHostPort(options.grpc.listen());
  if (!host_port.ok()) return host_port.status();

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Linked in, so that reflection can describe the health service.
  grpc::health::v1::HealthCheckRequest::descriptor();
  auto impl = std::make_unique<Impl>();
  impl->delivery = MakeDeliveryService(
      {.server_instance = InstanceName(), .stream_max_age = options.stream_max_age}, log, hub,
      clock);
  impl->admin = MakeAdminService(catalog, log, impl->worker);

  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.grpc.listen(), *credentials, &port);
  builder.RegisterService(impl->delivery.get());
  builder.RegisterService(impl->admin.get());
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
  builder.SetResourceQuota(grpc::ResourceQuota("hookbridge").Resize(kMemoryBytesMax));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingIntervalMinMs);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || port == 0) {
    return absl::UnavailableError(
        StrCat("cannot listen for gRPC on ", options.grpc.listen(), ": is the port in use?"));
  }
  impl->address =
      StrCat(host_port->host.find(':') == std::string::npos ? host_port->host
                                                            : StrCat("[", host_port->host, "]"),
             ":", port);
  impl->keep_warm = std::make_unique<KeepWarm>(impl->server->InProcessChannel({}));
  std::unique_ptr<RpcServer> server(new RpcServer(std::move(impl)));
  server->SetServing(true);
  return server;
}

const std::string& RpcServer::address() const { return impl_->address; }

void RpcServer::SetServing(bool serving) {
  auto* const health = impl_->server->GetHealthCheckService();
  health->SetServingStatus(serving);
  for (const char* const service : kServices) health->SetServingStatus(service, serving);
}

void RpcServer::Shutdown(absl::Duration deadline) {
  if (impl_ == nullptr || impl_->server == nullptr) return;
  impl_->keep_warm.reset();
  impl_->server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline));
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace hookbridge
