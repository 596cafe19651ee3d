#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/journal/journal.h"

#include "absl/time/time.h"

#include <thread>

namespace hookbridge {

// Reads a journal from its oldest event to its newest, over and over, at most
// limits::kScrubBytesPerSecond, a pass a day: so damage is found, and logged by the journal, before
// a reader comes to it. Ownership: journal and clock outlive it. Threads: thread-compatible; Start
// begins one of its own, which blocks on the disk. The destructor joins it.
class Scrubber {
 public:
  Scrubber(const Journal& journal, const Clock& clock) : journal_(journal), clock_(clock) {}
  ~Scrubber();

  void Start();
  // Reads one stretch; how long to wait before the next. For Start, and for tests without it.
  absl::Duration Step();

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const Journal& journal_;
  const Clock& clock_;
  Position position_ = 0;  // all up to here is read in this pass
  absl::Duration pass_began_ = -absl::InfiniteDuration();
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace hookbridge
