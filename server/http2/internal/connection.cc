#include "server/http2/internal/connection.h"

#include "server/base/strings.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace hookbridge::internal {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using PlainStream = tcp::socket;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kFromClientBytes = 16 << 10;
constexpr size_t kFromServerBytes = 64 << 10;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// The client went, which is its right.
bool IsGone(const boost::system::error_code& error) {
  return error == asio::error::eof || error == asio::error::connection_reset ||
         error == asio::error::broken_pipe || error == asio::error::operation_aborted ||
         error == asio::ssl::error::stream_truncated;
}

template <typename Stream>
class StreamConnection final : public Connection {
 public:
  template <typename... Arguments>
  StreamConnection(FrontState& front_state, asio::io_context& context, std::string remote_address,
                   std::shared_ptr<asio::ssl::context> tls, Arguments&&... stream)
      : Connection(front_state, std::move(remote_address), Now()),
        tls_(std::move(tls)),
        stream_(std::forward<Arguments>(stream)...),
        inner_(context),
        pause_(context) {}

  void Start(asio::io_context& context) {
    asio::co_spawn(
        context, [self = Self()] { return self->Run(self); }, CloseOnFailure());
  }

 private:
  // What a coroutine throws, such as for want of memory, ends the connection.
  auto CloseOnFailure() {
    return [self = Self()](const std::exception_ptr& failure) {
      if (failure != nullptr) self->End(Cut::kInternal);
    };
  }

  std::shared_ptr<StreamConnection> Self() {
    return std::static_pointer_cast<StreamConnection>(shared_from_this());
  }

  // `self` keeps the connection while the coroutine runs.
  asio::awaitable<void> Run(std::shared_ptr<StreamConnection> /*self*/) {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
      if (error && IsGone(error)) co_return Close();
      if (error) co_return End(Cut::kHandshakeFailed, error.message());
    }
    if (closed || !state.accepting || !Serve()) co_return Close();
    asio::co_spawn(
        inner_.get_executor(), [self = Self()] { return self->FromServer(self); },
        CloseOnFailure());
    co_await FromClient();
  }

  // A socket pair: one end is the server's.
  bool Serve() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return false;
    boost::system::error_code error;
    inner_.assign(asio::local::stream_protocol(), ends[0], error);
    if (error) {
      close(ends[0]);
      close(ends[1]);
      return false;
    }
    served = true;
    state.serve(ends[1]);
    return true;
  }

  asio::awaitable<void> FromClient() {
    std::vector<char> block(kFromClientBytes);
    const auto buffer = asio::buffer(block);
    while (true) {
      auto [error, count] = co_await stream_.async_read_some(buffer, kAwait);
      if (error || closed) co_return Close();
      std::string_view left(block.data(), count);
      while (!left.empty()) {
        const FrameGuard::Step step = guard.FromClient(left, Now());
        if (step.cut) co_return End(*step.cut);
        Account(Now());
        const auto wait = state.calls.Owe(step.calls, Now());
        if (step.calls > 0 && wait.count() > 0) {
          pause_.expires_after(wait);
          co_await pause_.async_wait(kAwait);
        }
        if (closed) co_return;
        const auto checked = asio::buffer(left.data(), step.bytes);
        auto [failed, written] = co_await asio::async_write(inner_, checked, kAwait);
        if (failed || closed) co_return Close();
        left.remove_prefix(step.bytes);
      }
    }
  }

  asio::awaitable<void> FromServer(std::shared_ptr<StreamConnection> /*self*/) {
    std::vector<char> block(kFromServerBytes);
    const auto buffer = asio::buffer(block);
    while (true) {
      auto [error, count] = co_await inner_.async_read_some(buffer, kAwait);
      if (error || closed) co_return Close();
      guard.FromServer({block.data(), count});
      Account(Now());
      write_began = Now();
      const auto seen = asio::buffer(block.data(), count);
      auto [failed, written] = co_await asio::async_write(stream_, seen, kAwait);
      write_began = SteadyTime::max();
      if (failed || closed) co_return Close();
    }
  }

  void CloseSockets() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
    inner_.close(ignored);
    pause_.cancel();
  }

  const std::shared_ptr<asio::ssl::context> tls_;
  Stream stream_;
  asio::local::stream_protocol::socket inner_;
  asio::steady_timer pause_;
};

}  // namespace

FrontState::FrontState(Http2FrontOptions front_options, std::function<void(int)> front_serve,
                       Logger& front_log)
    : options(std::move(front_options)),
      serve(std::move(front_serve)),
      log(front_log),
      calls(limits::kGrpcCallsPerSecondMax, limits::kGrpcCallsBurstMax, Now()) {}

void FrontState::Count(Cut cut, const std::string& remote, uint64_t calls_begun,
                       std::string_view detail) {
  const uint64_t total = cuts[static_cast<size_t>(cut)].fetch_add(1, std::memory_order_relaxed) + 1;
  log.Warning("grpc_connection_cut", {{"reason", CutName(cut)},
                                      {"remote_address", remote},
                                      {"calls_begun", calls_begun},
                                      {"detail", detail},
                                      {"total", total}});
}

void FrontState::BoundUnfinished() {
  if (unfinished_bytes <= limits::kGrpcUnfinishedBytesMax) return;
  const auto most = std::max_element(
      connections.begin(), connections.end(), [](const auto& one, const auto& other) {
        return one->guard.unfinished_bytes() < other->guard.unfinished_bytes();
      });
  const std::shared_ptr<Connection> connection = *most;
  connection->End(Cut::kUnfinishedRequests);
}

void FrontState::Counted() {
  {
    MutexLock lock(mutex);
    connection_count = connections.size();
  }
  changed.NotifyAll();
}

Connection::Connection(FrontState& front_state, std::string remote_address, SteadyTime now)
    : state(front_state),
      guard(front_state.options.calls_per_connection_max, now),
      remote(std::move(remote_address)),
      began(now),
      idle_since(now) {}

void Connection::End(Cut cut, std::string_view detail) {
  if (closed) return;
  state.Count(cut, remote, guard.calls_begun(), detail);
  Close();
}

void Connection::Close() {
  if (std::exchange(closed, true)) return;
  const auto self = shared_from_this();
  CloseSockets();
  state.unfinished_bytes -= accounted_;
  state.connections.erase(self);
  state.Counted();
}

void Connection::CheckDeadlines(SteadyTime now) {
  if (!guard.spoke() && now - began > absl::ToChronoNanoseconds(state.options.handshake_timeout)) {
    return End(Cut::kHandshakeTimeout);
  }
  if (write_began < now &&
      now - write_began > absl::ToChronoNanoseconds(state.options.write_timeout)) {
    End(Cut::kWriteTimeout);
  }
}

void Connection::Account(SteadyTime now) {
  if (guard.open_calls() > 0) idle_since = now;
  const uint64_t holds = guard.unfinished_bytes();
  if (holds == accounted_) return;
  state.unfinished_bytes += holds - accounted_;
  accounted_ = holds;
  state.BoundUnfinished();
}

void StartConnection(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, FrontState& state,
                     asio::io_context& context) {
  boost::system::error_code error;
  socket.set_option(tcp::no_delay(true), error);
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;
  std::string remote = StrCat(peer.address().to_string(), ":", peer.port());
  const auto keep = [&state](const std::shared_ptr<Connection>& connection) {
    state.connections.insert(connection);
    state.Counted();
  };
  if (tls == nullptr) {
    const auto connection = std::make_shared<StreamConnection<PlainStream>>(
        state, context, std::move(remote), nullptr, std::move(socket));
    keep(connection);
    return connection->Start(context);
  }
  auto& settings = *tls;
  const auto connection = std::make_shared<StreamConnection<TlsStream>>(
      state, context, std::move(remote), std::move(tls), std::move(socket), settings);
  keep(connection);
  connection->Start(context);
}

}  // namespace hookbridge::internal
