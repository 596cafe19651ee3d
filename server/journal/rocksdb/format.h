#pragma once

#include "server/journal/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Keys and small values of the RocksDB engine; docs/design/journal-format.md.
namespace hookbridge::rocks {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr std::string_view kManifestKey = "manifest";
inline constexpr std::string_view kFirstKey = "first";
inline constexpr std::string_view kLastKey = "last";
inline constexpr std::string_view kEventsFamily = "events";
inline constexpr std::string_view kTimesFamily = "times";
inline constexpr std::string_view kDedupFamily = "dedup";
inline constexpr std::string_view kStateFamily = "state";
// One row of `times` for every so many events.
inline constexpr Position kTimesInterval = 512;

inline std::string BigEndian(uint64_t value) {
  std::string key(8, '\0');
  for (size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(value >> (56 - 8 * i));
  return key;
}

// 0 when `text` is shorter than 8 bytes.
inline uint64_t FromBigEndian(std::string_view text) {
  uint64_t value = 0;
  if (text.size() < 8) return 0;
  for (size_t i = 0; i < 8; ++i) value = (value << 8) | static_cast<uint8_t>(text[i]);
  return value;
}

inline std::string EncodeManifest(const JournalId& id) {
  std::string value = BigEndian(kFormatVersion);
  value.append(reinterpret_cast<const char*>(id.data()), id.size());
  return value;
}

inline std::string EncodeId(const EventId& id) {
  return {reinterpret_cast<const char*>(id.bytes().data()), EventId::kBytes};
}

inline EventId DecodeId(std::string_view text) {
  std::array<uint8_t, EventId::kBytes> bytes{};
  if (text.size() >= bytes.size()) std::copy_n(text.begin(), bytes.size(), bytes.begin());
  return EventId(bytes);
}

// Event id, position, expiry in ms, CRC-32C of the body: 36 bytes; without the last, 32.
inline std::string EncodeDedupRow(const DedupRow& row) {
  std::string value = EncodeId(row.id);
  value += BigEndian(row.position);
  value += BigEndian(static_cast<uint64_t>(absl::ToUnixMillis(row.expiry)));
  if (row.body_crc) value += BigEndian(*row.body_crc).substr(4);
  return value;
}

inline std::optional<DedupRow> DecodeDedupRow(std::string_view value) {
  constexpr size_t kShort = EventId::kBytes + 16;
  constexpr size_t kCrcBytes = 4;
  if (value.size() != kShort && value.size() != kShort + kCrcBytes) return std::nullopt;
  DedupRow row{
      .id = DecodeId(value),
      .position = FromBigEndian(value.substr(16)),
      .expiry = absl::FromUnixMillis(static_cast<int64_t>(FromBigEndian(value.substr(24))))};
  if (value.size() > kShort) {
    // The four bytes and the four before them, of which only these are kept.
    row.body_crc = static_cast<uint32_t>(FromBigEndian(value.substr(kShort - kCrcBytes)));
  }
  return row;
}

}  // namespace hookbridge::rocks
