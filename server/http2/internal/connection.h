#pragma once

#include "server/base/mutex.h"
#include "server/http2/front.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>

namespace hookbridge::internal {

class Connection;

// What all connections of a front share. The front's thread only, but for the atomics and
// what the mutex guards.
struct FrontState {
  FrontState(Http2FrontOptions front_options, std::function<void(int)> front_serve,
             Logger& front_log);

  void Count(Cut cut, const std::string& remote, uint64_t calls_begun, std::string_view detail);
  // Ends the connection whose unfinished requests hold most, when all together hold too much.
  void BoundUnfinished();
  // After `connections` has changed.
  void Counted() ABSL_LOCKS_EXCLUDED(mutex);

  const Http2FrontOptions options;
  const std::function<void(int)> serve;
  Logger& log;
  TokenBucket calls;
  bool accepting = true;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  uint64_t unfinished_bytes = 0;
  std::array<std::atomic<uint64_t>, kCutCount> cuts{};
  Mutex mutex;
  CondVar changed;
  size_t connection_count ABSL_GUARDED_BY(mutex) = 0;
};

// One client. Lives in FrontState::connections until Close. The front's thread only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(FrontState& front_state, std::string remote_address, SteadyTime now);
  virtual ~Connection() = default;

  // Counts, logs and closes; nothing when it is closed already.
  void End(Cut cut, std::string_view detail = "");
  void Close();
  // Ends it when a deadline has passed.
  void CheckDeadlines(SteadyTime now);

  FrontState& state;
  FrameGuard guard;
  const std::string remote;
  const SteadyTime began;
  SteadyTime idle_since;                       // while it has no call
  SteadyTime write_began = SteadyTime::max();  // while a write to the client is under way
  bool served = false;
  bool closed = false;

 protected:
  virtual void CloseSockets() = 0;
  // After the guard has seen bytes.
  void Account(SteadyTime now);

 private:
  uint64_t accounted_ = 0;
};

// Serves a socket until one side closes it.
void StartConnection(boost::asio::ip::tcp::socket socket,
                     std::shared_ptr<boost::asio::ssl::context> tls, FrontState& state,
                     boost::asio::io_context& context);

}  // namespace hookbridge::internal
