#include "server/body/content_coding.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/internal/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hookbridge {
namespace {

constexpr size_t kFirstRoomBytes = 16 << 10;

constexpr std::array<std::pair<std::string_view, ContentCoding>, 9> kNames = {{
    {"gzip", ContentCoding::kGzip},
    {"x-gzip", ContentCoding::kGzip},
    {"deflate", ContentCoding::kDeflate},
    {"zstd", ContentCoding::kZstd},
    {"br", ContentCoding::kBrotli},
    {"", ContentCoding::kNone},
    {"identity", ContentCoding::kNone},
    // Senders that mean the charset write it here; it changes no byte.
    {"utf-8", ContentCoding::kNone},
    {"utf8", ContentCoding::kNone},
}};

absl::Status Bad(std::string_view word, std::string_view what) {
  return absl::InvalidArgumentError(StrCat(word, ": ", what));
}

// Writes into a text that grows up to a bound, and into one byte beyond, which tells what ends at
// the bound from what goes on.
class BoundedText {
 public:
  explicit BoundedText(uint64_t bytes_max) : bytes_max_(static_cast<size_t>(bytes_max)) {}

  // Room that is not empty.
  void Offer(DecoderIo& io) {
    if (size_ == text_.size() && size_ < bytes_max_) {
      text_.resize(std::min(bytes_max_, std::max(kFirstRoomBytes, 2 * size_)));
    }
    room_ = text_.size() - size_;
    io.out = room_ > 0 ? text_.data() + size_ : &beyond_;
    io.out_bytes = std::max<size_t>(room_, 1);
  }
  // Takes what was written there; false when it is beyond the bound.
  bool Take(const DecoderIo& io) {
    if (room_ == 0) return io.out_bytes == 1;
    size_ += room_ - io.out_bytes;
    return true;
  }
  std::string Finish() && {
    text_.resize(size_);
    return std::move(text_);
  }

 private:
  const size_t bytes_max_;
  std::string text_;
  size_t size_ = 0;
  size_t room_ = 0;  // that was offered; 0: `beyond_`
  char beyond_ = 0;
};

}  // namespace

std::optional<ContentCoding> ContentCodingNamed(std::string_view value) {
  for (const auto& [name, coding] : kNames) {
    if (absl::EqualsIgnoreCase({name.data(), name.size()}, {value.data(), value.size()})) {
      return coding;
    }
  }
  return std::nullopt;
}

uint64_t InflatedBytesMax(uint64_t wire_bytes, uint64_t bytes_max) {
  const uint64_t by_ratio =
      wire_bytes > bytes_max ? bytes_max : wire_bytes * limits::kInflateRatioMax;
  return std::min(bytes_max, std::max(limits::kInflateFreeBytes, by_ratio));
}

absl::StatusOr<std::string> Inflate(ContentCoding coding, std::string_view bytes,
                                    uint64_t bytes_max) {
  const uint64_t bound = InflatedBytesMax(bytes.size(), bytes_max);
  const std::unique_ptr<Decoder> decoder = MakeDecoder(coding, bytes.substr(0, 2));
  if (decoder == nullptr) return Bad("inflate_syntax", "no coding");
  BoundedText text(bound);
  DecoderIo io{.in = bytes.data(), .in_bytes = bytes.size()};
  while (true) {
    text.Offer(io);
    const DecoderStep step = decoder->Run(io);
    if (!text.Take(io)) {
      return absl::ResourceExhaustedError(
          StrCat("inflated_size: more than ", bound, " bytes of ", bytes.size()));
    }
    const size_t at = bytes.size() - io.in_bytes;
    if (step == DecoderStep::kBad) return Bad("inflate_syntax", StrCat("before byte ", at));
    if (step == DecoderStep::kEnd) {
      if (io.in_bytes == 0) return std::move(text).Finish();
      if (!decoder->Restart(*io.in)) {
        return Bad("inflate_trailing", StrCat(io.in_bytes, " bytes behind the end"));
      }
    } else if (io.in_bytes == 0 && io.out_bytes > 0) {
      return Bad("inflate_truncated", StrCat("ends at byte ", at));
    }
  }
}

}  // namespace hookbridge
