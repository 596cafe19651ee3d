#include "server/journal/append_queue.h"

#include "absl/time/time.h"

#include <chrono>
#include <utility>

namespace hookbridge {
namespace {

uint64_t BytesOf(const AppendRequest& request) {
  uint64_t bytes = request.body_run.size();
  for (const NewEvent& event : request.events) bytes += event.event->bytes();
  return bytes;
}

}  // namespace

absl::Status AppendQueue::Fits(const Load& load, std::string_view source, Load more) const {
  if (closed_) return absl::UnavailableError("journal: shutting down");
  if (load.events + more.events > limits_.events_max ||
      load.bytes + more.bytes > limits_.bytes_max) {
    return absl::ResourceExhaustedError("journal: the append queue is full");
  }
  const auto it = by_source_.find(source);
  const Load share = it == by_source_.end() ? Load{} : it->second;
  if (share.events + more.events > limits_.events_max / 2 ||
      share.bytes + more.bytes > limits_.bytes_max / 2) {
    return absl::ResourceExhaustedError("journal: the source's half of the append queue is full");
  }
  return absl::OkStatus();
}

absl::Status AppendQueue::CanPush(std::string_view source) const {
  MutexLock lock(mutex_);
  return Fits(total_, source, {.events = 1, .bytes = 0});
}

absl::Status AppendQueue::Push(AppendRequest& request) {
  const Load more{.events = request.events.size(), .bytes = BytesOf(request)};
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    if (absl::Status status = Fits(total_, request.source, more); !status.ok()) return status;
    total_.events += more.events;
    total_.bytes += more.bytes;
    Load& share = by_source_[request.source];
    share.events += more.events;
    share.bytes += more.bytes;
    was_empty = waiting_.empty();
    const std::string source = request.source;
    waiting_.Push(source, more.bytes, std::move(request));
  }
  if (was_empty) not_empty_.NotifyOne();
  return absl::OkStatus();
}

std::vector<AppendRequest> AppendQueue::PopGroup(size_t events_max, uint64_t bytes_max,
                                                 absl::Duration timeout) {
  MutexLock lock(mutex_);
  if (waiting_.empty() && !closed_ && !woken_) {
    not_empty_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout));
  }
  woken_ = false;
  std::vector<AppendRequest> group;
  Load taken;
  while (const AppendRequest* const next = waiting_.Peek()) {
    const Load more{.events = next->events.size(), .bytes = waiting_.next_cost()};
    if (!group.empty() &&
        (taken.events + more.events > events_max || taken.bytes + more.bytes > bytes_max)) {
      break;
    }
    taken.events += more.events;
    taken.bytes += more.bytes;
    group.push_back(*waiting_.Pop());
    Subtract(group.back().source, more);
  }
  return group;
}

void AppendQueue::Subtract(const std::string& source, const Load& less) {
  total_.events -= less.events;
  total_.bytes -= less.bytes;
  const auto it = by_source_.find(source);
  it->second.events -= less.events;
  it->second.bytes -= less.bytes;
  if (it->second.events == 0) by_source_.erase(it);
}

void AppendQueue::Wake() {
  {
    MutexLock lock(mutex_);
    woken_ = true;
  }
  not_empty_.NotifyOne();
}

void AppendQueue::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  not_empty_.NotifyOne();
}

}  // namespace hookbridge
