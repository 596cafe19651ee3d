#pragma once

#include "server/base/reason.h"

#include "absl/time/time.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace hookbridge {

// Counters of one source since start, or of requests that belong to none. Created by Bridge, one
// per configured source, so the label set is bounded by the configuration. Threads: thread-safe.
class SourceStats {
 public:
  void CountAccepted(absl::Time now) {
    accepted_.fetch_add(1, std::memory_order_relaxed);
    last_receive_ns_.store(absl::ToUnixNanos(now), std::memory_order_relaxed);
  }
  void CountDuplicate() { duplicate_.fetch_add(1, std::memory_order_relaxed); }
  // A duplicate whose body is not the first one's.
  void CountConflict() { conflict_.fetch_add(1, std::memory_order_relaxed); }
  // A request whose signed bytes were there under another event id.
  void CountReplay() { replay_.fetch_add(1, std::memory_order_relaxed); }
  void CountRejected(Reason reason) {
    rejected_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  }

  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  uint64_t duplicate() const { return duplicate_.load(std::memory_order_relaxed); }
  uint64_t conflict() const { return conflict_.load(std::memory_order_relaxed); }
  uint64_t replay() const { return replay_.load(std::memory_order_relaxed); }
  uint64_t rejected(Reason reason) const {
    return rejected_[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
  }
  uint64_t rejected_total() const {
    uint64_t sum = 0;
    for (const auto& count : rejected_) sum += count.load(std::memory_order_relaxed);
    return sum;
  }
  // InfinitePast when none came.
  absl::Time last_receive_time() const {
    const int64_t ns = last_receive_ns_.load(std::memory_order_relaxed);
    return ns == 0 ? absl::InfinitePast() : absl::FromUnixNanos(ns);
  }

 private:
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> duplicate_{0};
  std::atomic<uint64_t> conflict_{0};
  std::atomic<uint64_t> replay_{0};
  std::array<std::atomic<uint64_t>, kReasonCount> rejected_{};
  std::atomic<int64_t> last_receive_ns_{0};
};

}  // namespace hookbridge
