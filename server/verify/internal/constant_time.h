#pragma once

#include <openssl/crypto.h>

#include <string_view>

namespace hookbridge {

// The one comparison of secrets, tokens and signatures: its time depends on the lengths alone.
inline bool SecretsEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hookbridge
