#pragma once

#include "server/base/fair_queue.h"
#include "server/ingress/internal/pace.h"

#include "absl/functional/any_invocable.h"
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <string_view>

// What takes a lane's thread for long waits its turn. Lane-bound: everything on the lane's thread.
namespace hookbridge {

using Work = absl::AnyInvocable<void()>;

// TLS handshakes: so many a second, the others in turn by address. A handshake costs about a
// thousand times what its first bytes cost the sender, so what it may take of a lane is bounded.
class HandshakeTurns {
 public:
  HandshakeTurns(boost::asio::io_context& context, uint32_t per_second);

  // Runs `work` when it may begin, never from inside this call.
  void Ask(std::string_view owner, Work work);
  // Runs what waits, at once.
  void Stop();

 private:
  void RunDue();

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  Pace pace_;
  FairQueue<Work> waiting_;
  bool armed_ = false;
};

// Large bodies: one piece of work each time around the event loop, in turn by source, so that what
// is small passes between them.
class LargeTurns {
 public:
  explicit LargeTurns(boost::asio::io_context& context) : context_(context) {}

  // Runs `work` in its turn, never from inside this call.
  void Ask(std::string_view source, uint64_t bytes, Work work);

 private:
  void Post();

  boost::asio::io_context& context_;
  FairQueue<Work> waiting_;
};

}  // namespace hookbridge
