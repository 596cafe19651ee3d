#include "server/convert/replay.h"

#include "server/base/strings.h"
#include "server/convert/internal/envelope.h"

#include <openssl/evp.h>

namespace hookbridge {

std::array<uint8_t, 32> ReplayHash(std::string_view source, const SignedHash& signed_hash,
                                   size_t index) {
  // What is hashed of a dedup key begins with the source's name, so never with a zero byte.
  constexpr std::string_view kZero("\0", 1);
  const std::string text = StrCat(
      kZero, source, kZero,
      std::string_view(reinterpret_cast<const char*>(signed_hash.data()), signed_hash.size()),
      index);
  std::array<uint8_t, 32> hash{};
  EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

std::string ReplaySuspectedRun() {
  std::string run;
  AppendAttribute(run, "replay_suspected", "true");
  return run;
}

}  // namespace hookbridge
