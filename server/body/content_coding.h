#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/match.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Content codings of bodies (RFC 9110 section 8.4): which one, and its inverse within bounds. Pure.
namespace hookbridge {

// RFC 1952, RFC 1950 (and RFC 1951 alone, which senders take for it), RFC 8878, RFC 7932.
enum class ContentCoding : uint8_t { kNone, kGzip, kDeflate, kZstd, kBrotli };

inline constexpr std::string_view kContentEncodingName = "Content-Encoding";

// The coding that one value of Content-Encoding names. `identity` and the charset that some senders
// write there are none. nullopt: an unknown one, or a list.
std::optional<ContentCoding> ContentCodingNamed(std::string_view value);

// The coding of a request with these lines of {name, value}; nullopt as above, and for two codings
// in two lines.
template <typename Lines>
std::optional<ContentCoding> FindContentCoding(const Lines& lines) {
  ContentCoding found = ContentCoding::kNone;
  for (const auto& line : lines) {
    if (!absl::EqualsIgnoreCase({line.name.data(), line.name.size()},
                                {kContentEncodingName.data(), kContentEncodingName.size()})) {
      continue;
    }
    const auto coding = ContentCodingNamed({line.value.data(), line.value.size()});
    if (!coding || (*coding != ContentCoding::kNone && found != ContentCoding::kNone)) {
      return std::nullopt;
    }
    if (*coding != ContentCoding::kNone) found = *coding;
  }
  return found;
}

// How much a body of so many bytes may become: `bytes_max`, and no more than kInflateRatioMax times
// as many, but at least kInflateFreeBytes (recipe_limits.h).
uint64_t InflatedBytesMax(uint64_t wire_bytes, uint64_t bytes_max);

// What the bytes stand for. Several gzip members or zstd frames one after the other are one text;
// anything else behind the end is an error, as is an end before its time. Memory: the result, which
// never passes the bound, and the window of the coding: at most 16 MiB (brotli), 8 MiB (zstd).
// kResourceExhausted, `inflated_size`: it would pass the bound, and nothing was kept.
// kInvalidArgument: `inflate_syntax`, `inflate_truncated`, `inflate_trailing`.
absl::StatusOr<std::string> Inflate(ContentCoding coding, std::string_view bytes,
                                    uint64_t bytes_max);

}  // namespace hookbridge
