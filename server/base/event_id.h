#pragma once

#include "absl/time/time.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// UUIDv7 (RFC 9562 section 5.7) of an event: 48 bits of milliseconds, then a counter that keeps
// ids of one millisecond in order, then random bits. A value type; compares in journal order.
class EventId {
 public:
  static constexpr size_t kBytes = 16;
  static constexpr size_t kTextBytes = 36;

  EventId() = default;
  explicit EventId(const std::array<uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  // Reads the 36-character text form, either case; nullopt for anything else, and for versions
  // other than 7.
  static std::optional<EventId> Parse(std::string_view text);

  std::string ToString() const;
  absl::Time time() const;
  const std::array<uint8_t, kBytes>& bytes() const { return bytes_; }

  auto operator<=>(const EventId&) const = default;

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

// Mints ids that strictly grow, also when the clock stands still or steps back: the time part
// never decreases. Threads: thread-compatible (the journal's committer owns one). Never blocks.
class EventIdMinter {
 public:
  // `seed` starts the random bits; `last` is the newest id that is known, so that a restart with a
  // clock behind goes on above it.
  EventIdMinter(uint64_t seed, EventId last);

  // `now` in, id out; id.time() is the event's append_time, in milliseconds.
  EventId Next(absl::Time now);

 private:
  uint64_t NextRandom();

  uint64_t random_;
  uint64_t last_ms_ = 0;
  uint32_t counter_ = 0;
};

}  // namespace hookbridge
