// For random recipes: what is signed as the recipe says verifies, and a change of any covered byte
// does not. Signatures are made with OpenSSL's one-shot HMAC, not with the bridge's.
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "tests/support/recipes.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <random>

namespace hookbridge {
namespace {

using namespace config::v1;

constexpr int64_t kNow = 1'700'000'000;

class Webhook {
 public:
  explicit Webhook(std::mt19937& random) : random_(random) {
    body_ = Bytes(1 + Next(300));
    query_ = Next(2) == 0 ? "" : "a=" + Word();
    signed_header_ = Word();
    secret_ = Word() + Word();
    MakeRecipe();
  }

  const Recipe& recipe() const { return recipe_; }
  const std::string& secret() const { return secret_; }

  // The request, signed; `change` alters one covered thing after signing, by number.
  RequestBuilder Build(int change = -1) {
    std::string body = body_;
    std::string header = signed_header_;
    std::string timestamp = std::to_string(kNow);
    std::string query = query_;
    std::string signature = Encode(Sign());
    if (change == 0) body[Next(body.size())] ^= static_cast<char>(1 + Next(255));
    if (change == 1) body += '\n';
    if (change == 2) body.pop_back();
    if (change == 3) Flip(signature);
    if (change == 4) header += "x";
    if (change == 5) timestamp = std::to_string(kNow + 1);
    if (change == 6) query += "&z=1";
    RequestBuilder builder;
    builder.Body(body).Query(query);
    if (covers_header_) builder.Header("X-Signed", header);
    if (recipe_.timestamp().has_header()) builder.Header("X-Time", timestamp);
    builder.Header("X-Signature", Wrap(signature, timestamp));
    return builder;
  }
  bool Covers(int change) const {
    if (change == 4) return covers_header_;
    if (change == 5) return recipe_.has_timestamp();
    if (change == 6) return covers_url_;
    return true;
  }

 private:
  size_t Next(size_t below) { return random_() % below; }
  std::string Bytes(size_t count) {
    std::string bytes;
    while (bytes.size() < count) bytes.push_back(static_cast<char>(Next(256)));
    return bytes;
  }
  std::string Word() {
    std::string word;
    for (size_t i = 3 + Next(10); i > 0; --i)
      word.push_back("abcdefghijklmnopqrstuvwxyz0123456789"[Next(36)]);
    return word;
  }

  void MakeRecipe() {
    Algorithm& algorithm = *recipe_.add_algorithms();
    algorithm.set_kind(ALGORITHM_KIND_HMAC);
    algorithm.set_hash(static_cast<HashFunction>(1 + Next(3)));
    SignatureLocation& location = *recipe_.mutable_signature();
    location.add_headers("X-Signature");
    location.set_syntax(static_cast<SignatureSyntax>(1 + Next(5)));
    if (location.syntax() == SIGNATURE_SYNTAX_PREFIX) location.set_prefix("sig=");
    const bool entries = location.syntax() == SIGNATURE_SYNTAX_ENTRIES;
    if (location.syntax() >= SIGNATURE_SYNTAX_LIST && !entries) algorithm.set_label("v1");
    location.set_encoding(static_cast<SignatureEncoding>(1 + Next(2)));
    if (Next(2) == 0) {
      recipe_.mutable_timestamp()->set_unit(TIMESTAMP_UNIT_SECONDS);
      if (location.syntax() == SIGNATURE_SYNTAX_KEY_VALUE && Next(2) == 0) {
        recipe_.mutable_timestamp()->set_label("t");
      } else if (entries && Next(2) == 0) {
        recipe_.mutable_timestamp()->set_first_entry(true);
      } else {
        recipe_.mutable_timestamp()->set_header("X-Time");
      }
      recipe_.add_message()->set_timestamp(true);
    }
    covers_header_ = Next(2) == 0;
    covers_url_ = Next(2) == 0;
    if (covers_header_) recipe_.add_message()->set_header("X-Signed");
    recipe_.add_message()->set_literal(".");
    if (covers_url_) recipe_.add_message()->set_url(true);
    if (Next(2) == 0) recipe_.add_message()->set_method(true);
    recipe_.add_message()->set_body(true);
  }

  std::string Sign() const {
    std::string message;
    for (const MessagePart& part : recipe_.message()) {
      if (part.has_timestamp()) message += std::to_string(kNow);
      if (part.has_header()) message += signed_header_;
      if (part.has_literal()) message += part.literal();
      if (part.has_url())
        message += "https://hooks.example/hooks/test" + (query_.empty() ? "" : "?" + query_);
      if (part.has_method()) message += "POST";
      if (part.has_body()) message += body_;
    }
    const EVP_MD* const hash = recipe_.algorithms(0).hash() == HASH_FUNCTION_SHA1 ? EVP_sha1()
                               : recipe_.algorithms(0).hash() == HASH_FUNCTION_SHA512
                                   ? EVP_sha512()
                                   : EVP_sha256();
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(hash, secret_.data(), static_cast<int>(secret_.size()),
         reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
    return {reinterpret_cast<const char*>(mac), size};
  }

  std::string Encode(const std::string& mac) const {
    return recipe_.signature().encoding() == SIGNATURE_ENCODING_BASE64 ? Base64Encode(mac)
                                                                       : HexEncode(mac);
  }
  // Another digit of the same alphabet, where it changes the value.
  void Flip(std::string& signature) {
    char& digit = signature[Next(signature.size() / 2)];
    digit = digit == 'a' ? 'b' : 'a';
  }

  std::string Wrap(const std::string& signature, const std::string& timestamp) const {
    const std::string time = recipe_.timestamp().has_label() ? "t=" + timestamp + "," : "";
    switch (recipe_.signature().syntax()) {
      case SIGNATURE_SYNTAX_PREFIX:
        return "sig=" + signature;
      case SIGNATURE_SYNTAX_LIST:
        return "v0,AAAA v1," + signature;
      case SIGNATURE_SYNTAX_KEY_VALUE:
        return time + "v0=00,v1=" + signature;
      case SIGNATURE_SYNTAX_ENTRIES:
        return (recipe_.timestamp().first_entry() ? timestamp + ",00," : "00,") + signature;
      default:
        return signature;
    }
  }

  std::mt19937& random_;
  Recipe recipe_;
  std::string body_, query_, signed_header_, secret_;
  bool covers_header_ = false;
  bool covers_url_ = false;
};

TEST(VerifyPropertyTest, SignedRequestsVerifyAndChangedOnesDoNot) {
  std::mt19937 random(7);
  for (int round = 0; round < 1'000; ++round) {
    Webhook webhook(random);
    const auto verifier = VerifierOf(webhook.recipe(), {webhook.secret()});
    ASSERT_TRUE(verifier.ok()) << verifier.status() << webhook.recipe().ShortDebugString();
    const absl::Time now = absl::FromUnixSeconds(kNow);
    ASSERT_EQ(VerdictOf(**verifier, webhook.Build(), now), "ok:k1")
        << webhook.recipe().ShortDebugString();
    for (int change = 0; change < 7; ++change) {
      if (!webhook.Covers(change)) continue;
      ASSERT_EQ(VerdictOf(**verifier, webhook.Build(change), now), "signature_mismatch")
          << "change " << change << webhook.recipe().ShortDebugString();
    }
    const auto other = VerifierOf(webhook.recipe(), {webhook.secret() + "x"});
    ASSERT_EQ(VerdictOf(**other, webhook.Build(), now), "signature_mismatch");
  }
}

}  // namespace
}  // namespace hookbridge
