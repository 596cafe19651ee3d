#include "server/ingress/server.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/ingress/internal/lane.h"
#include "server/ingress/internal/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <thread>
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

absl::StatusOr<std::unique_ptr<asio::ssl::context>> MakeTls(const config::v1::Tls& tls) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       error);
  if (!error) context->use_certificate_chain_file(tls.certificate_chain_file(), error);
  if (error) {
    return absl::InvalidArgumentError(
        StrCat("ingress.tls: ", tls.certificate_chain_file(), ": ", error.message()));
  }
  context->use_private_key_file(tls.private_key_file(), asio::ssl::context::pem, error);
  if (error) {
    return absl::InvalidArgumentError(
        StrCat("ingress.tls: ", tls.private_key_file(), ": ", error.message()));
  }
  if (tls.client_ca_file().empty()) return context;
  context->load_verify_file(tls.client_ca_file(), error);
  if (!error) context->set_verify_mode(asio::ssl::verify_peer, error);
  // Sessions that are resumed keep the verified certificate.
  constexpr unsigned char kSessions[] = "hookbridge";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessions, sizeof kSessions - 1);
  if (error) {
    return absl::InvalidArgumentError(
        StrCat("ingress.tls: ", tls.client_ca_file(), ": ", error.message()));
  }
  return context;
}

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
  void Deal(TcpSocket socket, IngressLane& lane);

  IngressState state;
  std::unique_ptr<asio::ssl::context> tls;
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
  size_t turn = 0;
  while (acceptor->is_open()) {
    IngressLane& lane = *lanes[turn++ % lanes.size()];
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

void IngressServer::Impl::Deal(TcpSocket socket, IngressLane& lane) {
  boost::system::error_code ignored;
  if (state.connections.fetch_add(1, std::memory_order_acq_rel) >= state.config.connections_max()) {
    state.connections.fetch_sub(1, std::memory_order_acq_rel);
    state.handler.Refused(Reason::kConnectionLimit, "", "");
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kTooMany), ignored);
    return;
  }
  socket.set_option(tcp::no_delay(true), ignored);
  auto shared = std::make_shared<TcpSocket>(std::move(socket));
  const auto serve = [this, &lane, shared] {
    ServeConnection(std::move(*shared), tls.get(), lane, state);
  };
  if (&lane == lanes.front().get()) {
    serve();
  } else {
    lane.Post(serve);
  }
}

IngressServer::IngressServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IngressServer::~IngressServer() { Stop(); }

absl::StatusOr<std::unique_ptr<IngressServer>> IngressServer::Start(
    const config::v1::Ingress& config, RequestHandler& handler, const Clock& clock) {
  auto impl = std::make_unique<Impl>(config, handler, clock);
  if (config.has_tls()) {
    auto tls = MakeTls(config.tls());
    if (!tls.ok()) return tls.status();
    impl->tls = *std::move(tls);
  }
  if (absl::Status status = impl->Listen(); !status.ok()) return status;
  Impl* const raw = impl.get();
  asio::co_spawn(
      impl->lanes.front()->context(), [raw] { return raw->AcceptLoop(); }, asio::detached);
  for (const auto& lane : impl->lanes) lane->Start();
  return std::unique_ptr<IngressServer>(new IngressServer(std::move(impl)));
}

const std::string& IngressServer::address() const { return impl_->address; }

void IngressServer::StopAccepting() {
  impl_->state.draining.store(true, std::memory_order_release);
  impl_->lanes.front()->Post([impl = impl_.get()] {
    boost::system::error_code ignored;
    impl->acceptor->close(ignored);
  });
  for (const auto& lane : impl_->lanes) lane->CloseIdle();
}

bool IngressServer::Drain(absl::Duration deadline) {
  const auto end = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(deadline);
  while (impl_->state.connections.load(std::memory_order_acquire) > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void IngressServer::Stop() {
  if (impl_ == nullptr || impl_->stopped) return;
  impl_->stopped = true;
  StopAccepting();
  for (const auto& lane : impl_->lanes) lane->Stop();
}

}  // namespace hookbridge
