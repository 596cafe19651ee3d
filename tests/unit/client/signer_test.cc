#include "client/hookctl/signer.h"

#include "client/hookctl/captured_request.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"

#include <google/protobuf/text_format.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <variant>

namespace hookbridge::hookctl {
namespace {

using ::testing::Contains;
using ::testing::Pair;

constexpr char kStandardWebhooks[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC hash: HASH_FUNCTION_SHA256 key_prefix: "whsec_"
    key_encoding: KEY_ENCODING_BASE64 label: "v1" }
  signature { headers: "webhook-signature" syntax: SIGNATURE_SYNTAX_LIST
    encoding: SIGNATURE_ENCODING_BASE64 }
  timestamp { header: "webhook-timestamp" }
  message { header: "webhook-id" } message { literal: "." } message { timestamp: true }
  message { literal: "." } message { body: true }
  event { id { header: "webhook-id" } })";

constexpr char kKeyValue[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC label: "v1" }
  signature { headers: "Stripe-Signature" syntax: SIGNATURE_SYNTAX_KEY_VALUE }
  timestamp { label: "t" }
  message { timestamp: true } message { literal: "." } message { body: true })";

constexpr char kPrefix[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC }
  signature { headers: "X-Hub-Signature-256" syntax: SIGNATURE_SYNTAX_PREFIX prefix: "sha256=" }
  message { body: true })";

constexpr char kBareBase64[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC }
  signature { headers: "X-Shopify-Hmac-Sha256" encoding: SIGNATURE_ENCODING_BASE64 }
  message { body: true })";

constexpr char kSlack[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC }
  signature { headers: "X-Slack-Signature" syntax: SIGNATURE_SYNTAX_PREFIX prefix: "v0=" }
  timestamp { header: "X-Slack-Request-Timestamp" }
  message { literal: "v0:" } message { timestamp: true } message { literal: ":" }
  message { body: true })";

constexpr char kSha1Hex[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC hash: HASH_FUNCTION_SHA1
    key_encoding: KEY_ENCODING_HEX }
  signature { headers: "X-Sig" } message { body: true })";

constexpr char kUrlSigned[] = R"(
  algorithms { kind: ALGORITHM_KIND_HMAC hash: HASH_FUNCTION_SHA512 }
  signature { headers: "X-Sig" }
  timestamp { header: "X-Time" unit: TIMESTAMP_UNIT_MILLISECONDS }
  message { method: true } message { url: true } message { body: true }
  message { timestamp: true })";

config::v1::Recipe ReadRecipe(const std::string& text) {
  config::v1::Recipe recipe;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &recipe));
  return recipe;
}

Unsigned Webhook() {
  return {.body = R"({"a":1})",
          .headers = {},
          .public_url = "https://h.example/x",
          .query = "q=1",
          .event_id = "msg_1",
          .time = absl::FromUnixSeconds(1'700'000'000)};
}

struct SignCase {
  const char* name;
  const char* recipe;
  const char* secret;
  const char* header;
  const char* value;  // made with Python's hmac module
};

class SignTest : public ::testing::TestWithParam<SignCase> {};

// The signer agrees with an implementation that shares no code with it.
TEST_P(SignTest, AgreesWithPython) {
  const auto signed_webhook = Sign(ReadRecipe(GetParam().recipe), GetParam().secret, Webhook());
  ASSERT_TRUE(signed_webhook.ok()) << signed_webhook.status();
  EXPECT_THAT(signed_webhook->headers, Contains(Pair(GetParam().header, GetParam().value)));
}

INSTANTIATE_TEST_SUITE_P(
    All, SignTest,
    ::testing::Values(
        SignCase{"StandardWebhooks", kStandardWebhooks, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
                 "webhook-signature", "v1,ZeeGpYq/E+LJmv4Rr+FiLPeUcCMR13nkh9N2DAygt4s="},
        SignCase{"KeyValueKeepsThePrefix", kKeyValue, "whsec_x1", "Stripe-Signature",
                 "t=1700000000,v1="
                 "28df836ccd76756fdaed133faca1fd354e0dd469876984bb300042bc3eac6b6f"},
        SignCase{"Prefix", kPrefix, "s3cret", "X-Hub-Signature-256",
                 "sha256=5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d"},
        SignCase{"BareBase64", kBareBase64, "s3cret", "X-Shopify-Hmac-Sha256",
                 "WRDmIBbvUDQnLJJsJwcZkqRlwjNc7PQYUb2gcVd/T20="},
        SignCase{"Slack", kSlack, "s3cret", "X-Slack-Signature",
                 "v0=bd185b05da99402f371e04f620aeca81515f08c0ef7fcf979fccaa4d2f87d47c"},
        SignCase{"Sha1HexKey", kSha1Hex, "00ff10", "X-Sig",
                 "2e4db89310a4cb64129f9f777d32a14ffb4f462a"},
        SignCase{"UrlMethodSha512", kUrlSigned, "s3cret", "X-Sig",
                 "0398ee419d03188a82bb75b8a9dd156a592ef7c6f285e178e867a7c6cfdb58d6"
                 "e0a9ea597a128f12b5424c8dfe70cf112ee0abaa94b78059244f4d8a49624b74"},
        SignCase{"TimestampHeader", kSlack, "s3cret", "X-Slack-Request-Timestamp", "1700000000"},
        SignCase{"IdHeader", kStandardWebhooks, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "webhook-id",
                 "msg_1"}),
    [](const auto& test) { return test.param.name; });

// Tokens go where the scheme carries them.
TEST(SignerTest, PlacesTokens) {
  const auto url =
      Sign(ReadRecipe("algorithms { kind: ALGORITHM_KIND_URL_TOKEN }"), "tok", Webhook());
  EXPECT_EQ(url->url_token, "tok");
  const auto basic =
      Sign(ReadRecipe("algorithms { kind: ALGORITHM_KIND_BASIC }"), "user:pass", Webhook());
  EXPECT_THAT(basic->headers, Contains(Pair("Authorization", "Basic dXNlcjpwYXNz")));
  const auto token = Sign(ReadRecipe(R"(algorithms { kind: ALGORITHM_KIND_STATIC_TOKEN }
                                        signature { headers: "X-Gitlab-Token" })"),
                          "tok", Webhook());
  EXPECT_THAT(token->headers, Contains(Pair("X-Gitlab-Token", "tok")));
}

// Alternatives with `|` between them: the first name is sent, and one that is given is used.
TEST(SignerTest, TakesHeaderAlternatives) {
  const std::string recipe = R"(
    algorithms { kind: ALGORITHM_KIND_HMAC } signature { headers: "S" }
    timestamp { header: "a-time|b-time" } message { header: "a-id|b-id" }
    event { id { header: "a-id" } id { header: "b-id" } })";
  const auto plain = Sign(ReadRecipe(recipe), "s3cret", Webhook());
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_THAT(plain->headers, Contains(Pair("a-id", "msg_1")));
  EXPECT_THAT(plain->headers, Contains(Pair("a-time", "1700000000")));
  Unsigned webhook = Webhook();
  webhook.headers = {{"b-id", "mine"}};
  const auto given = Sign(ReadRecipe(recipe), "s3cret", webhook);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_THAT(given->headers, ::testing::Not(Contains(Pair("a-id", "msg_1"))));
}

// A header that the caller gives is signed, not replaced.
TEST(SignerTest, KeepsGivenHeaders) {
  Unsigned webhook = Webhook();
  webhook.headers = {{"Webhook-Id", "mine"}};
  const auto result = Sign(ReadRecipe(kStandardWebhooks), "whsec_MDEy", webhook);
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->headers, Contains(Pair("Webhook-Id", "mine")));
  EXPECT_THAT(result->headers, ::testing::Not(Contains(Pair("webhook-id", "msg_1"))));
}

// What the user configured at the provider is signed: public_url with its query. Values made with
// Python's hmac module.
TEST(SignerTest, SignsTheUrlThatTheProviderWasGiven) {
  const auto signature = [](const std::string& preset, const std::string& body) {
    Unsigned webhook = Webhook();
    webhook.body = body;
    webhook.public_url = "https://h.example/x?tenant=7";
    webhook.query = "tenant=7";
    const auto made = Sign(*LoadPreset(preset), "s3cret", webhook);
    return made.ok() ? made->headers.back().second : made.status().ToString();
  };
  EXPECT_EQ(signature("square", R"({"a":1})"), "Or7HXCGPQ2WA67z9EzevGY6GxSWnY+hHKKt4lIDKdQ4=");
  EXPECT_EQ(signature("hubspot", R"({"a":1})"), "8GGOsCtZhGAN//Kive3bocAVL5aSxgkDtUeVBuzFzZA=");
  const auto twilio = [] {
    Unsigned webhook = Webhook();
    webhook.body = "b=2&a=1";
    webhook.public_url = "https://h.example/x?tenant=7";
    webhook.query = "other=1";
    return *Sign(*LoadPreset("twilio"), "s3cret", webhook);
  }();
  EXPECT_THAT(twilio.headers, Contains(Pair("X-Twilio-Signature", "YVpOO2zX9lZ3cDGOwDzPkbVhsvU=")))
      << "not what somebody put into the request";
  Unsigned webhook = Webhook();
  EXPECT_EQ(ProviderUrl(webhook), "https://h.example/x?q=1");
  webhook.query.clear();
  EXPECT_EQ(ProviderUrl(webhook), "https://h.example/x");
}

// Every part of a message is signed as the recipe says it, or refused.
TEST(SignerTest, SignsEveryPartOrSaysWhich) {
  const std::string recipe = R"(
    algorithms { kind: ALGORITHM_KIND_HMAC } signature { headers: "S" } body_not_signed: true
    message { config: "hook" } message { literal: "|" } message { body_crc32: true })";
  EXPECT_THAT(Sign(ReadRecipe(recipe), "s3cret", Webhook()).status().message(),
              ::testing::HasSubstr("value hook"));
  Unsigned webhook = Webhook();
  webhook.values = {{"hook", "wh-1"}};
  const auto made = Sign(ReadRecipe(recipe), "s3cret", webhook);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(
      made->headers,
      Contains(Pair("S", "c74635bcf1f430a6741e2279079f289f564e510cb34da921c6f210d7493bd7d4")));
  EXPECT_FALSE(Sign(ReadRecipe(R"(algorithms { kind: ALGORITHM_KIND_HMAC }
                                  signature { headers: "S" } message {})"),
                    "s3cret", Webhook())
                   .ok());
}

// What the bridge verifies with the public key, hookctl signs with the private one; and with no
// other kind of key.
TEST(SignerTest, SignsRsaByPrivateKey) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const auto pem = [&](bool is_private) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    if (is_private) {
      PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    } else {
      PEM_write_bio_PUBKEY(out.get(), key.get());
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<size_t>(size) - 1);
  };
  for (const char* const hash : {"SHA1", "SHA256", "SHA512"}) {
    const auto recipe = ReadRecipe(StrCat(R"(
      algorithms { kind: ALGORITHM_KIND_RSA_PKCS1 hash: HASH_FUNCTION_)",
                                          hash, R"( }
      signature { headers: "X-Sig" encoding: SIGNATURE_ENCODING_BASE64 } message { body: true })"));
    const auto made = Sign(recipe, pem(true), Webhook());
    ASSERT_TRUE(made.ok()) << made.status();
    VerifierOptions options;
    options.recipe = recipe;
    options.keys = {{.id = "k", .secret = pem(false)}};
    const auto verifier = *Verifier::Create(std::move(options));
    auto request = MakeRequest("/hooks/x", made->headers, made->body);
    EXPECT_TRUE(std::holds_alternative<VerifiedWebhook>(
        verifier->Verify(std::move(request), absl::UnixEpoch())))
        << hash;
  }
  const auto ec = ReadRecipe(R"(algorithms { kind: ALGORITHM_KIND_ECDSA_P256 }
    signature { headers: "X-Sig" } message { body: true })");
  EXPECT_FALSE(Sign(ec, pem(true), Webhook()).ok()) << "a key of another kind";
  EXPECT_THAT(Sign(*LoadPreset("paypal"), pem(true), Webhook()).status().message(),
              ::testing::HasSubstr("certificate"));
}

// A private or public key in PEM.
std::string PemOf(EVP_PKEY* key, bool secret) {
  BIO* const bio = BIO_new(BIO_s_mem());
  if (secret) {
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PUBKEY(bio, key);
  }
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(bytes - 1));
  BIO_free(bio);
  return text;
}

// Signs a token by the rule and verifies it.
void ExpectToken(const config::v1::Recipe& recipe, const std::string& secret,
                 const std::string& key) {
  Unsigned webhook = Webhook();
  webhook.values = {{"us", "me"}};
  webhook.key_id = "k";
  const auto made = Sign(recipe, secret, webhook);
  ASSERT_TRUE(made.ok()) << made.status() << recipe.ShortDebugString();
  VerifierOptions options;
  options.recipe = recipe;
  options.values = webhook.values;
  options.public_url = webhook.public_url;
  options.keys = {{.id = "k", .secret = key}};
  const auto verifier = *Verifier::Create(std::move(options));
  const Verdict verdict =
      verifier->Verify(MakeRequest("/hooks/x?q=1", made->headers, made->body), webhook.time);
  const auto* const refused = std::get_if<Rejection>(&verdict);
  EXPECT_EQ(refused, nullptr) << refused->detail << recipe.ShortDebugString();
}

// A token of each algorithm, for the rule that it was made by.
TEST(SignerTest, SignsTokens) {
  const std::pair<std::string, EVP_PKEY*> kinds[] = {
      {"HS256", nullptr},
      {"HS384", nullptr},
      {"HS512", nullptr},
      {"RS256", EVP_RSA_gen(2048)},
      {"RS384", EVP_RSA_gen(2048)},
      {"RS512", EVP_RSA_gen(2048)},
      {"PS256", EVP_RSA_gen(2048)},
      {"ES256", EVP_EC_gen("P-256")},
      {"EDDSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}};
  for (const auto& [algorithm, key] : kinds) {
    const std::string begin = StrCat(
        "algorithms { kind: ALGORITHM_KIND_JWT } jwt { algorithm: JWT_ALGORITHM_", algorithm, " ");
    const std::string secret = key == nullptr ? "s3cret" : PemOf(key, /*secret=*/true);
    const std::string shown = key == nullptr ? "s3cret" : PemOf(key, /*secret=*/false);
    ExpectToken(ReadRecipe(begin + R"(issuers: "i" audiences: "config:us"
                    claims { key: "c" value: "t" } url_hash_claim: "u"
                    body_hash_encoding: SIGNATURE_ENCODING_BASE64 })"),
                secret, shown);
    ExpectToken(ReadRecipe(begin + R"(detached: true } signature { headers: "X-Jws" }
                    message { literal: "x" } message { body: true })"),
                secret, shown);
    if (key == nullptr) continue;
    EXPECT_FALSE(Sign(ReadRecipe(begin + "}"), shown, Webhook()).ok())
        << "a public key signs nothing";
    EVP_PKEY_free(key);
  }
  EXPECT_THAT(Sign(ReadRecipe(R"(algorithms { kind: ALGORITHM_KIND_JWT }
                                 jwt { audiences: "config:us" })"),
                   "s", Webhook())
                  .status()
                  .message(),
              ::testing::HasSubstr("the value us; add --value"));
}

// What cannot be signed is told, without the secret.
TEST(SignerTest, RefusesWhatItCannotSign) {
  const auto bad_key = Sign(ReadRecipe(kStandardWebhooks), "whsec_not base64!", Webhook());
  EXPECT_EQ(bad_key.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(bad_key.status().message()).find("not base64!"), std::string::npos);
  EXPECT_FALSE(Sign(ReadRecipe(""), "s", Webhook()).ok());
  EXPECT_FALSE(
      Sign(ReadRecipe("algorithms { kind: ALGORITHM_KIND_ED25519 }"), "s", Webhook()).ok());
  EXPECT_FALSE(Sign(ReadRecipe(R"(algorithms { kind: ALGORITHM_KIND_HMAC }
                                  signature { headers: "X" } message { header: "Absent" })"),
                    "s", Webhook())
                   .ok());
}

}  // namespace
}  // namespace hookbridge::hookctl
