#include "server/ingress/internal/connection_counts.h"

#include <chrono>
#include <utility>

namespace hookbridge {

std::unique_ptr<ConnectionCounts::Slot> ConnectionCounts::Take(std::string owner,
                                                               std::string_view* why) {
  {
    MutexLock lock(mutex_);
    if (total_ >= max_) {
      *why = "ingress.connections_max";
      return nullptr;
    }
    if (!owner.empty()) {
      uint32_t& count = by_owner_[owner];
      if (count >= per_owner_max_) {
        *why = "ingress.connections_per_address_max";
        return nullptr;
      }
      ++count;
    }
    ++total_;
  }
  return std::make_unique<Slot>(*this, std::move(owner));
}

bool ConnectionCounts::WaitForNone(absl::Duration deadline) {
  const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(deadline);
  MutexLock lock(mutex_);
  while (total_ > 0) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    none_left_.WaitFor(mutex_, end - now);
  }
  return true;
}

void ConnectionCounts::Give(const std::string& owner) {
  MutexLock lock(mutex_);
  if (--total_ == 0) none_left_.NotifyAll();
  if (owner.empty()) return;
  const auto it = by_owner_.find(owner);
  if (--it->second == 0) by_owner_.erase(it);
}

}  // namespace hookbridge
