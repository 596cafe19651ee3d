#include "client/hookctl/bespoke_signer.h"

#include "server/base/encoding.h"
#include "server/base/form_scan.h"
#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kSignatureMark = "{signature}";

std::string Base64Hmac(const EVP_MD* hash, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
       &bytes);
  return Base64Encode({reinterpret_cast<const char*>(digest.data()), bytes});
}

// The name of the private key's type, and the hash of the message.
std::pair<const char*, const EVP_MD*> KeyTypeOf(const config::v1::Algorithm& algorithm) {
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_ED25519) return {"ED25519", nullptr};
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_ECDSA_P256) return {"EC", EVP_sha256()};
  if (algorithm.hash() == config::v1::HASH_FUNCTION_SHA1) return {"RSA", EVP_sha1()};
  if (algorithm.hash() == config::v1::HASH_FUNCTION_SHA512) return {"RSA", EVP_sha512()};
  return {"RSA", EVP_sha256()};
}

}  // namespace

absl::Status SignTwilio(const config::v1::Recipe& recipe, const std::string& token,
                        const Unsigned& webhook, Signed* result) {
  if (webhook.public_url.empty()) {
    return absl::InvalidArgumentError("the scheme signs the URL; add --public-url");
  }
  std::map<std::string, std::set<std::string>> fields;
  FormScanner form(webhook.body);
  while (form.Next()) fields[form.name()].insert(form.value());
  if (!form.status().ok()) return absl::InvalidArgumentError("the body is not a form");
  std::string message = ProviderUrl(webhook);
  for (const auto& [name, values] : fields) {
    for (const std::string& value : values) StrAppend(&message, name, value);
  }
  const auto& headers = recipe.signature().headers();
  result->headers.emplace_back(headers.empty() ? "X-Twilio-Signature" : headers[0],
                               Base64Hmac(EVP_sha1(), token, message));
  return absl::OkStatus();
}

absl::Status SignAdyenItem(const std::string& hex_key, Signed* result) {
  const auto key = HexDecode(hex_key);
  if (!key || key->empty()) return absl::InvalidArgumentError("the secret is not hexadecimal");
  const size_t mark = result->body.find(kSignatureMark);
  JsonTape tape;
  const absl::Status read = tape.Parse(result->body, {.depth_max = limits::kJsonDepthMaxHard,
                                                      .elements_max = limits::kJsonElementsMax});
  if (mark == std::string::npos || !read.ok()) {
    return absl::InvalidArgumentError(
        "the signature is in the body: write {signature} in its place");
  }
  std::string message;
  for (const std::string_view name :
       {"pspReference", "originalReference", "merchantAccountCode", "merchantReference",
        "amount/value", "amount/currency", "eventCode", "success"}) {
    const auto pointer =
        JsonPointer::Parse(StrCat("/notificationItems/0/NotificationRequestItem/", name));
    const JsonNode* const node = pointer.ok() ? pointer->Find(tape) : nullptr;
    if (name != "pspReference") message.push_back(':');
    if (node != nullptr) message += tape.Text(*node);
  }
  result->body.replace(mark, kSignatureMark.size(), Base64Hmac(EVP_sha256(), *key, message));
  return absl::OkStatus();
}

absl::StatusOr<std::string> SignWithPem(const config::v1::Algorithm& algorithm,
                                        const std::string& pem, const std::string& message) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const auto* const text = reinterpret_cast<const unsigned char*>(message.data());
  const auto [type, hash] = KeyTypeOf(algorithm);
  if (key != nullptr && EVP_PKEY_is_a(key.get(), type) == 1) {
    size_t bytes = 0;
    if (EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
        EVP_DigestSign(context.get(), nullptr, &bytes, text, message.size()) == 1) {
      std::string signature(bytes, '\0');
      auto* const out = reinterpret_cast<unsigned char*>(signature.data());
      if (EVP_DigestSign(context.get(), out, &bytes, text, message.size()) == 1) {
        signature.resize(bytes);
        return signature;
      }
    }
  }
  return absl::InvalidArgumentError(
      "this scheme verifies with a public key; to sign, give the private one as PEM: --secret "
      "file:key.pem");
}

}  // namespace hookbridge::hookctl
