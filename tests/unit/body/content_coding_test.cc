#include "server/body/content_coding.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/compress.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {
namespace {

using testing::StartsWith;

constexpr ContentCoding kCodings[] = {ContentCoding::kGzip, ContentCoding::kDeflate,
                                      ContentCoding::kZstd, ContentCoding::kBrotli};
constexpr uint64_t kAny = limits::kBodyBytesMaxHard;

// Text that no coding makes a hundredth of.
std::string Noise(size_t bytes) {
  std::string noise;
  uint32_t state = 1;
  while (noise.size() < bytes) {
    state = state * 1'664'525 + 1'013'904'223;
    noise.push_back(static_cast<char>(state >> 24));
  }
  return noise;
}

// The text, or the error's first word.
std::string Try(ContentCoding coding, std::string_view bytes, uint64_t bytes_max = kAny) {
  const auto text = Inflate(coding, bytes, bytes_max);
  if (text.ok()) return *text;
  const std::string_view message = ToStd(text.status().message());
  EXPECT_EQ(absl::IsResourceExhausted(text.status()), message.starts_with("inflated_size"));
  return std::string(message.substr(0, message.find(':')));
}

struct Line {
  std::string_view name;
  std::string_view value;
};

TEST(ContentCodingTest, NamesAreReadAsSendersWriteThem) {
  EXPECT_EQ(ContentCodingNamed("gzip"), ContentCoding::kGzip);
  EXPECT_EQ(ContentCodingNamed("X-GZip"), ContentCoding::kGzip);
  EXPECT_EQ(ContentCodingNamed("deflate"), ContentCoding::kDeflate);
  EXPECT_EQ(ContentCodingNamed("zstd"), ContentCoding::kZstd);
  EXPECT_EQ(ContentCodingNamed("br"), ContentCoding::kBrotli);
  for (const char* const none : {"", "identity", "utf-8", "UTF8"}) {
    EXPECT_EQ(ContentCodingNamed(none), ContentCoding::kNone) << none;
  }
  for (const char* const unknown : {"compress", "gzip, br", "gzip,gzip", "identity, gzip",
                                    "gzip;q=1", "brotli", "aws-chunked", "zstd "}) {
    EXPECT_FALSE(ContentCodingNamed(unknown)) << unknown;
  }
}

TEST(ContentCodingTest, OneCodingARequest) {
  using Lines = std::vector<Line>;
  EXPECT_EQ(FindContentCoding(Lines{{"X", "gzip"}}), ContentCoding::kNone);
  EXPECT_EQ(FindContentCoding(Lines{{"content-encoding", "br"}}), ContentCoding::kBrotli);
  EXPECT_EQ(FindContentCoding(Lines{{"Content-Encoding", "gzip"}, {"Content-Encoding", "utf-8"}}),
            ContentCoding::kGzip);
  EXPECT_FALSE(
      FindContentCoding(Lines{{"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}}));
  EXPECT_FALSE(FindContentCoding(Lines{{"Content-Encoding", "utf-8"}, {"Content-Encoding", "xz"}}));
}

TEST(InflateTest, GivesBackWhatEachCodingMade) {
  for (const ContentCoding coding : kCodings) {
    for (const size_t bytes :
         {size_t{0}, size_t{1}, size_t{16'384}, size_t{16'385}, size_t{300'000}}) {
      const std::string text = Noise(bytes);
      EXPECT_EQ(Try(coding, Compress(coding, text)), text) << bytes;
    }
  }
}

// Senders that mean `deflate` by the RFC of that name leave zlib's header out.
TEST(InflateTest, DeflateMayComeWithoutItsHeader) {
  for (const char* const text : {"", "a", "{\"id\":\"1\"}"}) {
    EXPECT_EQ(Try(ContentCoding::kDeflate, CompressRawDeflate(text)), text);
  }
  EXPECT_EQ(Try(ContentCoding::kDeflate, std::string("\x78\xbb\0\0\0\0\0", 7)), "inflate_syntax")
      << "a dictionary that nobody has";
}

TEST(InflateTest, StreamsOfOneCodingMayFollowEachOther) {
  for (const ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kZstd}) {
    EXPECT_EQ(Try(coding, Compress(coding, "a") + Compress(coding, "") + Compress(coding, "b")),
              "ab");
  }
  const std::string skipped("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);  // a zstd frame without content
  EXPECT_EQ(Try(ContentCoding::kZstd, skipped + Compress(ContentCoding::kZstd, "a")), "a");
  for (const ContentCoding coding : {ContentCoding::kDeflate, ContentCoding::kBrotli}) {
    const std::string one = Compress(coding, "a");
    EXPECT_EQ(Try(coding, one + one), "inflate_trailing");
  }
}

TEST(InflateTest, NothingElseStandsBehindTheEnd) {
  for (const ContentCoding coding : kCodings) {
    for (const std::string_view more :
         {std::string_view("x"), std::string_view("\0\0\0\0", 4), std::string_view("\x1f\x8bno")}) {
      EXPECT_THAT(Try(coding, Compress(coding, "text") + std::string(more)),
                  StartsWith("inflate_"));
    }
  }
}

TEST(InflateTest, NoBeginningOfAStreamIsOne) {
  const std::string text = Noise(2'000);
  for (const ContentCoding coding : kCodings) {
    const std::string whole = Compress(coding, text);
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
      ASSERT_THAT(Try(coding, whole.substr(0, bytes)), StartsWith("inflate_")) << bytes;
    }
    EXPECT_EQ(Try(coding, ""), "inflate_truncated");
  }
}

TEST(InflateTest, DamageIsSeen) {
  for (const ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kDeflate}) {
    std::string bytes = Compress(coding, Noise(2'000));
    bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);
    EXPECT_EQ(Try(coding, bytes), "inflate_syntax") << "its check is wrong";
  }
  for (const ContentCoding coding : kCodings) {
    EXPECT_THAT(Try(coding, "{\"id\":\"no stream at all, but JSON\"}"), StartsWith("inflate_"));
  }
}

// RFC 9659: more than 8 MiB of window is not for HTTP.
TEST(InflateTest, AZstdWindowIsBounded) {
  const auto frame = [](char window) {
    return StrCat(std::string_view("\x28\xb5\x2f\xfd\0", 5), window,
                  std::string_view("\x09\0\0a", 4));  // the last block: one byte, as it is
  };
  EXPECT_EQ(Try(ContentCoding::kZstd, frame('\x68')), "a") << "2^23";
  EXPECT_EQ(Try(ContentCoding::kZstd, frame('\x69')), "inflate_syntax");
}

TEST(InflateTest, NoMoreThanTheSourceTakes) {
  const std::string text = Noise(100'000);
  for (const ContentCoding coding : kCodings) {
    const std::string wire = Compress(coding, text);
    EXPECT_EQ(Try(coding, wire, text.size()), text);
    EXPECT_EQ(Try(coding, wire, text.size() - 1), "inflated_size");
    EXPECT_EQ(Try(coding, wire, 1), "inflated_size");
    EXPECT_EQ(Try(coding, Compress(coding, ""), 0), "");
  }
}

// Zeros compress to a thousandth: up to a size they are let through, then they are a bomb.
TEST(InflateTest, NoMoreThanTheRatio) {
  EXPECT_EQ(InflatedBytesMax(10, kAny), limits::kInflateFreeBytes);
  EXPECT_EQ(InflatedBytesMax(1'000, kAny), 1'000 * limits::kInflateRatioMax);
  EXPECT_EQ(InflatedBytesMax(~uint64_t{0}, kAny), kAny);
  for (const ContentCoding coding : kCodings) {
    const std::string free(limits::kInflateFreeBytes, '\0');
    EXPECT_EQ(Try(coding, Compress(coding, free)), free);
    EXPECT_EQ(Try(coding, Compress(coding, free + '\0')), "inflated_size");
  }
  // Noise makes the wire so long that zeros up to the ratio are left.
  const std::string noise = Noise(2'000);
  for (size_t zeros = 150'000; zeros < 320'000; zeros += 10'000) {
    const std::string text = noise + std::string(zeros, '\0');
    const std::string wire = Compress(ContentCoding::kGzip, text);
    const bool is_within = text.size() <= wire.size() * limits::kInflateRatioMax;
    EXPECT_EQ(Try(ContentCoding::kGzip, wire) == text, is_within) << zeros;
  }
}

// What 25 MiB of zeros come as: refused as soon as the bound is passed.
TEST(InflateTest, ABombIsRefusedAtItsBound) {
  for (const ContentCoding coding : kCodings) {
    const std::string wire = Compress(coding, std::string(kAny, '\0'));
    EXPECT_LT(wire.size(), kAny / 500);
    const auto text = Inflate(coding, wire, kAny);
    EXPECT_TRUE(absl::IsResourceExhausted(text.status()));
  }
}

}  // namespace
}  // namespace hookbridge
