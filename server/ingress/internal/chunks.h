#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hookbridge {

// Decodes a chunked body (RFC 9112 section 7.1) as its bytes come. Strict where servers are known
// to differ: sizes are hexadecimal digits alone, lines end with CRLF, extensions and trailers hold
// no control characters, trailers are not folded. Extensions and trailers are read and dropped.
// Threads: thread-compatible.
class ChunkDecoder {
 public:
  enum class State { kMore, kDone, kMalformed, kBodyTooLarge, kTrailerTooLarge };

  struct Limits {
    uint64_t body_bytes_max = 0;
    size_t line_bytes_max = 0;     // a chunk's size with its extensions
    size_t trailer_bytes_max = 0;  // all trailer lines
    uint32_t trailer_lines_max = 0;
  };

  explicit ChunkDecoder(const Limits& limits) : limits_(limits) {}

  // Reads what it can of `bytes`, appends to `body` what belongs to it, and says how many bytes it
  // used; the caller gives the rest again, with more behind it. Nothing after the state has left
  // kMore.
  size_t Decode(std::string_view bytes, std::string& body);

  State state() const { return state_; }
  // Which rule kMalformed breaks, in constant words.
  std::string_view rule() const { return rule_; }

 private:
  enum class Part { kSize, kData, kDataEnd, kTrailer };

  size_t DecodeSize(std::string_view bytes, uint64_t body_bytes);
  size_t DecodeDataEnd(std::string_view bytes);
  size_t DecodeTrailer(std::string_view bytes);
  // Bytes of the first line with its CRLF; 0 when it has no end yet or is malformed.
  size_t LineBytes(std::string_view bytes);
  size_t Malformed(std::string_view rule);

  const Limits limits_;
  State state_ = State::kMore;
  Part part_ = Part::kSize;
  uint64_t chunk_left_ = 0;
  size_t trailer_bytes_ = 0;
  uint32_t trailer_lines_ = 0;
  std::string_view rule_;
};

}  // namespace hookbridge
