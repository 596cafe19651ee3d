#include "server/rpc/server.h"

#include "server/base/limits.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/http2/front.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/delivery_service.h"
#include "server/rpc/worker.h"
#include "server/tls/port_certificates.h"

#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include "grpc/health/v1/health.pb.h"
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

namespace hookbridge {
namespace {

constexpr int kReceiveBytesMax = 1 << 20;
constexpr size_t kMemoryBytesMax = 512 << 20;
constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kClientPingIntervalMinMs = 10'000;
constexpr absl::Duration kKeepWarmInterval = absl::Milliseconds(300);
constexpr const char* kServices[] = {"hookbridge.v1.DeliveryService",
                                     "hookbridge.admin.v1.AdminService"};

std::string InstanceName() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return StrCat(host, ":", getpid());
}

// So long from now, by a clock that nobody sets.
gpr_timespec In(absl::Duration duration) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(absl::ToInt64Nanoseconds(duration), GPR_TIMESPAN));
}

// A small call in the process three times a second: without it the callback threads of gRPC 1.51
// sleep up to 100 ms after an idle second, and the next event waits for them (ADR 0002).
// Between the calls it runs `each_time`.
class KeepWarm {
 public:
  KeepWarm(std::shared_ptr<grpc::Channel> channel, std::function<void()> each_time)
      : stub_(v1::DeliveryService::NewStub(std::move(channel))),
        each_time_(std::move(each_time)),
        thread_([this] { Run(); }) {}
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
        if (!stopping_) wake_.WaitFor(mutex_, absl::ToChronoNanoseconds(kKeepWarmInterval));
        if (stopping_) return;
      }
      grpc::ClientContext context;
      context.set_deadline(In(kKeepWarmInterval));
      v1::AcknowledgeResponse response;
      stub_->Acknowledge(&context, v1::AcknowledgeRequest(), &response);
      each_time_();
    }
  }

  std::unique_ptr<v1::DeliveryService::Stub> stub_;
  const std::function<void()> each_time_;
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
  std::unique_ptr<PortCertificates> certificates;  // null: no TLS
  std::unique_ptr<Http2Front> front;
  std::chrono::steady_clock::time_point looked = std::chrono::steady_clock::now();
  std::unique_ptr<KeepWarm> keep_warm;

  std::function<void()> upkeep;

  // On the keep-warm thread.
  void LookAfter() {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked < absl::ToChronoNanoseconds(limits::kTlsFilesCheckInterval)) return;
    looked = now;
    if (upkeep) upkeep();
    if (certificates == nullptr) return;
    certificates->Look(
        [this](const Certificates& fresh) { return front->ReplaceCertificates(fresh); }, now);
  }
};

RpcServer::RpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RpcServer::~RpcServer() { Shutdown(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcServerOptions& options,
                                                            const SourceCatalog& catalog,
                                                            const EventLog& log, StreamHub& hub,
                                                            const Clock& clock) {
  auto impl = std::make_unique<Impl>();
  Http2FrontOptions front{.listen = options.grpc.listen(),
                          .connections_max = options.grpc.connections_max(),
                          .calls_per_connection_max = options.grpc.calls_per_connection_max()};
  if (options.grpc.has_tls()) {
    impl->certificates =
        std::make_unique<PortCertificates>("grpc.tls", options.grpc.tls(), clock, *options.log);
    auto certificates = impl->certificates->Load();
    if (!certificates.ok()) return certificates.status();
    front.certificates = *std::move(certificates);
  }
  // gRPC writes lines of its own to stderr and waits for whoever reads it; what it would say of a
  // peer, the front says.
  gpr_set_log_function([](gpr_log_func_args*) {});
  // gRPC stays in the process to its end: to leave, it would wait up to 10 s for its poller.
  static const bool kept = (grpc_init(), true);
  static_cast<void>(kept);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Linked in, so that reflection can describe the health service.
  grpc::health::v1::HealthCheckRequest::descriptor();
  impl->delivery = MakeDeliveryService(
      {.server_instance = InstanceName(), .stream_max_age = options.stream_max_age}, log, hub,
      clock);
  impl->admin = MakeAdminService(catalog, log, impl->worker);

  grpc::ServerBuilder builder;
  builder.RegisterService(impl->delivery.get());
  builder.RegisterService(impl->admin.get());
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
  builder.SetResourceQuota(grpc::ResourceQuota("hookbridge").Resize(kMemoryBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(options.grpc.calls_per_connection_max()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingIntervalMinMs);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) return absl::InternalError("gRPC does not start");
  const auto serve = [server = impl->server.get()](int fd) {
    grpc::AddInsecureChannelFromFd(server, fd);
  };
  auto started = Http2Front::Start(std::move(front), serve, *options.log);
  if (!started.ok()) return started.status();
  impl->front = *std::move(started);
  impl->upkeep = options.upkeep;
  impl->keep_warm = std::make_unique<KeepWarm>(impl->server->InProcessChannel({}),
                                               [raw = impl.get()] { raw->LookAfter(); });
  std::unique_ptr<RpcServer> server(new RpcServer(std::move(impl)));
  server->SetServing(true);
  return server;
}

const std::string& RpcServer::address() const { return impl_->front->address(); }

absl::Status RpcServer::ReloadCertificates() {
  if (impl_->certificates == nullptr) return absl::OkStatus();
  return impl_->certificates->Reload(
      [this](const Certificates& fresh) { return impl_->front->ReplaceCertificates(fresh); });
}

uint64_t RpcServer::cut_total(Cut cut) const { return impl_->front->cut_total(cut); }
size_t RpcServer::connection_count() const { return impl_->front->connection_count(); }

void RpcServer::SetServing(bool serving) {
  auto* const health = impl_->server->GetHealthCheckService();
  health->SetServingStatus(serving);
  for (const char* const service : kServices) health->SetServingStatus(service, serving);
}

void RpcServer::Shutdown(absl::Duration deadline) {
  if (impl_ == nullptr || impl_->server == nullptr) return;
  impl_->keep_warm.reset();
  const absl::Duration wait = std::min(deadline, limits::kDrainWriteTimeout);
  if (impl_->front != nullptr) impl_->front->StopAccepting();
  impl_->server->Shutdown(In(wait));
  impl_->server->Wait();
  if (impl_->front != nullptr) impl_->front->Stop(wait);
  impl_->server.reset();
}

}  // namespace hookbridge
