#include "server/base/encoding.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace hookbridge {
namespace {

constexpr int8_t kBad = -1;
using DecodeTable = std::array<int8_t, 256>;

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kStandardAlphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kUrlAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr DecodeTable MakeTable(std::string_view alphabet) {
  DecodeTable table{};
  for (int8_t& value : table) value = kBad;
  for (size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return table;
}

constexpr DecodeTable MakeHexTable() {
  DecodeTable table = MakeTable(kHexDigits);
  for (int i = 0; i < 6; ++i) table[static_cast<size_t>('A' + i)] = static_cast<int8_t>(10 + i);
  return table;
}

constexpr DecodeTable kHexTable = MakeHexTable();
constexpr DecodeTable kStandardTable = MakeTable(kStandardAlphabet);
constexpr DecodeTable kUrlTable = MakeTable(kUrlAlphabet);

uint32_t Byte(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

std::string EncodeWith(std::string_view bytes, const char* alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  const auto put = [&](uint32_t bits, int digits) {
    for (int i = 0; i < digits; ++i) text.push_back(alphabet[(bits >> (18 - 6 * i)) & 63]);
  };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    put((Byte(bytes, i) << 16) | (Byte(bytes, i + 1) << 8) | Byte(bytes, i + 2), 4);
  }
  if (bytes.size() - i == 1) put(Byte(bytes, i) << 16, 2);
  if (bytes.size() - i == 2) put((Byte(bytes, i) << 16) | (Byte(bytes, i + 1) << 8), 3);
  return text;
}

// `text` without padding.
std::optional<std::string> DecodeWith(std::string_view text, const DecodeTable& table) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int8_t value = table[static_cast<uint8_t>(c)];
    if (value == kBad) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes.push_back(static_cast<char>(bits >> bit_count));
    bits &= (1u << bit_count) - 1;
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

// Bytes of the sequence at the front of `text`, which begins with a byte above 0x7f; 0 when it is
// not valid. RFC 3629 section 4.
size_t MultiByteSequence(std::string_view text) {
  const uint32_t lead = Byte(text, 0);
  size_t bytes = 0;
  uint32_t second_min = 0x80;
  uint32_t second_max = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    bytes = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    bytes = 3;
    if (lead == 0xe0) second_min = 0xa0;
    if (lead == 0xed) second_max = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    bytes = 4;
    if (lead == 0xf0) second_min = 0x90;
    if (lead == 0xf4) second_max = 0x8f;
  }
  if (bytes == 0 || text.size() < bytes) return 0;
  if (Byte(text, 1) < second_min || Byte(text, 1) > second_max) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if ((Byte(text, i) & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

}  // namespace

std::string HexEncode(std::string_view bytes) {
  std::string text(bytes.size() * 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = kHexDigits[Byte(bytes, i) >> 4];
    text[2 * i + 1] = kHexDigits[Byte(bytes, i) & 15];
  }
  return text;
}

std::optional<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes(text.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = kHexTable[Byte(text, 2 * i)];
    const int low = kHexTable[Byte(text, 2 * i + 1)];
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string Base64Encode(std::string_view bytes) {
  std::string text = EncodeWith(bytes, kStandardAlphabet);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::string> Base64Decode(std::string_view text, Base64Padding padding) {
  const size_t first_pad = text.find('=');
  const std::string_view digits = text.substr(0, first_pad);
  const size_t pad_count = text.size() - digits.size();
  const bool may_be_absent = padding == Base64Padding::kOptional && pad_count == 0;
  if (!may_be_absent) {
    if (pad_count != (4 - digits.size() % 4) % 4) return std::nullopt;
    if (text.find_first_not_of('=', digits.size()) != std::string_view::npos) return std::nullopt;
  }
  return DecodeWith(digits, kStandardTable);
}

std::optional<std::string> Base64DecodeKey(std::string_view text) {
  if (text.find_first_of("-_") == std::string_view::npos) {
    return Base64Decode(text, Base64Padding::kOptional);
  }
  const std::string_view digits = text.substr(0, text.find('='));
  const size_t pad_count = text.size() - digits.size();
  if (pad_count > 0 && (pad_count != (4 - digits.size() % 4) % 4 ||
                        text.find_first_not_of('=', digits.size()) != std::string_view::npos)) {
    return std::nullopt;
  }
  return DecodeWith(digits, kUrlTable);
}

std::string Base64UrlEncode(std::string_view bytes) { return EncodeWith(bytes, kUrlAlphabet); }

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  return DecodeWith(text, kUrlTable);
}

size_t ValidUtf8PrefixBytes(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word = 0;
    if (text.size() - i >= sizeof(word)) {
      std::memcpy(&word, text.data() + i, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof(word);
        continue;
      }
    }
    if (Byte(text, i) < 0x80) {
      ++i;
      continue;
    }
    const size_t bytes = MultiByteSequence(text.substr(i));
    if (bytes == 0) return i;
    i += bytes;
  }
  return i;
}

}  // namespace hookbridge
