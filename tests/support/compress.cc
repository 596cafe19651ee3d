#include "tests/support/compress.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>

namespace hookbridge {
namespace {

constexpr int kGzipHeader = 16;

std::string Deflate(std::string_view bytes, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

std::string Brotli(std::string_view bytes) {
  size_t size = BrotliEncoderMaxCompressedSize(bytes.size()) + 16;
  std::string out(size, '\0');
  BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, bytes.size(),
                        reinterpret_cast<const uint8_t*>(bytes.data()), &size,
                        reinterpret_cast<uint8_t*>(out.data()));
  out.resize(size);
  return out;
}

}  // namespace

std::string Compress(ContentCoding coding, std::string_view bytes) {
  switch (coding) {
    case ContentCoding::kGzip:
      return Deflate(bytes, MAX_WBITS + kGzipHeader);
    case ContentCoding::kDeflate:
      return Deflate(bytes, MAX_WBITS);
    case ContentCoding::kZstd:
      return Zstd(bytes);
    case ContentCoding::kBrotli:
      return Brotli(bytes);
    case ContentCoding::kNone:
      break;
  }
  return std::string(bytes);
}

std::string CompressRawDeflate(std::string_view bytes) { return Deflate(bytes, -MAX_WBITS); }

}  // namespace hookbridge
