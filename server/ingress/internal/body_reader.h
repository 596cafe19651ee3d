#pragma once

#include "server/ingress/internal/chunks.h"
#include "server/ingress/internal/connection.h"
#include "server/ingress/internal/head.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace hookbridge {

// A body that is refused: close the connection after this status.
struct BodyRefusal {
  Reason reason = Reason::kInternal;
  int status = 400;
  std::string_view rule = {};
};

// Reads the body of one request. Memory grows with what has come, not with what was announced, and
// so does the charge; a body that comes too slowly runs into the connection's deadline. Strand: the
// lane's thread.
template <typename Stream>
class BodyReader {
 public:
  BodyReader(Connection<Stream>& connection, Admission& admission, const IngressState& state)
      : connection_(connection),
        admission_(admission),
        state_(state),
        end_(std::chrono::steady_clock::now() + state.timeouts.body),
        window_bytes_min_(state.config.body_bytes_per_second_min() *
                          static_cast<uint64_t>(state.timeouts.body_rate_window.count()) / 1000) {}

  // False: refused, or the connection has ended.
  Awaitable<bool> Read(const Head& head, std::string& body) {
    connection_.Enter(Phase::kBody, state_.timeouts.body_rate_window);
    if (head.expect_continue && connection_.buffer().size() == 0) {
      static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await connection_.Write(kContinue)) co_return false;
    }
    if (head.chunked) co_return co_await ReadChunks(body);
    co_return co_await ReadSized(*head.content_length, body);
  }

  const std::optional<BodyRefusal>& refusal() const { return refusal_; }

 private:
  // Admission has compared the size with its limit.
  Awaitable<bool> ReadSized(uint64_t size, std::string& body) {
    auto& buffer = connection_.buffer();
    size_t have = std::min<size_t>(buffer.size(), size);
    body.assign(static_cast<const char*>(buffer.data().data()), have);
    buffer.consume(have);
    if (!Charge(have)) co_return false;
    while (have < size) {
      const size_t step = std::min<size_t>(size - have, std::clamp(have, kStepMin, kStepMax));
      if (body.size() < have + step) body.resize(have + step);
      const auto [error, bytes] = co_await connection_.stream().async_read_some(
          boost::asio::buffer(body.data() + have, step), kAwait);
      if (error) co_return false;
      have += bytes;
      if (!Charge(bytes)) co_return false;
    }
    body.resize(have);
    co_return true;
  }

  Awaitable<bool> ReadChunks(std::string& body) {
    using State = ChunkDecoder::State;
    ChunkDecoder decoder({.body_bytes_max = admission_.body_bytes_max,
                          .line_bytes_max = limits::kChunkLineBytesMax,
                          .trailer_bytes_max = limits::kTrailerBytesMax,
                          .trailer_lines_max = state_.config.header_lines_max()});
    while (true) {
      const size_t before = body.size();
      connection_.buffer().consume(decoder.Decode(connection_.Buffered(), body));
      if (!Charge(body.size() - before)) co_return false;
      switch (decoder.state()) {
        case State::kDone:
          co_return true;
        case State::kMore:
          break;
        case State::kBodyTooLarge:
          co_return Refuse({Reason::kBodyTooLarge, 413, "body_bytes_max"});
        case State::kTrailerTooLarge:
          co_return Refuse({Reason::kHeaderTooLarge, 431, "the trailers are too large"});
        case State::kMalformed:
          co_return Refuse({Reason::kMalformedHttp, 400, decoder.rule()});
      }
      if (!co_await connection_.ReadSome()) co_return false;
    }
  }

  // So many bytes of the body have come.
  bool Charge(size_t bytes) {
    window_bytes_ += bytes;
    if (window_bytes_ >= window_bytes_min_) {
      window_bytes_ = 0;
      const auto now = std::chrono::steady_clock::now();
      connection_.SetDeadline(std::min(end_, now + state_.timeouts.body_rate_window));
    }
    if (bytes == 0 || admission_.ticket == nullptr || admission_.ticket->Grow(bytes)) return true;
    return Refuse({Reason::kOverload, 503, "the budget of bodies is spent"});
  }

  bool Refuse(const BodyRefusal& refusal) {
    refusal_ = refusal;
    return false;
  }

  static constexpr size_t kStepMin = 16 << 10;
  static constexpr size_t kStepMax = 256 << 10;

  Connection<Stream>& connection_;
  Admission& admission_;
  const IngressState& state_;
  const SteadyTime end_;
  const uint64_t window_bytes_min_;
  uint64_t window_bytes_ = 0;
  std::optional<BodyRefusal> refusal_;
};

}  // namespace hookbridge
