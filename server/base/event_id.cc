#include "server/base/event_id.h"

#include <algorithm>

namespace hookbridge {
namespace {

// Layout: 48 bits ms | 4 bits version | 12 bits counter high | 2 bits variant | 10 bits counter
// low | 52 bits random. The counter has 22 bits, 4 million ids a millisecond.
constexpr uint32_t kCounterMax = (1u << 22) - 1;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

uint64_t MillisOf(const EventId& id) {
  uint64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = (ms << 8) | id.bytes()[i];
  return ms;
}

}  // namespace

std::optional<EventId> EventId::Parse(std::string_view text) {
  if (text.size() != kTextBytes) return std::nullopt;
  std::array<uint8_t, kBytes> bytes{};
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = HexDigit(text[i]);
    if (digit < 0) return std::nullopt;
    bytes[nibble / 2] = static_cast<uint8_t>((bytes[nibble / 2] << 4) | digit);
    ++nibble;
  }
  if ((bytes[6] >> 4) != 7 || (bytes[8] >> 6) != 2) return std::nullopt;
  return EventId(bytes);
}

std::string EventId::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextBytes);
  for (size_t i = 0; i < kBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[bytes_[i] >> 4]);
    text.push_back(kDigits[bytes_[i] & 15]);
  }
  return text;
}

absl::Time EventId::time() const {
  return absl::FromUnixMillis(static_cast<int64_t>(MillisOf(*this)));
}

EventIdMinter::EventIdMinter(uint64_t seed, EventId last)
    : random_(seed), last_ms_(MillisOf(last)) {
  const auto& b = last.bytes();
  counter_ = (static_cast<uint32_t>(b[6] & 15) << 18) | (static_cast<uint32_t>(b[7]) << 10) |
             (static_cast<uint32_t>(b[8] & 63) << 4) | (b[9] >> 4);
}

// splitmix64: ids need to be distinct, not secret.
uint64_t EventIdMinter::NextRandom() {
  random_ += 0x9e3779b97f4a7c15u;
  uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

EventId EventIdMinter::Next(absl::Time now) {
  const auto now_ms = static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(now), 0));
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    counter_ = 0;
  } else if (counter_ == kCounterMax) {
    ++last_ms_;
    counter_ = 0;
  } else {
    ++counter_;
  }
  std::array<uint8_t, EventId::kBytes> b{};
  for (size_t i = 0; i < 6; ++i) b[i] = static_cast<uint8_t>(last_ms_ >> (40 - 8 * i));
  b[6] = static_cast<uint8_t>(0x70 | (counter_ >> 18));
  b[7] = static_cast<uint8_t>(counter_ >> 10);
  b[8] = static_cast<uint8_t>(0x80 | ((counter_ >> 4) & 63));
  const uint64_t random = NextRandom();
  b[9] = static_cast<uint8_t>(((counter_ & 15) << 4) | (random & 15));
  for (size_t i = 10; i < 16; ++i) b[i] = static_cast<uint8_t>(random >> (8 * (i - 9)));
  return EventId(b);
}

}  // namespace hookbridge
