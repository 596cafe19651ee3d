#include "server/http2/front.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/http2/internal/connection.h"
#include "server/tls/server_context.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <future>
#include <thread>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using internal::Connection;
using TlsContext = std::shared_ptr<asio::ssl::context>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kSweepInterval = std::chrono::milliseconds(250);
// After an accept that failed for want of descriptors: not at once again.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr int kBacklog = 512;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// gRPC clients speak `h2` and nothing else.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* bytes,
                   const unsigned char* offered, unsigned offered_bytes, void*) {
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, bytes, kH2, sizeof kH2, offered, offered_bytes) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

absl::StatusOr<TlsContext> MakeTls(const Certificates& certificates) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  const absl::Status status =
      PrepareServerContext(native, certificates, ClientCertificates::kRequired);
  if (!status.ok()) return status;
  SSL_CTX_set_alpn_select_cb(native, ChooseProtocol, nullptr);
  return context;
}

}  // namespace

struct Http2Front::Impl {
  Impl(Http2FrontOptions options, std::function<void(int)> serve, Logger& log)
      : state(std::move(options), std::move(serve), log),
        acceptor(context),
        accept_pause(context),
        sweep(context) {}

  absl::Status Listen();
  asio::awaitable<void> Accept();
  asio::awaitable<void> Sweep();
  void Take(tcp::socket socket);
  // A copy: who looks through it may close some.
  std::vector<std::shared_ptr<Connection>> All() const {
    return {state.connections.begin(), state.connections.end()};
  }
  // Runs `work` on the front's thread and waits for it.
  void Do(const std::function<void()>& work);

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running{context.get_executor()};
  internal::FrontState state;
  TlsContext tls;  // null: plain text
  tcp::acceptor acceptor;
  asio::steady_timer accept_pause;
  asio::steady_timer sweep;
  bool stopping = false;
  std::string address;
  std::thread thread;
};

absl::Status Http2Front::Impl::Listen() {
  const auto host_port = ParseHostPort(state.options.listen);
  if (!host_port.ok()) return host_port.status();
  boost::system::error_code error;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host_port->host, StrCat(host_port->port), error);
  tcp::endpoint endpoint;
  if (!error) endpoint = found.begin()->endpoint();
  if (!error) acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) {
    return absl::UnavailableError(
        StrCat("cannot listen for gRPC on ", state.options.listen, ": ", error.message()));
  }
  address =
      StrCat(host_port->host.find(':') == std::string::npos ? host_port->host
                                                            : StrCat("[", host_port->host, "]"),
             ":", acceptor.local_endpoint(error).port());
  return absl::OkStatus();
}

asio::awaitable<void> Http2Front::Impl::Accept() {
  TokenBucket turns(limits::kGrpcConnectionsPerSecondMax, limits::kGrpcConnectionsBurstMax, Now());
  while (state.accepting) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (!state.accepting) co_return;
    std::chrono::nanoseconds wait = kAcceptPause;
    if (!error) {
      Take(std::move(socket));
      wait = turns.Owe(1, Now());
    }
    if (wait.count() == 0) continue;
    accept_pause.expires_after(wait);
    co_await accept_pause.async_wait(kAwait);
  }
}

void Http2Front::Impl::Take(tcp::socket socket) {
  if (state.connections.size() >= state.options.connections_max) {
    std::shared_ptr<Connection> idle;
    for (const auto& connection : state.connections) {
      if (connection->guard.open_calls() > 0) continue;
      if (idle == nullptr || connection->idle_since < idle->idle_since) idle = connection;
    }
    if (idle == nullptr) {
      boost::system::error_code ignored;
      return state.Count(Cut::kConnectionLimit,
                         socket.remote_endpoint(ignored).address().to_string(), 0, "");
    }
    idle->End(Cut::kIdleGaveWay);
  }
  internal::StartConnection(std::move(socket), tls, state, context);
}

asio::awaitable<void> Http2Front::Impl::Sweep() {
  while (!stopping) {
    sweep.expires_after(kSweepInterval);
    co_await sweep.async_wait(kAwait);
    for (const auto& connection : All()) connection->CheckDeadlines(Now());
  }
}

void Http2Front::Impl::Do(const std::function<void()>& work) {
  std::promise<void> done;
  asio::post(context, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

Http2Front::Http2Front(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Http2Front::~Http2Front() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Http2Front>> Http2Front::Start(Http2FrontOptions options,
                                                              std::function<void(int)> serve,
                                                              Logger& log) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(serve), log);
  if (impl->state.options.certificates) {
    auto tls = MakeTls(*impl->state.options.certificates);
    if (!tls.ok()) return tls.status();
    impl->tls = *std::move(tls);
  }
  if (absl::Status status = impl->Listen(); !status.ok()) return status;
  Impl* const raw = impl.get();
  const auto tell_failure = [raw](const std::exception_ptr& failure) {
    if (failure != nullptr) raw->state.Count(Cut::kInternal, "", 0, "the front's own coroutine");
  };
  asio::co_spawn(
      raw->context, [raw] { return raw->Accept(); }, tell_failure);
  asio::co_spawn(
      raw->context, [raw] { return raw->Sweep(); }, tell_failure);
  raw->thread = std::thread([raw] { raw->context.run(); });
  return std::unique_ptr<Http2Front>(new Http2Front(std::move(impl)));
}

const std::string& Http2Front::address() const { return impl_->address; }

absl::Status Http2Front::ReplaceCertificates(const Certificates& certificates) {
  auto tls = MakeTls(certificates);
  if (!tls.ok()) return tls.status();
  impl_->Do([&] { impl_->tls = *tls; });
  return absl::OkStatus();
}

void Http2Front::StopAccepting() {
  if (!impl_->thread.joinable()) return;
  impl_->Do([this] {
    impl_->state.accepting = false;
    boost::system::error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->accept_pause.cancel();
    for (const auto& connection : impl_->All()) {
      if (!connection->served) connection->Close();
    }
  });
}

void Http2Front::Stop(absl::Duration deadline) {
  if (!impl_->thread.joinable()) return;
  StopAccepting();
  {
    internal::FrontState& state = impl_->state;
    const auto end = Now() + absl::ToChronoNanoseconds(deadline);
    MutexLock lock(state.mutex);
    while (state.connection_count > 0 && Now() < end) {
      state.changed.WaitFor(state.mutex, end - Now());
    }
  }
  impl_->Do([this] {
    impl_->stopping = true;
    impl_->sweep.cancel();
    for (const auto& connection : impl_->All()) connection->Close();
    impl_->keep_running.reset();
  });
  impl_->thread.join();
}

uint64_t Http2Front::cut_total(Cut cut) const {
  return impl_->state.cuts[static_cast<size_t>(cut)].load(std::memory_order_relaxed);
}

size_t Http2Front::connection_count() const {
  MutexLock lock(impl_->state.mutex);
  return impl_->state.connection_count;
}

}  // namespace hookbridge
