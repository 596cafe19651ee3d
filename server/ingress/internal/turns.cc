#include "server/ingress/internal/turns.h"

#include "server/base/limits.h"

#include <boost/asio/post.hpp>

#include <chrono>
#include <utility>

namespace hookbridge {

HandshakeTurns::HandshakeTurns(boost::asio::io_context& context, uint32_t per_second)
    : context_(context), timer_(context), pace_(per_second, limits::kHandshakeBurst) {}

void HandshakeTurns::Ask(std::string_view owner, Work work) {
  waiting_.Push(owner, 1, std::move(work));
  if (armed_) return;
  armed_ = true;
  boost::asio::post(context_, [this] { RunDue(); });
}

// What one of them does can ask again, or stop everything.
void HandshakeTurns::RunDue() {
  const Pace::Time now = std::chrono::steady_clock::now();
  while (!waiting_.empty() && pace_.next() <= now) {
    pace_.Take(now);
    (*waiting_.Pop())();
  }
  armed_ = !waiting_.empty();
  if (!armed_) return;
  timer_.expires_at(pace_.next());
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) RunDue();
  });
}

void HandshakeTurns::Stop() {
  timer_.cancel();
  while (auto work = waiting_.Pop()) (*work)();
}

void LargeTurns::Ask(std::string_view source, uint64_t bytes, Work work) {
  waiting_.Push(source, bytes, std::move(work));
  if (waiting_.size() == 1) Post();
}

void LargeTurns::Post() {
  boost::asio::post(context_, [this] {
    auto work = waiting_.Pop();
    if (!waiting_.empty()) Post();
    (*work)();
  });
}

}  // namespace hookbridge
