#pragma once

#include "server/convert/internal/extract.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// What one event is told from another by. Pure.
namespace hookbridge {

// `sha256:` and the hexadecimal SHA-256.
std::string HashText(std::string_view bytes);
inline constexpr size_t kHashTextBytes = 7 + 64;

// SHA-256 of the source, one zero byte and the key.
std::array<uint8_t, 32> DedupHashOf(std::string_view source, std::string_view key);

// The text, or the HashText of the whole of it where it and `more_bytes` behind it are over
// limits::kEnvelopeFieldBytesMax: two texts are never made one by cutting them.
std::string WholeOrHash(std::string text, size_t more_bytes = 0);

// What a key is made of where the provider gives no id.
struct BodyKey {
  std::string_view body;        // of the whole request
  std::string_view place;       // of an item in a batch, for example `#3`
  std::string_view request_id;  // empty: equal bodies have one key
};

// The provider's id, or one made of the recipe's parts and the body.
std::string DedupKeyOf(const Extracted& extracted, const BodyKey& by_body);

}  // namespace hookbridge
