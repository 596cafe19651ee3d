#include "server/convert/internal/dedup_key.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <openssl/evp.h>

#include <utility>

namespace hookbridge {
namespace {

// `#` and the number of an item, `@` and a request's id.
constexpr size_t kPlaceBytesMax = 8;
constexpr size_t kRequestIdBytesMax = 64;

std::array<uint8_t, 32> HashOf(std::string_view bytes) {
  std::array<uint8_t, 32> hash{};
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

}  // namespace

std::string HashText(std::string_view bytes) {
  const auto hash = HashOf(bytes);
  return StrCat("sha256:", HexEncode({reinterpret_cast<const char*>(hash.data()), hash.size()}));
}

std::array<uint8_t, 32> DedupHashOf(std::string_view source, std::string_view key) {
  return HashOf(StrCat(source, std::string_view("\0", 1), key));
}

std::string WholeOrHash(std::string text, size_t more_bytes) {
  if (text.size() + more_bytes <= limits::kEnvelopeFieldBytesMax) return text;
  return HashText(text);
}

std::string DedupKeyOf(const Extracted& extracted, const BodyKey& by_body) {
  if (!extracted.id.empty()) return WholeOrHash(extracted.id);
  std::string parts;
  for (const std::string& part : extracted.synthetic_parts) StrAppend(&parts, part, ":");
  std::string key =
      WholeOrHash(std::move(parts), kHashTextBytes + kPlaceBytesMax + kRequestIdBytesMax);
  if (!key.empty() && key.back() != ':') key.push_back(':');
  StrAppend(&key, HashText(by_body.body), by_body.place);
  if (!by_body.request_id.empty()) StrAppend(&key, "@", by_body.request_id);
  return key;
}

}  // namespace hookbridge
