#include "server/ingress/internal/lane.h"

#include "server/base/config.h"
#include "server/base/limits.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

// Often enough that no deadline is missed by more than an eighth, or a quarter second.
std::chrono::milliseconds SweepInterval(const PhaseTimeouts& timeouts) {
  const auto shortest = std::min({timeouts.handshake, timeouts.idle, timeouts.header, timeouts.body,
                                  timeouts.body_rate_window, timeouts.handler, timeouts.write});
  return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  return absl::ToChronoMilliseconds(ToDuration(duration));
}

}  // namespace

PhaseTimeouts::PhaseTimeouts(const config::v1::Ingress& config)
    : handshake(ToMilliseconds(config.handshake_timeout())),
      idle(ToMilliseconds(config.idle_timeout())),
      header(ToMilliseconds(config.header_timeout())),
      body(ToMilliseconds(config.body_timeout())),
      handler(ToMilliseconds(config.handler_timeout())),
      write(ToMilliseconds(config.write_timeout())),
      body_rate_window(std::min(absl::ToChronoMilliseconds(limits::kBodyRateWindow), body / 4)) {}

IngressLane::IngressLane(size_t index, IngressState& state)
    : index_(index),
      state_(state),
      context_(1),
      work_(context_.get_executor()),
      sweep_timer_(context_),
      sweep_interval_(SweepInterval(state.timeouts)),
      handshakes_(context_, state.config.handshakes_per_second_max()),
      large_(context_),
      random_(std::random_device()()) {}

IngressLane::~IngressLane() { Stop(); }

void IngressLane::Post(absl::AnyInvocable<void()> work) {
  boost::asio::post(context_, std::move(work));
}

void IngressLane::Start() {
  ArmSweep();
  thread_ = std::thread([this] { context_.run(); });
}

std::string IngressLane::NewRequestId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  id.reserve(32);
  for (int word = 0; word < 2; ++word) {
    uint64_t bits = random_();
    for (int i = 0; i < 16; ++i, bits >>= 4) id.push_back(kDigits[bits & 15]);
  }
  return id;
}

void IngressLane::ArmSweep() {
  sweep_timer_.expires_after(sweep_interval_);
  sweep_timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopping_) return;
    Sweep();
    ArmSweep();
  });
}

void IngressLane::Sweep() {
  const SteadyTime now = std::chrono::steady_clock::now();
  const bool end_idle =
      state_.draining.load(std::memory_order_acquire) && now >= state_.drain_idle_end;
  // Expire can end a session and so change the set.
  const std::vector<TimedSession*> sessions(sessions_.begin(), sessions_.end());
  for (TimedSession* const session : sessions) {
    if (!sessions_.contains(session)) continue;
    if (session->deadline <= now) {
      session->Expire();
    } else if (end_idle) {
      session->EndIfIdle();
    }
  }
}

void IngressLane::Stop() {
  if (!thread_.joinable()) return;
  Post([this] {
    stopping_ = true;
    sweep_timer_.cancel();
    const std::vector<TimedSession*> sessions(sessions_.begin(), sessions_.end());
    for (TimedSession* const session : sessions) {
      if (sessions_.contains(session)) session->Close();
    }
    handshakes_.Stop();
    work_.reset();
  });
  thread_.join();
}

}  // namespace hookbridge
