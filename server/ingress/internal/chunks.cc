#include "server/ingress/internal/chunks.h"

#include "server/ingress/internal/field_syntax.h"

#include <algorithm>

namespace hookbridge {
namespace {

constexpr size_t kSizeDigitsMax = 16;

// 16 for what is no hexadecimal digit.
unsigned HexValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

// Whether the line that begins here can end, with its CRLF, within so many bytes. Asked before what
// is in it, so that the answer does not depend on how the bytes come.
bool CanEndWithin(std::string_view bytes, size_t bytes_max) {
  return std::min(bytes.find_first_of("\r\n"), bytes.size()) + 2 <= bytes_max;
}

}  // namespace

size_t ChunkDecoder::Decode(std::string_view bytes, std::string& body) {
  size_t used = 0;
  while (state_ == State::kMore && used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    size_t step = 0;
    switch (part_) {
      case Part::kSize:
        step = DecodeSize(rest, body.size());
        break;
      case Part::kData:
        step = std::min<uint64_t>(rest.size(), chunk_left_);
        body.append(rest.substr(0, step));
        chunk_left_ -= step;
        if (chunk_left_ == 0) part_ = Part::kDataEnd;
        break;
      case Part::kDataEnd:
        step = DecodeDataEnd(rest);
        break;
      case Part::kTrailer:
        step = DecodeTrailer(rest);
        break;
    }
    if (step == 0) break;
    used += step;
  }
  return used;
}

size_t ChunkDecoder::DecodeSize(std::string_view bytes, uint64_t body_bytes) {
  if (!CanEndWithin(bytes, limits_.line_bytes_max))
    return Malformed("a chunk's size line is too long");
  const size_t line_bytes = LineBytes(bytes);
  if (line_bytes == 0) return 0;
  const std::string_view line = bytes.substr(0, line_bytes - 2);
  uint64_t size = 0;
  size_t digits = 0;
  for (; digits < line.size() && HexValue(line[digits]) < 16; ++digits) {
    if (digits == kSizeDigitsMax) return Malformed("a chunk's size has too many digits");
    size = size * 16 + HexValue(line[digits]);
  }
  const std::string_view extension = line.substr(digits);
  if (digits == 0 || (!extension.empty() && extension.front() != ';') || !IsFieldValue(extension))
    return Malformed("a chunk's size is no hexadecimal number");
  if (size > limits_.body_bytes_max - body_bytes) {
    state_ = State::kBodyTooLarge;
    return 0;
  }
  chunk_left_ = size;
  part_ = size == 0 ? Part::kTrailer : Part::kData;
  return line_bytes;
}

size_t ChunkDecoder::DecodeDataEnd(std::string_view bytes) {
  constexpr std::string_view kEnd = "\r\n";
  if (!kEnd.starts_with(bytes.substr(0, kEnd.size())))
    return Malformed("a chunk is longer than its size");
  if (bytes.size() < kEnd.size()) return 0;
  part_ = Part::kSize;
  return kEnd.size();
}

size_t ChunkDecoder::DecodeTrailer(std::string_view bytes) {
  if (bytes == "\r") return 0;
  if (bytes.starts_with("\r\n")) {
    state_ = State::kDone;
    return 2;
  }
  if (trailer_lines_ == limits_.trailer_lines_max ||
      !CanEndWithin(bytes, limits_.trailer_bytes_max - trailer_bytes_)) {
    state_ = State::kTrailerTooLarge;
    return 0;
  }
  const size_t line_bytes = LineBytes(bytes);
  if (line_bytes == 0) return 0;
  const std::string_view line = bytes.substr(0, line_bytes - 2);
  const size_t colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t') return Malformed("a trailer line is folded");
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)) ||
      !IsFieldValue(line.substr(colon + 1))) {
    return Malformed("a trailer line is no header line");
  }
  trailer_bytes_ += line_bytes;
  ++trailer_lines_;
  return line_bytes;
}

size_t ChunkDecoder::LineBytes(std::string_view bytes) {
  const size_t end = bytes.find_first_of("\r\n");
  if (end == std::string_view::npos) return 0;
  if (bytes[end] == '\r' && end + 1 == bytes.size()) return 0;
  if (bytes.substr(end, 2) != "\r\n") return Malformed("a line of a chunk does not end with CRLF");
  return end + 2;
}

size_t ChunkDecoder::Malformed(std::string_view rule) {
  state_ = State::kMalformed;
  rule_ = rule;
  return 0;
}

}  // namespace hookbridge
