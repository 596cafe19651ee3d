#pragma once

#include "server/base/mutex.h"

#include "absl/time/time.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>

namespace hookbridge {

// A read of a body that holds a place. All are called with the lock of BodyPlaces held.
class BodyPlace {
 public:
  virtual ~BodyPlace() = default;
  // When its client began to wait for nothing: since then a chunk is on its way to it.
  virtual std::optional<std::chrono::steady_clock::time_point> WritingSince() const = 0;
  // Keeps it from ending until GiveUp was called. False: it ends already.
  virtual bool Pin() = 0;
};

// Bounds the reads of bodies: each holds a chunk. Where all places are taken, the one whose client
// has not taken its chunk for longest gives way, if that is longer than `stall`. Ownership: a place
// leaves before it goes. Threads: thread-safe. Never blocks.
class BodyPlaces {
 public:
  using Time = std::chrono::steady_clock::time_point;

  BodyPlaces(size_t places_max, absl::Duration stall) : places_max_(places_max), stall_(stall) {}

  // False: all are taken. Otherwise `place` is in, and `gave_way` is one that had to leave, pinned,
  // or null.
  bool Enter(BodyPlace& place, Time now, BodyPlace** gave_way) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    *gave_way = nullptr;
    if (places_.size() >= places_max_) {
      BodyPlace* const stalled = Longest(now);
      if (stalled == nullptr) return false;
      places_.erase(stalled);
      *gave_way = stalled;
    }
    places_.insert(&place);
    return true;
  }
  void Leave(BodyPlace& place) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    places_.erase(&place);
  }

 private:
  BodyPlace* Longest(Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    BodyPlace* longest = nullptr;
    Time since = now - absl::ToChronoNanoseconds(stall_);
    for (BodyPlace* const place : places_) {
      const auto writing = place->WritingSince();
      if (!writing || *writing > since) continue;
      since = *writing;
      longest = place;
    }
    return longest != nullptr && longest->Pin() ? longest : nullptr;
  }

  const size_t places_max_;
  const absl::Duration stall_;
  Mutex mutex_;
  std::set<BodyPlace*> places_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
