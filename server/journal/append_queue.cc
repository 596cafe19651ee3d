#include "server/journal/append_queue.h"

#include "absl/time/time.h"

#include <chrono>
#include <iterator>
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
    waiting_.push_back(std::move(request));
  }
  if (was_empty) not_empty_.NotifyOne();
  return absl::OkStatus();
}

std::vector<AppendRequest> AppendQueue::PopGroup(size_t events_max, absl::Duration timeout) {
  MutexLock lock(mutex_);
  if (waiting_.empty() && !closed_ && !woken_) {
    not_empty_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout));
  }
  woken_ = false;
  size_t events = 0;
  size_t requests = 0;
  while (requests < waiting_.size()) {
    events += waiting_[requests].events.size();
    if (requests > 0 && events > events_max) break;
    ++requests;
  }
  std::vector<AppendRequest> group;
  if (requests == waiting_.size()) {
    group.swap(waiting_);
    total_ = {};
    by_source_.clear();
    return group;
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(requests);
  group.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  for (const AppendRequest& request : group) {
    const uint64_t bytes = BytesOf(request);
    total_.events -= request.events.size();
    total_.bytes -= bytes;
    Load& share = by_source_[request.source];
    share.events -= request.events.size();
    share.bytes -= bytes;
  }
  return group;
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
