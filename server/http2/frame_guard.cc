#include "server/http2/frame_guard.h"

namespace hookbridge {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Frame types and flags, RFC 9113, 6.
constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kResetStream = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPushPromise = 5;
constexpr uint8_t kPing = 6;
constexpr uint8_t kContinuation = 9;
constexpr uint8_t kEndStream = 1;    // DATA, HEADERS
constexpr uint8_t kAcknowledge = 1;  // SETTINGS, PING
constexpr uint8_t kEndHeaders = 4;

// A part of a message that is smaller than this, and not its last, is a control frame: it costs
// the server more than it brings.
constexpr uint32_t kDataBytesLeast = 256;
// What clients take for the limit until they have read the server's SETTINGS.
constexpr uint32_t kCallsBeforeSettings = 100;

}  // namespace

std::string_view CutName(Cut cut) {
  switch (cut) {
    case Cut::kConnectionLimit:
      return "connection_limit";
    case Cut::kIdleGaveWay:
      return "idle_gave_way";
    case Cut::kHandshakeFailed:
      return "handshake_failed";
    case Cut::kHandshakeTimeout:
      return "handshake_timeout";
    case Cut::kWriteTimeout:
      return "write_timeout";
    case Cut::kNotHttp2:
      return "not_http2";
    case Cut::kFrameTooLarge:
      return "frame_too_large";
    case Cut::kHeaderBlockTooLarge:
      return "header_block_too_large";
    case Cut::kTooManyCalls:
      return "too_many_calls";
    case Cut::kTooManyResets:
      return "too_many_resets";
    case Cut::kTooManyControlFrames:
      return "too_many_control_frames";
    case Cut::kTooManyPings:
      return "too_many_pings";
    case Cut::kUnfinishedRequests:
      return "unfinished_requests";
    case Cut::kInternal:
      return "internal";
  }
  return "";
}

FrameGuard::FrameGuard(uint32_t calls_max, SteadyTime now)
    : calls_max_(calls_max),
      resets_(limits::kGrpcResetsPerSecondMax, limits::kGrpcResetsBurstMax, now),
      control_frames_(limits::kGrpcControlFramesPerSecondMax, limits::kGrpcControlFramesBurstMax,
                      now),
      pings_(limits::kGrpcPingsPerSecondMax, limits::kGrpcPingsBurstMax, now) {}

std::optional<FrameGuard::Frame> FrameGuard::Advance(std::string_view bytes, size_t& at,
                                                     Place& place) {
  if (place.payload_left > 0) {
    const size_t skipped = std::min<size_t>(place.payload_left, bytes.size() - at);
    place.payload_left -= static_cast<uint32_t>(skipped);
    at += skipped;
    return std::nullopt;
  }
  place.head[place.head_bytes++] = static_cast<unsigned char>(bytes[at++]);
  if (place.head_bytes < place.head.size()) return std::nullopt;
  place.head_bytes = 0;
  const auto& head = place.head;
  Frame frame;
  frame.bytes = uint32_t{head[0]} << 16 | uint32_t{head[1]} << 8 | head[2];
  frame.type = head[3];
  frame.flags = head[4];
  frame.stream =
      (uint32_t{head[5]} << 24 | uint32_t{head[6]} << 16 | uint32_t{head[7]} << 8 | head[8]) &
      0x7fff'ffffu;
  place.payload_left = frame.bytes;
  return frame;
}

std::optional<Cut> FrameGuard::ReadPreface(std::string_view bytes, size_t& at) {
  while (at < bytes.size() && preface_bytes_ < kPreface.size()) {
    if (bytes[at++] != kPreface[preface_bytes_++]) return Cut::kNotHttp2;
  }
  return std::nullopt;
}

FrameGuard::Step FrameGuard::FromClient(std::string_view bytes, SteadyTime now) {
  Step step;
  step.cut = ReadPreface(bytes, step.bytes);
  while (!step.cut && step.bytes < bytes.size() && step.calls < limits::kGrpcCallsAtOnce) {
    const auto frame = Advance(bytes, step.bytes, from_client_);
    if (frame) step.cut = OnClientFrame(*frame, now, step.calls);
  }
  return step;
}

void FrameGuard::FromServer(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const auto frame = Advance(bytes, at, from_server_);
    if (frame) OnServerFrame(*frame);
  }
}

std::optional<Cut> FrameGuard::OnClientFrame(const Frame& frame, SteadyTime now, uint32_t& calls) {
  if (!spoke_ && frame.type != kSettings) return Cut::kNotHttp2;
  spoke_ = true;
  const bool goes_on = frame.type == kContinuation && frame.stream == block_stream_;
  if ((block_stream_ != 0 || frame.type == kContinuation) && !goes_on) return Cut::kNotHttp2;
  if (frame.type == kData) return OnData(frame, now);
  if (frame.type == kHeaders || frame.type == kContinuation) return OnHeaders(frame, now, calls);
  if (frame.bytes > limits::kGrpcHeaderBlockBytesMax) return Cut::kFrameTooLarge;
  if (frame.type == kPushPromise) return Cut::kNotHttp2;
  if (frame.type == kResetStream) {
    Forget(frame.stream);
    return resets_.Take(now) ? std::nullopt : std::optional(Cut::kTooManyResets);
  }
  if (frame.type == kPing && (frame.flags & kAcknowledge) == 0) {
    return pings_.Take(now) ? std::nullopt : std::optional(Cut::kTooManyPings);
  }
  if (frame.type == kSettings && (frame.flags & kAcknowledge) != 0) settings_acknowledged_ = true;
  return OnControl(now);
}

std::optional<Cut> FrameGuard::OnHeaders(const Frame& frame, SteadyTime now, uint32_t& calls) {
  const bool continued = frame.type == kContinuation;
  block_bytes_ = frame.bytes + (continued ? block_bytes_ : 0);
  block_stream_ = (frame.flags & kEndHeaders) != 0 ? 0 : frame.stream;
  if (block_bytes_ > limits::kGrpcHeaderBlockBytesMax) return Cut::kHeaderBlockTooLarge;
  if (continued) return OnControl(now);
  const bool ended = (frame.flags & kEndStream) != 0;
  if (frame.stream <= highest_stream_) {  // trailers
    if (ended) ClientEnded(frame.stream);
    return OnControl(now);
  }
  if (frame.stream % 2 == 0) return Cut::kNotHttp2;
  const uint32_t most =
      settings_acknowledged_ ? calls_max_ : std::max(calls_max_, kCallsBeforeSettings);
  if (calls_.size() >= most) return Cut::kTooManyCalls;
  highest_stream_ = frame.stream;
  calls_.emplace(frame.stream, Call{.client_ended = ended});
  ++calls_begun_;
  ++calls;
  return std::nullopt;
}

std::optional<Cut> FrameGuard::OnData(const Frame& frame, SteadyTime now) {
  const bool ended = (frame.flags & kEndStream) != 0;
  const auto call = calls_.find(frame.stream);
  if (call == calls_.end() || call->second.client_ended) return OnControl(now);
  if (ended) {
    ClientEnded(frame.stream);
  } else {
    call->second.unfinished_bytes += frame.bytes;
    unfinished_bytes_ += frame.bytes;
  }
  if (unfinished_bytes_ > limits::kGrpcUnfinishedBytesPerConnectionMax) {
    return Cut::kUnfinishedRequests;
  }
  return ended || frame.bytes >= kDataBytesLeast ? std::nullopt : OnControl(now);
}

std::optional<Cut> FrameGuard::OnControl(SteadyTime now) {
  return control_frames_.Take(now) ? std::nullopt : std::optional(Cut::kTooManyControlFrames);
}

void FrameGuard::OnServerFrame(const Frame& frame) {
  if (frame.type == kResetStream) return Forget(frame.stream);
  if (frame.type != kData && frame.type != kHeaders) return;
  control_frames_.Add(1 + frame.bytes / 1024.0);
  pings_.Add(1);
  if ((frame.flags & kEndStream) == 0) return;
  const auto call = calls_.find(frame.stream);
  if (call == calls_.end()) return;
  call->second.server_ended = true;
  if (call->second.client_ended) Forget(frame.stream);
}

void FrameGuard::ClientEnded(uint32_t stream) {
  const auto call = calls_.find(stream);
  if (call == calls_.end()) return;
  call->second.client_ended = true;
  unfinished_bytes_ -= call->second.unfinished_bytes;
  call->second.unfinished_bytes = 0;
  if (call->second.server_ended) calls_.erase(call);
}

void FrameGuard::Forget(uint32_t stream) {
  const auto call = calls_.find(stream);
  if (call == calls_.end()) return;
  unfinished_bytes_ -= call->second.unfinished_bytes;
  calls_.erase(call);
}

}  // namespace hookbridge
