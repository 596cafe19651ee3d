#include "server/ingress/server.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/ingress/internal/lane.h"
#include "server/ingress/internal/session.h"
#include "server/ingress/internal/tls_context.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// After an accept that failed for want of descriptors: not at once again.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

}  // namespace

struct IngressServer::Impl {
  Impl(const config::v1::Ingress& config, RequestHandler& handler, const Clock& clock)
      : state(config, handler, clock) {
    for (uint32_t i = 0; i < config.threads(); ++i) {
      lanes.push_back(std::make_unique<IngressLane>(i, state));
    }
    acceptor.emplace(lanes.front()->context());
  }

  absl::Status Listen();
  asio::awaitable<void> AcceptLoop();
  IngressLane& NextLane() { return *lanes[turn++ % lanes.size()]; }
  void Deal(TcpSocket socket, IngressLane& lane);
  void CloseAcceptor();

  IngressState state;
  Mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls ABSL_GUARDED_BY(tls_mutex);  // null: plain HTTP
  size_t turn = 0;                                                     // lane 0's thread
  std::vector<std::unique_ptr<IngressLane>> lanes;
  std::optional<tcp::acceptor> acceptor;
  std::string address;
  bool stopped = false;
};

absl::Status IngressServer::Impl::Listen() {
  const auto host_port = ParseHostPort(state.config.listen());
  if (!host_port.ok()) return host_port.status();
  boost::system::error_code error;
  const auto fail = [&] {
    return absl::UnavailableError(
        StrCat("cannot listen for webhooks on ", state.config.listen(), ": ", error.message()));
  };
  tcp::resolver resolver(lanes.front()->context());
  const auto found = resolver.resolve(host_port->host, StrCat(host_port->port), error);
  if (error) return fail();
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(4096, error);
  if (error) return fail();
  address =
      StrCat(host_port->host.find(':') == std::string::npos ? host_port->host
                                                            : StrCat("[", host_port->host, "]"),
             ":", acceptor->local_endpoint().port());
  return absl::OkStatus();
}

asio::awaitable<void> IngressServer::Impl::AcceptLoop() {
  while (acceptor->is_open()) {
    IngressLane& lane = NextLane();
    auto [error, socket] = co_await acceptor->async_accept(lane.context(), kAwait);
    if (error == asio::error::operation_aborted || !acceptor->is_open()) co_return;
    if (error) {
      asio::steady_timer pause(lanes.front()->context(), kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    Deal(std::move(socket), lane);
  }
}

// Connections that the machine has taken are served: their requests may be there already.
void IngressServer::Impl::CloseAcceptor() {
  boost::system::error_code error;
  acceptor->non_blocking(true, error);
  while (!error && acceptor->is_open()) {
    IngressLane& lane = NextLane();
    TcpSocket socket(lane.context());
    acceptor->accept(socket, error);
    if (!error) Deal(std::move(socket), lane);
  }
  acceptor->close(error);
}

void IngressServer::Impl::Deal(TcpSocket socket, IngressLane& lane) {
  boost::system::error_code ignored;
  AcceptedPeer peer;
  if (const auto from = socket.remote_endpoint(ignored); !ignored)
    peer.address = from.address().to_string();
  peer.owner = AddressOwner(peer.address);
  const bool is_proxy = AnyContains(state.trusted_proxies, peer.address);
  std::string_view why;
  peer.slot = state.connections.Take(is_proxy ? "" : peer.owner, &why);
  if (peer.slot == nullptr) {
    state.handler.Refused(
        {.reason = Reason::kConnectionLimit, .rule = why, .remote_address = peer.address});
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kTooMany), ignored);
    return;
  }
  socket.set_option(tcp::no_delay(true), ignored);
  std::shared_ptr<asio::ssl::context> context;
  {
    MutexLock lock(tls_mutex);
    context = tls;
  }
  auto serve = [this, &lane, context = std::move(context), socket = std::move(socket),
                peer = std::move(peer)]() mutable {
    ServeConnection(std::move(socket), std::move(peer), context, lane, state);
  };
  if (&lane == lanes.front().get()) {
    serve();
  } else {
    lane.Post(std::move(serve));
  }
}

IngressServer::IngressServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IngressServer::~IngressServer() { Stop(); }

absl::StatusOr<std::unique_ptr<IngressServer>> IngressServer::Start(
    const config::v1::Ingress& config, RequestHandler& handler, const Clock& clock) {
  auto impl = std::make_unique<Impl>(config, handler, clock);
  std::unique_ptr<IngressServer> server(new IngressServer(std::move(impl)));
  Impl* const raw = server->impl_.get();
  if (config.has_tls()) {
    const auto certificates = LoadCertificates(config.tls(), "ingress.tls");
    if (!certificates.ok()) return certificates.status();
    if (absl::Status status = server->UseCertificates(*certificates); !status.ok()) return status;
  }
  if (absl::Status status = raw->Listen(); !status.ok()) return status;
  asio::co_spawn(
      raw->lanes.front()->context(), [raw] { return raw->AcceptLoop(); },
      [raw](const std::exception_ptr& failure) {
        if (failure == nullptr) return;
        raw->state.handler.Refused(
            {.reason = Reason::kInternal, .rule = "the acceptor failed unexpectedly"});
      });
  for (const auto& lane : raw->lanes) lane->Start();
  return server;
}

absl::Status IngressServer::UseCertificates(const Certificates& certificates) {
  auto context = MakeTlsContext(certificates);
  if (!context.ok()) return context.status();
  MutexLock lock(impl_->tls_mutex);
  impl_->tls = *std::move(context);
  return absl::OkStatus();
}

const std::string& IngressServer::address() const { return impl_->address; }

void IngressServer::StopAccepting() {
  if (impl_->state.draining.load(std::memory_order_relaxed)) return;
  impl_->state.drain_idle_end =
      std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(limits::kDrainIdleTime);
  impl_->state.draining.store(true, std::memory_order_release);
  impl_->lanes.front()->Post([impl = impl_.get()] { impl->CloseAcceptor(); });
}

bool IngressServer::Drain(absl::Duration deadline) {
  return impl_->state.connections.WaitForNone(deadline);
}

void IngressServer::Stop() {
  if (impl_ == nullptr || impl_->stopped) return;
  impl_->stopped = true;
  StopAccepting();
  for (const auto& lane : impl_->lanes) lane->Stop();
}

}  // namespace hookbridge
