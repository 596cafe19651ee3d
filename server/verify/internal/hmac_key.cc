#include "server/verify/internal/hmac_key.h"

#include <openssl/evp.h>

#include <string>
#include <utility>

namespace hookbridge {
namespace {

const EVP_MD* Algorithm(config::v1::HashFunction hash) {
  switch (hash) {
    case config::v1::HASH_FUNCTION_SHA1:
      return EVP_sha1();
    case config::v1::HASH_FUNCTION_SHA384:
      return EVP_sha384();
    case config::v1::HASH_FUNCTION_SHA512:
      return EVP_sha512();
    case config::v1::HASH_FUNCTION_MD5:
      return EVP_md5();
    default:
      return EVP_sha256();
  }
}

size_t BlockBytes(config::v1::HashFunction hash) {
  return static_cast<size_t>(EVP_MD_get_block_size(Algorithm(hash)));
}

// One context a thread, so that a signature allocates none.
EVP_MD_CTX* WorkContext() {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  static thread_local const std::unique_ptr<EVP_MD_CTX, Free> kContext(EVP_MD_CTX_new());
  return kContext.get();
}

std::string Padded(std::string_view key, size_t block_bytes, char pad) {
  std::string block(block_bytes, pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] = static_cast<char>(block[i] ^ key[i]);
  return block;
}

}  // namespace

void HmacKey::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

HmacKey::HmacKey() : inner_(EVP_MD_CTX_new()), outer_(EVP_MD_CTX_new()) {}
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;
HmacKey::~HmacKey() = default;

absl::StatusOr<HmacKey> HmacKey::Create(config::v1::HashFunction hash, std::string_view key) {
  const size_t block_bytes = BlockBytes(hash);
  Digest shortened;
  if (key.size() > block_bytes) {
    shortened = Hash(hash, key);
    key = shortened.bytes();
  }
  HmacKey made;
  const auto begin = [&](EVP_MD_CTX* context, char pad) {
    const std::string block = Padded(key, block_bytes, pad);
    return EVP_DigestInit_ex(context, Algorithm(hash), nullptr) == 1 &&
           EVP_DigestUpdate(context, block.data(), block.size()) == 1;
  };
  if (!begin(made.inner_.get(), 0x36) || !begin(made.outer_.get(), 0x5c)) {
    return absl::InternalError("OpenSSL does not have this hash function");
  }
  return made;
}

Digest HmacKey::Sign(std::span<const std::string_view> message) const {
  EVP_MD_CTX* const work = WorkContext();
  Digest digest;
  auto* const out = reinterpret_cast<unsigned char*>(digest.data.data());
  EVP_MD_CTX_copy_ex(work, inner_.get());
  for (const std::string_view part : message) EVP_DigestUpdate(work, part.data(), part.size());
  EVP_DigestFinal_ex(work, out, &digest.size);
  EVP_MD_CTX_copy_ex(work, outer_.get());
  EVP_DigestUpdate(work, out, digest.size);
  EVP_DigestFinal_ex(work, out, &digest.size);
  return digest;
}

Digest Hash(config::v1::HashFunction hash, std::string_view bytes) {
  Digest digest;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data.data()),
             &digest.size, Algorithm(hash), nullptr);
  return digest;
}

}  // namespace hookbridge
