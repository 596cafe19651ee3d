#pragma once

#include "server/base/clock.h"
#include "server/base/network.h"
#include "server/ingress/handler.h"
#include "server/ingress/internal/connection_counts.h"
#include "server/ingress/internal/turns.h"

#include "hookbridge/config/v1/config.pb.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace hookbridge {

using SteadyTime = std::chrono::steady_clock::time_point;
// The one executor of this room, by its own type: nothing is erased on the way of a request.
using LaneExecutor = boost::asio::io_context::executor_type;
using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, LaneExecutor>;

// How long each phase of a connection may take.
struct PhaseTimeouts {
  explicit PhaseTimeouts(const config::v1::Ingress& config);

  std::chrono::milliseconds handshake, idle, header, body, handler, write;
  std::chrono::milliseconds body_rate_window;
};

// What all lanes share. Immutable but for the counts and what is told of the drain.
struct IngressState {
  IngressState(const config::v1::Ingress& ingress, RequestHandler& request_handler,
               const Clock& wall_clock)
      : config(ingress),
        timeouts(ingress),
        connections(ingress.connections_max(), ingress.connections_per_address_max()),
        handler(request_handler),
        clock(wall_clock) {
    for (const std::string& text : ingress.trusted_proxies()) {
      if (auto network = Network::Parse(text); network.ok()) trusted_proxies.push_back(*network);
    }
  }

  const config::v1::Ingress config;
  const PhaseTimeouts timeouts;
  ConnectionCounts connections;
  std::vector<Network> trusted_proxies;
  RequestHandler& handler;
  const Clock& clock;
  // Set before `draining`: from then on idle connections end.
  SteadyTime drain_idle_end;
  std::atomic<bool> draining{false};
};

// A connection as its lane sees it: something that can run out of time.
class TimedSession {
 public:
  virtual ~TimedSession() = default;
  // The phase's deadline passed.
  virtual void Expire() = 0;
  // Ends it if it waits for a request and nothing of one is there.
  virtual void EndIfIdle() = 0;
  virtual void Close() = 0;
  SteadyTime deadline = SteadyTime::max();
};

// One event loop with its thread. Deadlines are looked after by one sweep for all sessions, so that
// a request re-arms no timer. Everything but Post and Stop runs on the lane's thread.
class IngressLane final : public Lane {
 public:
  IngressLane(size_t index, IngressState& state);
  ~IngressLane() override;

  size_t index() const override { return index_; }
  void Post(absl::AnyInvocable<void()> work) override;

  boost::asio::io_context& context() { return context_; }
  HandshakeTurns& handshakes() { return handshakes_; }
  LargeTurns& large() { return large_; }
  void Start();
  void Add(TimedSession& session) { sessions_.insert(&session); }
  void Remove(TimedSession& session) { sessions_.erase(&session); }
  // 32 hexadecimal digits.
  std::string NewRequestId();

  // Closes all sessions, runs what was posted, joins.
  void Stop();

 private:
  void ArmSweep();
  void Sweep();

  const size_t index_;
  IngressState& state_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  std::chrono::milliseconds sweep_interval_;
  HandshakeTurns handshakes_;
  LargeTurns large_;
  std::unordered_set<TimedSession*> sessions_;
  std::mt19937_64 random_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hookbridge
