#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

namespace hookbridge::hookctl {

// Holds SIGINT and SIGTERM back from this thread and those started after it, for its lifetime.
class SignalBlock {
 public:
  SignalBlock();
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

  const sigset_t& signals() const { return signals_; }

 private:
  sigset_t signals_;
  sigset_t before_;
};

// Calls `on_interrupt` once, on a thread of its own, at the first signal that the block holds back.
// Ownership: the block, and what `on_interrupt` refers to, outlive it.
class InterruptWatch {
 public:
  InterruptWatch(const SignalBlock& block, std::function<void()> on_interrupt);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool interrupted() const { return interrupted_; }

 private:
  const std::function<void()> on_interrupt_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> interrupted_{false};
  std::thread thread_;
};

}  // namespace hookbridge::hookctl
