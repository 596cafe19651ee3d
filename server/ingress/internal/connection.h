#pragma once

#include "server/base/limits.h"
#include "server/ingress/internal/lane.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hookbridge {

// Coroutines here take their arguments by reference from named locals: GCC 12 destroys temporaries
// of class type in a co_await expression twice.
template <typename T>
using Awaitable = boost::asio::awaitable<T, LaneExecutor>;
using UseAwaitable = boost::asio::use_awaitable_t<LaneExecutor>;
inline constexpr auto kAwait = boost::asio::as_tuple(UseAwaitable());

// What a connection waits for. Each has its deadline.
enum class Phase { kHello, kHandshake, kIdle, kHeader, kBody, kHandler, kWrite, kLinger };

// The wire of one connection, in the clear or in TLS: its buffer, its phase and deadline, and what
// can be done with it. Strand: the lane's thread.
template <typename Stream>
class Connection {
 public:
  static constexpr bool kIsTls = !std::is_same_v<Stream, TcpSocket>;

  Connection(Stream stream, TimedSession& session)
      : stream_(std::move(stream)), session_(session) {}

  Phase phase() const { return phase_; }
  void Enter(Phase phase, std::chrono::milliseconds timeout) {
    phase_ = phase;
    session_.deadline = std::chrono::steady_clock::now() + timeout;
  }
  // The phase goes on, at most until then.
  void SetDeadline(SteadyTime deadline) { session_.deadline = deadline; }

  Stream& stream() { return stream_; }
  TcpSocket& socket() {
    if constexpr (kIsTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  boost::beast::flat_buffer& buffer() { return buffer_; }
  std::string_view Buffered() const {
    return {static_cast<const char*>(buffer_.data().data()), buffer_.size()};
  }
  bool is_open() { return socket().is_open(); }
  // Whether bytes of the peer are there that nobody has read.
  bool HasInput() {
    boost::system::error_code ignored;
    return buffer_.size() > 0 || socket().available(ignored) > 0;
  }

  // Adds to the buffer; false at the end of the connection.
  Awaitable<bool> ReadSome() {
    constexpr size_t kReadBytes = 16 << 10;
    const auto [error, bytes] =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    if (error) co_return false;
    buffer_.commit(bytes);
    co_return true;
  }

  Awaitable<bool> Write(const std::string& text) {
    const auto [error, bytes] =
        co_await boost::asio::async_write(stream_, boost::asio::buffer(text), kAwait);
    co_return !error;
  }

  // Whatever waits for the wire goes on with an error.
  void Cancel() {
    boost::system::error_code ignored;
    session_.deadline = SteadyTime::max();
    socket().cancel(ignored);
  }

  void Close() {
    boost::system::error_code ignored;
    session_.deadline = SteadyTime::max();
    socket().close(ignored);
  }

  // Closes so that the peer sees what was written: in TLS with a close_notify (RFC 8446 section
  // 6.1); where input may come that nobody reads, after it was read and thrown away for a while,
  // because closing over it resets the connection and takes the last answer with it.
  Awaitable<void> End(bool discard_input) {
    const auto end =
        std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(limits::kLingerTime);
    phase_ = Phase::kLinger;
    session_.deadline = end;
    if constexpr (kIsTls) {
      if (is_open()) co_await stream_.async_shutdown(kAwait);
    }
    if (discard_input && is_open()) {
      boost::system::error_code ignored;
      socket().shutdown(TcpSocket::shutdown_send, ignored);
      const auto scratch = std::make_unique<char[]>(kScratchBytes);
      size_t discarded = 0;
      while (discarded < limits::kLingerBytesMax) {
        const auto [error, bytes] = co_await socket().async_read_some(
            boost::asio::buffer(scratch.get(), kScratchBytes), kAwait);
        if (error) break;
        discarded += bytes;
      }
    }
    Close();
  }

 private:
  static constexpr size_t kScratchBytes = 16 << 10;

  Stream stream_;
  TimedSession& session_;
  boost::beast::flat_buffer buffer_;
  Phase phase_ = Phase::kIdle;
};

}  // namespace hookbridge
