#include "server/delivery/cursor.h"

#include "server/base/encoding.h"

#include <algorithm>

namespace hookbridge {
namespace {

constexpr char kVersion = 1;
constexpr size_t kBytes = 1 + 16 + 4 + 8 + 4;

void PutBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<uint8_t>(c);
  return value;
}

// FNV-1a: notices damage, and is not a secret.
uint32_t Checksum(std::string_view bytes) {
  uint32_t hash = 2166136261u;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

}  // namespace

std::string SealCursor(const Cursor& cursor) {
  std::string bytes(1, kVersion);
  bytes.append(reinterpret_cast<const char*>(cursor.journal.data()), cursor.journal.size());
  PutBigEndian(bytes, cursor.partition, 4);
  PutBigEndian(bytes, cursor.position, 8);
  PutBigEndian(bytes, Checksum(bytes), 4);
  return Base64UrlEncode(bytes);
}

std::optional<Cursor> OpenCursor(std::string_view text) {
  const auto bytes = Base64UrlDecode(text);
  if (!bytes || bytes->size() != kBytes || bytes->front() != kVersion) return std::nullopt;
  const std::string_view view(*bytes);
  if (GetBigEndian(view.substr(kBytes - 4)) != Checksum(view.substr(0, kBytes - 4))) {
    return std::nullopt;
  }
  Cursor cursor;
  std::copy_n(view.begin() + 1, cursor.journal.size(), cursor.journal.begin());
  cursor.partition = static_cast<uint32_t>(GetBigEndian(view.substr(17, 4)));
  cursor.position = GetBigEndian(view.substr(21, 8));
  return cursor;
}

}  // namespace hookbridge
