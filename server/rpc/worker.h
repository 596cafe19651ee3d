#pragma once

#include "server/base/limits.h"
#include "server/base/mutex.h"

#include "absl/functional/any_invocable.h"

#include <deque>
#include <thread>

namespace hookbridge {

// One thread for what blocks on the disk, so that no gRPC reaction does. At most
// limits::kAdminCallsMax wait. Threads: thread-safe.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}
  ~Worker() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.NotifyOne();
    thread_.join();
  }

  // False: too many wait; `work` will not run.
  bool Do(absl::AnyInvocable<void()> work) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(mutex_);
      if (queue_.size() >= limits::kAdminCallsMax) return false;
      queue_.push_back(std::move(work));
    }
    wake_.NotifyOne();
    return true;
  }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_) {
    while (true) {
      absl::AnyInvocable<void()> work;
      {
        MutexLock lock(mutex_);
        while (queue_.empty() && !stopping_) wake_.Wait(mutex_);
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

  Mutex mutex_;
  CondVar wake_;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace hookbridge
