#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/delivery/cursor_read.h"
#include "server/delivery/pieces.h"
#include "server/delivery/rich_error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace hookbridge {

// The seam to rpc/: one open stream to one client. Called on the hub's thread. After Finish the hub
// does not touch it again.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Starts to write; the hub hears of the end through WriteDone. Must not block.
  virtual void Write(std::vector<Piece> message) = 0;
  // Ends the stream; called exactly once, with no write in flight.
  virtual void Finish(const RichError& status) = 0;
  // Gives up the write in flight, so that its WriteDone comes soon. Must not block.
  virtual void GiveUp() = 0;
};

using StreamKey = uint64_t;

// Registry and driver of all streams: one thread steps those that can go on, because a write
// ended, the head moved or a deadline came. One message is in flight for each stream; reads of the
// journal happen here and never on gRPC's threads. Created by Bridge. Ownership: log and clock
// outlive it; sinks live until their Finish. Threads: thread-safe.
class StreamHub {
 public:
  StreamHub(uint32_t streams_max, EventLog& log, const Clock& clock);
  ~StreamHub();

  // Takes the stream, or says why not (RESOURCE_EXHAUSTED TOO_MANY_STREAMS, UNAVAILABLE DRAINING);
  // then the caller finishes it. An older stream with the same client_id ends with
  // Ending{SUPERSEDED}, once its write in flight has ended.
  RichError Add(StreamSink& sink, CursorRead read, StreamKey* key) ABSL_LOCKS_EXCLUDED(mutex_);
  // The write that Write started has ended; `ok` false: the client is gone.
  void WriteDone(StreamKey key, bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  // The client is gone.
  void Cancel(StreamKey key) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends every stream with Ending{DRAINING} and takes no more; blocks until they have finished, or
  // the deadline. A write that has not ended after limits::kDrainWriteTimeout is given up: its
  // client does not read. False when some are left.
  bool Drain(absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  // Joins the thread. Streams that are left get no more calls.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  size_t stream_count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kReady, kWriting, kWaiting };
  struct Stream {
    Stream(StreamSink& stream_sink, CursorRead stream_read)
        : sink(&stream_sink), read(std::move(stream_read)) {}
    StreamSink* sink;
    CursorRead read;  // the hub's thread only, but for its client_id, which never changes
    State state = State::kReady;
    bool gone = false;
    bool superseded = false;
    absl::Duration due = absl::InfiniteDuration();  // on the steady clock
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<StreamKey> TakeReady() ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveUpWrites() ABSL_LOCKS_EXCLUDED(mutex_);
  void Step(StreamKey key) ABSL_LOCKS_EXCLUDED(mutex_);
  void MakeReady(StreamKey key, Stream& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SupersedeStreamsOf(const std::string& client_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeWaiting(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint32_t streams_max_;
  EventLog& log_;
  const Clock& clock_;
  mutable Mutex mutex_;
  CondVar wake_;
  CondVar finished_;
  std::unordered_map<StreamKey, std::unique_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
  std::vector<StreamKey> ready_ ABSL_GUARDED_BY(mutex_);
  StreamKey next_key_ ABSL_GUARDED_BY(mutex_) = 1;
  bool head_moved_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool give_up_writes_ ABSL_GUARDED_BY(mutex_) = false;  // the thread's next turn does it
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace hookbridge
