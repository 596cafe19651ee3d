#include "server/admission.h"

#include <utility>

namespace hookbridge {
namespace {

// Adds, unless the sum would be more than `most`.
bool AddUpTo(std::atomic<uint64_t>& sum, uint64_t bytes, uint64_t most) {
  if (sum.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most) return true;
  sum.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

}  // namespace

class BodyBudget::Ticket final : public AdmissionTicket {
 public:
  Ticket(BodyBudget& budget, Share& share, std::string owner)
      : budget_(budget), share_(share), owner_(std::move(owner)) {}
  ~Ticket() override {
    if (bytes_ > 0) budget_.Give(share_, owner_, bytes_);
  }

  bool Grow(uint64_t bytes) override {
    if (!budget_.Take(share_, owner_, bytes)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  BodyBudget& budget_;
  Share& share_;
  const std::string owner_;
  uint64_t bytes_ = 0;
};

std::unique_ptr<AdmissionTicket> BodyBudget::Open(Share& share, std::string owner) {
  if (bytes_.load(std::memory_order_relaxed) >= limits_.bytes_max ||
      share.bytes_.load(std::memory_order_relaxed) >= limits_.bytes_max / 2) {
    return nullptr;
  }
  {
    MutexLock lock(mutex_);
    const auto it = by_owner_.find(owner);
    if (it != by_owner_.end() && it->second >= limits_.owner_bytes_max) return nullptr;
  }
  return std::make_unique<Ticket>(*this, share, std::move(owner));
}

bool BodyBudget::Take(Share& share, const std::string& owner, uint64_t bytes) {
  if (!AddUpTo(bytes_, bytes, limits_.bytes_max)) return false;
  if (AddUpTo(share.bytes_, bytes, limits_.bytes_max / 2)) {
    MutexLock lock(mutex_);
    const auto it = by_owner_.find(owner);
    const uint64_t held = it == by_owner_.end() ? 0 : it->second;
    if (held + bytes <= limits_.owner_bytes_max) {
      by_owner_[owner] = held + bytes;
      return true;
    }
    share.bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void BodyBudget::Give(Share& share, const std::string& owner, uint64_t bytes) {
  {
    MutexLock lock(mutex_);
    const auto it = by_owner_.find(owner);
    it->second -= bytes;
    if (it->second == 0) by_owner_.erase(it);
  }
  share.bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace hookbridge
