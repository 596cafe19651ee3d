#pragma once

#include "server/body/content_coding.h"

#include <cstddef>
#include <memory>

namespace hookbridge {

// What a decoder takes from and writes to; it moves both on.
struct DecoderIo {
  const char* in = nullptr;
  size_t in_bytes = 0;
  char* out = nullptr;
  size_t out_bytes = 0;
};

enum class DecoderStep {
  kMore,  // wants more input or more room
  kEnd,   // a whole stream has ended
  kBad,   // no such stream
};

// One content coding's stream, bit by bit. Ownership: its own state alone. Threads:
// thread-compatible. Blocks: never.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Goes on as far as input and room go.
  virtual DecoderStep Run(DecoderIo& io) = 0;
  // After kEnd: ready for another stream that begins with this byte; false where none may follow.
  virtual bool Restart(char first) = 0;
};

// `first_two`: how the bytes begin, as much as there is. Null for kNone, and when there is no
// memory.
std::unique_ptr<Decoder> MakeDecoder(ContentCoding coding, std::string_view first_two);

}  // namespace hookbridge
