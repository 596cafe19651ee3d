#include "client/hookctl/interrupt.h"

#include <pthread.h>

#include <utility>

namespace hookbridge::hookctl {

SignalBlock::SignalBlock() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

SignalBlock::~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

InterruptWatch::InterruptWatch(const SignalBlock& block, std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)) {
  thread_ = std::thread([this, &block] {
    int signal = 0;
    sigwait(&block.signals(), &signal);
    if (ending_) return;
    interrupted_ = true;
    on_interrupt_();
  });
}

InterruptWatch::~InterruptWatch() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

}  // namespace hookbridge::hookctl
