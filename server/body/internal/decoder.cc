#include "server/body/internal/decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace hookbridge {
namespace {

// RFC 9659: what a sender over HTTP may ask for.
constexpr int kZstdWindowBits = 23;
constexpr int kGzipHeader = 16;  // added to the window bits of zlib; negative ones: no header
constexpr char kGzipFirst = '\x1f';

// RFC 1950 section 2.2: deflate in its method, no dictionary, and the check of both bytes. No
// stream without this header begins so, but one whose padding is not zero.
bool IsZlibHeader(std::string_view first_two) {
  if (first_two.size() < 2) return true;
  const auto method = static_cast<unsigned char>(first_two[0]);
  const auto flags = static_cast<unsigned char>(first_two[1]);
  return (method & 0x0f) == Z_DEFLATED && (method >> 4) <= 7 && (method * 256 + flags) % 31 == 0;
}

class ZlibDecoder final : public Decoder {
 public:
  ZlibDecoder(int window_bits, bool has_members) : has_members_(has_members) {
    ready_ = inflateInit2(&stream_, window_bits) == Z_OK;
  }
  ZlibDecoder(const ZlibDecoder&) = delete;
  ZlibDecoder& operator=(const ZlibDecoder&) = delete;
  ~ZlibDecoder() override {
    if (ready_) inflateEnd(&stream_);
  }

  DecoderStep Run(DecoderIo& io) override {
    if (!ready_) return DecoderStep::kBad;
    const auto piece = [](size_t bytes) {
      return static_cast<uInt>(std::min<size_t>(bytes, std::numeric_limits<uInt>::max()));
    };
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(io.in));
    stream_.avail_in = piece(io.in_bytes);
    stream_.next_out = reinterpret_cast<Bytef*>(io.out);
    stream_.avail_out = piece(io.out_bytes);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const auto* const in = reinterpret_cast<const char*>(stream_.next_in);
    auto* const out = reinterpret_cast<char*>(stream_.next_out);
    io.in_bytes -= static_cast<size_t>(in - io.in);
    io.out_bytes -= static_cast<size_t>(out - io.out);
    io.in = in;
    io.out = out;
    if (result == Z_STREAM_END) return DecoderStep::kEnd;
    return result == Z_OK || result == Z_BUF_ERROR ? DecoderStep::kMore : DecoderStep::kBad;
  }

  bool Restart(char first) override {
    return has_members_ && first == kGzipFirst && inflateReset(&stream_) == Z_OK;
  }

 private:
  z_stream stream_{};
  const bool has_members_;
  bool ready_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    ready_ = context_ != nullptr && ZSTD_isError(ZSTD_DCtx_setParameter(
                                        context_, ZSTD_d_windowLogMax, kZstdWindowBits)) == 0;
  }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  DecoderStep Run(DecoderIo& io) override {
    if (!ready_) return DecoderStep::kBad;
    ZSTD_inBuffer in{.src = io.in, .size = io.in_bytes, .pos = 0};
    ZSTD_outBuffer out{.dst = io.out, .size = io.out_bytes, .pos = 0};
    const size_t left = ZSTD_decompressStream(context_, &out, &in);
    io.in += in.pos;
    io.in_bytes -= in.pos;
    io.out += out.pos;
    io.out_bytes -= out.pos;
    if (ZSTD_isError(left) != 0) return DecoderStep::kBad;
    return left == 0 ? DecoderStep::kEnd : DecoderStep::kMore;
  }

  // Frames follow each other, also those to skip (RFC 8878 section 3.1); another byte is an error
  // of the next step.
  bool Restart(char /*first*/) override { return true; }

 private:
  ZSTD_DCtx* const context_;
  bool ready_ = false;
};

class BrotliDecoder final : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;
  ~BrotliDecoder() override {
    if (state_ != nullptr) BrotliDecoderDestroyInstance(state_);
  }

  DecoderStep Run(DecoderIo& io) override {
    if (state_ == nullptr) return DecoderStep::kBad;
    const auto* in = reinterpret_cast<const uint8_t*>(io.in);
    auto* out = reinterpret_cast<uint8_t*>(io.out);
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_, &io.in_bytes, &in, &io.out_bytes, &out, nullptr);
    io.in = reinterpret_cast<const char*>(in);
    io.out = reinterpret_cast<char*>(out);
    if (result == BROTLI_DECODER_RESULT_SUCCESS) return DecoderStep::kEnd;
    return result == BROTLI_DECODER_RESULT_ERROR ? DecoderStep::kBad : DecoderStep::kMore;
  }

  bool Restart(char /*first*/) override { return false; }

 private:
  BrotliDecoderState* const state_;
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(ContentCoding coding, std::string_view first_two) {
  switch (coding) {
    case ContentCoding::kGzip:
      return std::make_unique<ZlibDecoder>(MAX_WBITS + kGzipHeader, /*has_members=*/true);
    case ContentCoding::kDeflate:
      return std::make_unique<ZlibDecoder>(IsZlibHeader(first_two) ? MAX_WBITS : -MAX_WBITS,
                                           /*has_members=*/false);
    case ContentCoding::kZstd:
      return std::make_unique<ZstdDecoder>();
    case ContentCoding::kBrotli:
      return std::make_unique<BrotliDecoder>();
    case ContentCoding::kNone:
      break;
  }
  return nullptr;
}

}  // namespace hookbridge
