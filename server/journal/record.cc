#include "server/journal/record.h"

#include "server/base/crc32c.h"
#include "server/base/strings.h"

#include <cstring>

namespace hookbridge {
namespace {

constexpr size_t kIdOffset = 16;
constexpr size_t kCrcOffset = 32;

void PutU32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

uint32_t GetU32(const char* from) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(from[i]);
  return value;
}

absl::Status Damaged(Position position, std::string_view what) {
  return absl::DataLossError(StrCat("journal: record ", position, ": ", what));
}

}  // namespace

RecordHeader EncodeRecordHeader(const StoredEvent& event) {
  RecordHeader header{};
  header[0] = static_cast<char>(kRecordFormatVersion);
  header[2] = static_cast<char>(event.runs.parsed_form);
  PutU32(&header[4], static_cast<uint32_t>(event.runs.envelope.size()));
  PutU32(&header[12], static_cast<uint32_t>(event.runs.raw.size()));
  std::memcpy(&header[kIdOffset], event.id.bytes().data(), EventId::kBytes);
  uint32_t crc = Crc32c(0, {header.data(), kCrcOffset});
  crc = Crc32c(crc, event.runs.envelope);
  crc = Crc32c(crc, event.runs.raw);
  PutU32(&header[kCrcOffset], crc);
  return header;
}

absl::StatusOr<std::shared_ptr<StoredEvent>> DecodeRecord(Position position,
                                                          std::string_view record) {
  if (record.size() < kRecordHeaderBytes) return Damaged(position, "shorter than its header");
  const auto version = static_cast<uint8_t>(record[0]);
  if (version != kRecordFormatVersion) {
    return Damaged(position,
                   StrCat("format version ", version, ", this build reads ", kRecordFormatVersion));
  }
  const size_t envelope = GetU32(&record[4]);
  const size_t typed = GetU32(&record[8]);
  const size_t raw = GetU32(&record[12]);
  const std::string_view runs = record.substr(kRecordHeaderBytes);
  if (record[1] != 0 || typed != 0) return Damaged(position, "flags that this build does not know");
  if (envelope + raw != runs.size()) return Damaged(position, "length does not match");
  const uint32_t crc = Crc32c(Crc32c(0, record.substr(0, kCrcOffset)), runs);
  if (crc != GetU32(&record[kCrcOffset])) return Damaged(position, "checksum does not match");
  if (static_cast<uint8_t>(record[2]) > static_cast<uint8_t>(ParsedForm::kMultipart)) {
    return Damaged(position, "unknown parsed form");
  }
  auto event = std::make_shared<StoredEvent>();
  event->position = position;
  event->id = RecordId(record);
  event->runs.parsed_form = static_cast<ParsedForm>(record[2]);
  event->runs.envelope = runs.substr(0, envelope);
  event->runs.raw = runs.substr(envelope);
  return event;
}

EventId RecordId(std::string_view record) {
  std::array<uint8_t, EventId::kBytes> bytes{};
  if (record.size() >= kRecordHeaderBytes) {
    std::memcpy(bytes.data(), &record[kIdOffset], EventId::kBytes);
  }
  return EventId(bytes);
}

}  // namespace hookbridge
