#pragma once

#include "client/cpp/backoff.h"
#include "client/cpp/connection.h"

#include "hookbridge/v1/delivery_service.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

// Reads events from a bridge and keeps on reading: reconnects, resumes after the last handled
// event, and notices a connection that died silently. Delivery is at least once; handlers
// deduplicate on (event.source, event.dedup_key). client/cpp/examples/subscribe.cc is a whole
// program.
namespace hookbridge {

// What a handler wants next.
enum class Verdict {
  kContinue,  // handled; go on
  kStop,      // handled; Run returns OK
  kFail,      // not handled; Run returns kAborted and the cursor stays before this event
};

struct SubscriberOptions {
  ConnectionOptions connection = {};
  // Filter, start, stop and skip_expired; unset start is LATEST. A reconnect goes on from the last
  // cursor, and what is left of stop_after_events.
  v1::CursorRead read = {};
  v1::PayloadView view = v1::PAYLOAD_VIEW_DATA;
  // Stable name of this consumer; a newer stream with the same name takes over.
  std::string client_id = {};
  uint32_t max_batch_events = 0;  // 0 is the bridge's default
  // Between signs of life on an idle stream, 1 s to 60 s. Three missing ones mean reconnect.
  absl::Duration heartbeat_interval = absl::Seconds(15);
  BackoffPolicy backoff = {};
};

// What Run calls, on its thread, one at a time; all but on_event may be empty. The next message is
// read when the call returns, so a slow handler slows the stream and nothing queues.
struct SubscriberHandlers {
  std::function<Verdict(const v1::Delivery&)> on_event;
  // Keeps the cursor from which a later run resumes, after the events before it were handled: once
  // per batch, and when the stream moved past events that the filter left out. An error ends Run.
  std::function<absl::Status(const std::string& cursor)> save_cursor = {};
  std::function<void(const v1::Started&)> on_started = {};
  std::function<void(const v1::Gap&)> on_gap = {};
  std::function<void(const v1::CaughtUp&)> on_caught_up = {};
  std::function<void(const v1::Heartbeat&)> on_heartbeat = {};
  // Before a wait and another attempt; false ends Run with `status`.
  std::function<bool(const absl::Status& status, absl::Duration wait)> on_disconnect = {};
};

// Does: one cursor read of DeliveryService that lasts until it is stopped.
// Ownership: owns its connection; what the handlers refer to outlives Run.
// Threads: Run on one thread at a time, Stop on any. Blocks: Run until the end.
class Subscriber {
 public:
  // kInvalidArgument: no on_event, or unusable TLS files.
  static absl::StatusOr<std::unique_ptr<Subscriber>> Create(SubscriberOptions options,
                                                            SubscriberHandlers handlers);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // OK: the bound of the read was reached, a handler said kStop, or Stop was called. kAborted: a
  // handler said kFail, or another stream took this client_id over. Else an error that another
  // attempt would not mend, for example CURSOR_EXPIRED (client/cpp/error.h tells the reason), or
  // the error of save_cursor.
  absl::Status Run();

  // Makes Run return soon, also when it has not begun. Not for signal handlers.
  void Stop();

  // Just after the last handled event; empty before the first stream started. For Run's thread, or
  // after Run.
  const std::string& cursor() const;

 private:
  class Impl;
  explicit Subscriber(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge
