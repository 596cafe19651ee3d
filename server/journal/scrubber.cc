#include "server/journal/scrubber.h"

#include "server/base/limits.h"

#include <algorithm>

namespace hookbridge {
namespace {

constexpr size_t kStretchEvents = 1'024;
constexpr size_t kStretchBytes = 1 << 20;
constexpr absl::Duration kPassInterval = absl::Hours(24);
// The store cannot be read now.
constexpr absl::Duration kRetryDelay = absl::Minutes(1);
// The longest wait at once.
constexpr absl::Duration kWaitMax = absl::Minutes(1);

}  // namespace

Scrubber::~Scrubber() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Scrubber::Start() {
  thread_ = std::thread([this] { Run(); });
}

absl::Duration Scrubber::Step() {
  const absl::Duration now = clock_.Steady();
  if (position_ == 0) pass_began_ = now;
  const auto events = journal_.Read(position_, kStretchEvents, kStretchBytes);
  if (absl::IsOutOfRange(events.status())) {
    position_ = std::max(position_ + 1, journal_.Info().first - 1);
    return absl::ZeroDuration();
  }
  if (absl::IsDataLoss(events.status())) {
    const auto lost = journal_.FindLost(position_);
    position_ = lost ? lost->last : position_ + 1;
    return absl::ZeroDuration();
  }
  if (!events.ok()) return kRetryDelay;
  if (events->empty()) {
    position_ = 0;
    return std::max(pass_began_ + kPassInterval - now, absl::ZeroDuration());
  }
  uint64_t bytes = 0;
  for (const StoredEventPtr& event : *events) bytes += event->bytes();
  position_ = events->back()->position;
  return absl::Seconds(1) *
         (static_cast<double>(bytes) / static_cast<double>(limits::kScrubBytesPerSecond));
}

void Scrubber::Run() {
  absl::Duration next = clock_.Steady();
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration wait = next - clock_.Steady();
    if (wait > absl::ZeroDuration()) {
      stop_.WaitFor(mutex_, absl::ToChronoNanoseconds(std::min(wait, kWaitMax)));
      continue;
    }
    mutex_.Unlock();
    const absl::Duration delay = Step();
    mutex_.Lock();
    next = clock_.Steady() + delay;
  }
}

}  // namespace hookbridge
