#include "server/admission.h"

namespace hookbridge {

class BodyBudget::Ticket final : public AdmissionTicket {
 public:
  Ticket(BodyBudget& budget, Share& share, uint64_t bytes)
      : budget_(budget), share_(share), bytes_(bytes) {}
  ~Ticket() override { budget_.Give(share_, bytes_); }

  bool Grow(uint64_t bytes) override {
    if (!budget_.Take(share_, bytes)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  BodyBudget& budget_;
  Share& share_;
  uint64_t bytes_;
};

std::unique_ptr<AdmissionTicket> BodyBudget::Reserve(Share& share, uint64_t bytes) {
  if (!Take(share, bytes)) return nullptr;
  return std::make_unique<Ticket>(*this, share, bytes);
}

bool BodyBudget::Take(Share& share, uint64_t bytes) {
  if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > bytes_max_) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  if (share.bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > bytes_max_ / 2) {
    share.bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  return true;
}

void BodyBudget::Give(Share& share, uint64_t bytes) {
  share.bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace hookbridge
