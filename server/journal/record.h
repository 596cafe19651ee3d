#pragma once

#include "server/base/event.h"

#include "absl/status/statusor.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// The stored form of an event. Little-endian; docs/design/journal-format.md is the specification.
//
//   0  u8   format version, 1
//   1  u8   flags, 0 (bits for compressed, encrypted and redacted runs are reserved)
//   2  u8   parsed form (ParsedForm)
//   3  u8   0
//   4  u32  bytes of the envelope run
//   8  u32  bytes of the typed run, 0
//  12  u32  bytes of the raw run
//  16  16   event id; its time is append_time
//  32  u32  CRC-32C of bytes 0 to 31 and all runs
//  36  …    envelope run, typed run, raw run
namespace hookbridge {

inline constexpr uint8_t kRecordFormatVersion = 1;
inline constexpr size_t kRecordHeaderBytes = 36;

using RecordHeader = std::array<char, kRecordHeaderBytes>;

// The header of an event that has its id; the runs follow it as they are.
RecordHeader EncodeRecordHeader(const StoredEvent& event);

// kDataLoss when the record is cut, changed or of another format version.
absl::StatusOr<std::shared_ptr<StoredEvent>> DecodeRecord(Position position,
                                                          std::string_view record);

// The id alone, without checking the runs; zero for a record that is too short.
EventId RecordId(std::string_view record);

}  // namespace hookbridge
