#pragma once

#include "server/base/clock.h"
#include "server/delivery/cursor.h"
#include "server/delivery/event_log.h"
#include "server/delivery/filter.h"
#include "server/delivery/pieces.h"
#include "server/delivery/rich_error.h"

#include "hookbridge/v1/delivery_service.pb.h"

#include "absl/time/time.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hookbridge {

struct CursorReadOptions {
  std::string stream_id;
  std::string server_instance;
  absl::Duration end_of_life = absl::InfiniteDuration();  // on the steady clock: its maximum age
};

// What to do next with a stream.
struct WriteStep {
  std::vector<Piece> message;  // one SubscribeResponse
};
struct WaitStep {
  absl::Duration until;  // on the steady clock; or until the head moves
};
struct EndStep {
  RichError status;  // ok(): the read came to its bound
};
using ReadStep = std::variant<WriteStep, WaitStep, EndStep>;

// One cursor read as a state machine: Next is called when the stream can take a message, does one
// thing and says what. Position over the journal; holds no events, so a slow client costs lag and
// no memory. Created by rpc/ from a request, stepped by StreamHub. Threads: thread-compatible. Next
// blocks on the disk where the cache does not have what it needs.
class CursorRead {
 public:
  // INVALID_ARGUMENT names the fields. Does not touch the journal.
  static RichError Create(const v1::SubscribeRequest& request, CursorReadOptions options,
                          const EventLog& log, std::optional<CursorRead>* made);

  ReadStep Next(const Moment& now);
  // From now on Next ends the stream with Ending{DRAINING}.
  void Drain() { draining_ = true; }
  // From now on Next ends the stream with Ending{SUPERSEDED}.
  void Supersede() { superseded_ = true; }

  // As in SubscribeRequest; empty when the client gave none.
  const std::string& client_id() const { return request_.client_id(); }

 private:
  CursorRead(const v1::SubscribeRequest& request, CursorReadOptions options, const EventLog& log)
      : log_(&log), options_(std::move(options)), request_(request) {}

  RichError Configure();
  struct Interruption {
    v1::EndingReason reason;
    RichError status;
  };
  std::optional<Interruption> FindInterruption(const Moment& now) const;
  std::optional<EndStep> ResolveStart();
  std::optional<EndStep> OpenStartCursor(const JournalInfo& info);
  WriteStep Started(const Moment& now);
  bool ReachedBound(const Moment& now) const;
  ReadStep ReadOn(const Moment& now);
  std::optional<WriteStep> Batch(const std::vector<StoredEventPtr>& events, const Moment& now);
  ReadStep AtHead(const Moment& now);
  ReadStep Overtaken(const Moment& now);
  ReadStep Lost(const Moment& now);
  WriteStep Gap(Position to, v1::GapReason reason, const Moment& now);
  WriteStep Heartbeat(const Moment& now);
  ReadStep EndWith(v1::EndingReason reason, RichError status, const Moment& now);
  WriteStep Message(const v1::SubscribeResponse& response, const Moment& now);
  std::string CursorAt(Position position) const;
  RichError Expired() const;

  const EventLog* log_;
  CursorReadOptions options_;
  v1::SubscribeRequest request_;

  // Set by Configure.
  EventFilter filter_;
  ViewRuns runs_;
  size_t batch_events_max_ = 0;
  size_t event_bytes_max_ = 0;
  absl::Duration heartbeat_;
  absl::Time stop_time_ = absl::InfiniteFuture();
  std::optional<uint64_t> events_left_;

  // Moves on.
  bool started_ = false;
  bool draining_ = false;
  bool superseded_ = false;
  bool caught_up_ = false;  // the last message at the head was CaughtUp, and nothing came since
  bool reached_stop_time_ = false;
  Position position_ = 0;  // all up to here is sent or filtered out
  std::optional<Position> stop_position_;
  absl::Duration last_write_;
  std::optional<RichError> end_after_write_;
};

}  // namespace hookbridge
