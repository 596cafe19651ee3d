#include "server/delivery/stream_hub.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hookbridge {
namespace {

// The longest sleep.
constexpr absl::Duration kSleepMax = absl::Seconds(1);

}  // namespace

StreamHub::StreamHub(uint32_t streams_max, EventLog& log, const Clock& clock)
    : streams_max_(streams_max), log_(log), clock_(clock) {
  log_.SetWake([this] {
    {
      MutexLock lock(mutex_);
      if (head_moved_) return;
      head_moved_ = true;
    }
    wake_.NotifyOne();
  });
  thread_ = std::thread([this] { Run(); });
}

StreamHub::~StreamHub() { Stop(); }

RichError StreamHub::Add(StreamSink& sink, CursorRead read, StreamKey* key) {
  {
    MutexLock lock(mutex_);
    RichError error;
    error.retry_delay = absl::Seconds(1);
    if (draining_ || stopping_) {
      error.code = absl::StatusCode::kUnavailable;
      error.reason = "DRAINING";
      error.message = "the bridge shuts down";
      return error;
    }
    if (streams_.size() >= streams_max_) {
      error.code = absl::StatusCode::kResourceExhausted;
      error.reason = "TOO_MANY_STREAMS";
      error.message = StrCat("all ", streams_max_, " streams are in use");
      return error;
    }
    *key = next_key_++;
    SupersedeStreamsOf(read.client_id());
    auto stream = std::make_unique<Stream>(sink, std::move(read));
    MakeReady(*key, *stream);
    streams_.emplace(*key, std::move(stream));
  }
  wake_.NotifyOne();
  return {};
}

void StreamHub::SupersedeStreamsOf(const std::string& client_id) {
  if (client_id.empty()) return;
  for (const auto& [key, stream] : streams_) {
    if (stream->superseded || stream->read.client_id() != client_id) continue;
    stream->superseded = true;
    if (stream->state == State::kWaiting) MakeReady(key, *stream);
  }
}

void StreamHub::MakeReady(StreamKey key, Stream& stream) {
  stream.state = State::kReady;
  ready_.push_back(key);
}

void StreamHub::WriteDone(StreamKey key, bool ok) {
  {
    MutexLock lock(mutex_);
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    it->second->gone |= !ok;
    MakeReady(key, *it->second);
  }
  wake_.NotifyOne();
}

void StreamHub::Cancel(StreamKey key) {
  {
    MutexLock lock(mutex_);
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    it->second->gone = true;
    if (it->second->state != State::kWaiting) return;  // its step, or its write's end, sees it
    MakeReady(key, *it->second);
  }
  wake_.NotifyOne();
}

void StreamHub::WakeWaiting(absl::Duration now) {
  for (const auto& [key, stream] : streams_) {
    if (stream->state != State::kWaiting) continue;
    if (head_moved_ || draining_ || stream->due <= now) MakeReady(key, *stream);
  }
  head_moved_ = false;
}

std::vector<StreamKey> StreamHub::TakeReady() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration now = clock_.Steady();
    WakeWaiting(now);
    if (!ready_.empty() || give_up_writes_) return std::exchange(ready_, {});
    absl::Duration sleep = kSleepMax;
    for (const auto& [key, stream] : streams_) {
      if (stream->state == State::kWaiting) sleep = std::min(sleep, stream->due - now);
    }
    wake_.WaitFor(mutex_, absl::ToChronoNanoseconds(std::max(sleep, absl::Microseconds(100))));
  }
  return {};
}

void StreamHub::Run() {
  while (true) {
    const std::vector<StreamKey> ready = TakeReady();
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
    GiveUpWrites();
    for (const StreamKey key : ready) Step(key);
  }
}

// On the hub's thread, where Finish is called too: the sinks live while it looks at them.
void StreamHub::GiveUpWrites() {
  std::vector<StreamSink*> stalled;
  {
    MutexLock lock(mutex_);
    if (!std::exchange(give_up_writes_, false)) return;
    for (const auto& [key, stream] : streams_) {
      if (stream->state == State::kWriting) stalled.push_back(stream->sink);
    }
  }
  for (StreamSink* const sink : stalled) sink->GiveUp();
}

void StreamHub::Step(StreamKey key) {
  Stream* stream = nullptr;
  bool gone = false;
  bool draining = false;
  bool superseded = false;
  {
    MutexLock lock(mutex_);
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    stream = it->second.get();  // only this thread erases
    gone = stream->gone;
    draining = draining_;
    superseded = stream->superseded;
  }
  ReadStep step = EndStep{{.code = absl::StatusCode::kCancelled,
                           .message = "the client is gone",
                           .reason = "CANCELLED",
                           .metadata = {},
                           .retry_delay = {},
                           .field_violations = {}}};
  if (!gone) {
    if (draining) stream->read.Drain();
    if (superseded) stream->read.Supersede();
    step = stream->read.Next(ReadClock(clock_));
  }
  if (auto* const write = std::get_if<WriteStep>(&step)) {
    {
      MutexLock lock(mutex_);
      stream->state = State::kWriting;
    }
    stream->sink->Write(std::move(write->message));
    return;
  }
  if (const auto* const wait = std::get_if<WaitStep>(&step)) {
    MutexLock lock(mutex_);
    stream->due = wait->until;
    stream->state = State::kWaiting;
    // What happened while it was stepped must not wait for the next event.
    if (stream->gone || head_moved_ || draining_ != draining || stream->superseded != superseded) {
      MakeReady(key, *stream);
    }
    return;
  }
  StreamSink* const sink = stream->sink;
  {
    MutexLock lock(mutex_);
    streams_.erase(key);
  }
  sink->Finish(std::get<EndStep>(step).status);
  finished_.NotifyAll();
}

bool StreamHub::Drain(absl::Duration deadline) {
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + absl::ToChronoNanoseconds(deadline);
  auto give_up = begin + absl::ToChronoNanoseconds(limits::kDrainWriteTimeout);
  MutexLock lock(mutex_);
  draining_ = true;
  wake_.NotifyOne();
  while (!streams_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    if (now >= give_up) {
      give_up = now + absl::ToChronoNanoseconds(limits::kDrainWriteTimeout);
      give_up_writes_ = true;
      wake_.NotifyOne();
    }
    finished_.WaitFor(mutex_,
                      std::min<std::chrono::nanoseconds>(end - now, std::chrono::milliseconds(20)));
  }
  return true;
}

void StreamHub::Stop() {
  if (!thread_.joinable()) return;
  log_.SetWake(nullptr);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  thread_.join();
}

size_t StreamHub::stream_count() const {
  MutexLock lock(mutex_);
  return streams_.size();
}

}  // namespace hookbridge
