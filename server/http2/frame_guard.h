#pragma once

#include "server/base/limits.h"
#include "server/http2/token_bucket.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace hookbridge {

// Why the bridge ends a connection.
enum class Cut : uint8_t {
  kConnectionLimit,
  kIdleGaveWay,
  kHandshakeFailed,
  kHandshakeTimeout,
  kWriteTimeout,
  kNotHttp2,
  kFrameTooLarge,
  kHeaderBlockTooLarge,
  kTooManyCalls,
  kTooManyResets,
  kTooManyControlFrames,
  kTooManyPings,
  kUnfinishedRequests,
  kInternal,
};
inline constexpr size_t kCutCount = 14;

// The word in the log: `too_many_resets`.
std::string_view CutName(Cut cut);

// Watches one HTTP/2 connection by the heads of its frames (RFC 9113, 4.1), and says when the
// client does what no client of a gRPC service needs. Keeps nothing of a frame but its head, and
// one entry for each open call. What it counts is what the server must hold or answer: calls,
// resets (a call that is reset leaves its count at once, but not the server's memory), control
// frames, header blocks, and requests that have begun and not ended. Control frames that answer
// what the server sends cost nothing: each frame and each KiB of its answers pays for one.
// Threads: thread-compatible.
class FrameGuard {
 public:
  FrameGuard(uint32_t calls_max, SteadyTime now);

  struct Step {
    size_t bytes = 0;    // looked at, and good to pass on when there is no `cut`
    uint32_t calls = 0;  // that begin in them, at most limits::kGrpcCallsAtOnce
    std::optional<Cut> cut = std::nullopt;
  };
  // The next bytes that the client sent; never empty.
  Step FromClient(std::string_view bytes, SteadyTime now);
  // The next bytes that the server sent.
  void FromServer(std::string_view bytes);

  // Whether the client has spoken HTTP/2: its preface and first SETTINGS are here.
  bool spoke() const { return spoke_; }
  size_t open_calls() const { return calls_.size(); }
  uint64_t calls_begun() const { return calls_begun_; }
  // Bytes of requests that have not ended.
  uint64_t unfinished_bytes() const { return unfinished_bytes_; }

 private:
  struct Frame {
    uint32_t bytes = 0;
    uint8_t type = 0;
    uint8_t flags = 0;
    uint32_t stream = 0;
  };
  // Where one direction is.
  struct Place {
    std::array<unsigned char, 9> head{};
    size_t head_bytes = 0;
    uint32_t payload_left = 0;
  };
  struct Call {
    bool client_ended = false;
    bool server_ended = false;
    uint64_t unfinished_bytes = 0;
  };

  // Goes on to the end of the next head or payload; the frame whose head has ended.
  static std::optional<Frame> Advance(std::string_view bytes, size_t& at, Place& place);
  std::optional<Cut> ReadPreface(std::string_view bytes, size_t& at);
  std::optional<Cut> OnClientFrame(const Frame& frame, SteadyTime now, uint32_t& calls);
  std::optional<Cut> OnHeaders(const Frame& frame, SteadyTime now, uint32_t& calls);
  std::optional<Cut> OnData(const Frame& frame, SteadyTime now);
  std::optional<Cut> OnControl(SteadyTime now);
  void OnServerFrame(const Frame& frame);
  void ClientEnded(uint32_t stream);
  void Forget(uint32_t stream);

  const uint32_t calls_max_;
  TokenBucket resets_;
  TokenBucket control_frames_;
  TokenBucket pings_;
  Place from_client_;
  Place from_server_;
  size_t preface_bytes_ = 0;
  bool spoke_ = false;
  bool settings_acknowledged_ = false;
  uint32_t highest_stream_ = 0;
  uint32_t block_stream_ = 0;  // whose header block goes on in CONTINUATION; 0: none
  uint64_t block_bytes_ = 0;
  uint64_t calls_begun_ = 0;
  uint64_t unfinished_bytes_ = 0;
  std::unordered_map<uint32_t, Call> calls_;
};

}  // namespace hookbridge
