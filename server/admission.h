#pragma once

#include "server/ingress/handler.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace hookbridge {

// Bytes of bodies that are being received and not yet answered, over all connections. One source
// may hold at most half, so its flood does not starve another. Owned by the pipeline; tickets do
// not outlive it. Threads: thread-safe. Never blocks.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Share of one source; its address is the key of the source.
  class Share {
   private:
    friend class BodyBudget;
    std::atomic<uint64_t> bytes_{0};
  };

  // A ticket for `bytes`, or nullptr when the budget or the source's half is spent.
  std::unique_ptr<AdmissionTicket> Reserve(Share& share, uint64_t bytes);

  uint64_t bytes_in_use() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  class Ticket;

  bool Take(Share& share, uint64_t bytes);
  void Give(Share& share, uint64_t bytes);

  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace hookbridge
