// The schemes that are no recipe, signatures inside bodies, public keys and handshakes: what the
// published vectors do not reach.
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/internal/public_key.h"
#include "server/verify/internal/twilio.h"
#include "server/verify/presets.h"
#include "tests/support/recipes.h"

#include "gmock/gmock.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

namespace hookbridge {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

std::string Mac(const EVP_MD* hash, const std::string& key, const std::string& message) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  return {reinterpret_cast<const char*>(mac), size};
}

std::string AdyenItem(const std::string& reference, const std::string& signature) {
  return StrCat(R"({"NotificationRequestItem":{"pspReference":")", reference,
                R"(","eventCode":"REFUND","success":"true","additionalData":{"hmacSignature":")",
                signature, "\"}}}");
}

std::string AdyenBody(const std::string& items) {
  return StrCat(R"({"live":"false","notificationItems":[)", items, "]}");
}

TEST(AdyenItemsTest, EveryItemMustVerifyWithOneKey) {
  const auto verifier = *VerifierOf(*LoadPreset("adyen_payments"), {"0011", "2233"});
  // pspReference, originalReference, merchantAccountCode, merchantReference, amount, code, success.
  const auto good = [&](const std::string& key, const std::string& reference) {
    const std::string message = reference + "::::::REFUND:true";
    return AdyenItem(reference, Base64Encode(Mac(EVP_sha256(), *HexDecode(key), message)));
  };
  const auto verdict = [&](const std::string& items) {
    return VerdictOf(*verifier, RequestBuilder().Body(AdyenBody(items)), kNow);
  };
  EXPECT_EQ(verdict(good("0011", "A")), "ok:k1");
  EXPECT_EQ(verdict(good("2233", "A")), "ok:k2");
  EXPECT_EQ(verdict(good("0011", "A") + "," + good("0011", "B")), "ok:k1");
  EXPECT_EQ(verdict(good("0011", "A") + "," + good("2233", "B")), "signature_mismatch");
  EXPECT_EQ(verdict(good("0011", "A") + "," + AdyenItem("B", "AAAA")), "signature_mismatch");
  EXPECT_EQ(verdict(good("0011", "A") + R"(,{"NotificationRequestItem":{"pspReference":"B"}})"),
            "signature_missing");
  EXPECT_EQ(verdict(""), "signature_missing");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body("no json"), kNow), "signature_missing");
}

TEST(TwilioTest, KnowsTheUrlsThatMayHaveBeenSigned) {
  EXPECT_THAT(TwilioUrls("https://a.example/x"),
              testing::ElementsAre("https://a.example/x", "https://a.example:443/x"));
  EXPECT_THAT(TwilioUrls("http://u:p@a.example:8080?q"),
              testing::ElementsAre("http://u:p@a.example:8080?q", "http://u:p@a.example?q"));
  EXPECT_THAT(TwilioUrls("https://a/x?n='"),
              testing::ElementsAre("https://a/x?n='", "https://a:443/x?n='", "https://a/x?n=%27",
                                   "https://a:443/x?n=%27"));
  EXPECT_THAT(TwilioUrls("nonsense"), testing::ElementsAre("nonsense"));
}

TEST(TwilioTest, ABodyThatNothingCoversIsRefused) {
  const auto verifier = *VerifierOf(*LoadPreset("twilio"), {"token"});
  const std::string url = "https://hooks.example/hooks/test";
  const std::string of_url = Base64Encode(Mac(EVP_sha1(), "token", url));
  const auto verdict = [&](const std::string& body, const std::string& query = "") {
    return VerdictOf(*verifier,
                     RequestBuilder().Header("X-Twilio-Signature", of_url).Body(body).Query(query),
                     kNow);
  };
  EXPECT_EQ(verdict(""), "ok:k1") << "a signed URL and no parameters";
  EXPECT_EQ(verdict(R"({"json":true})"), "signature_mismatch");
  EXPECT_EQ(verdict("a=b"), "signature_mismatch");
  EXPECT_EQ(verdict("%zz"), "signature_mismatch");
  EXPECT_EQ(verdict("x", "bodySHA256=00"), "signature_mismatch");
}

// Mandrill signs as Twilio does, under a header of its own.
TEST(TwilioTest, TheHeaderIsTheRecipes) {
  const auto verifier = *VerifierOf(
      RecipeOf("algorithms: [{kind: twilio}]\nsignature: {headers: [X-Old, X-Mandrill-Signature]}"),
      {"token"});
  const std::string signature =
      Base64Encode(Mac(EVP_sha1(), "token", "https://hooks.example/hooks/testmandrill_events[]"));
  const auto verdict = [&](const std::string& header) {
    return VerdictOf(
        *verifier, RequestBuilder().Header(header, signature).Body("mandrill_events=%5B%5D"), kNow);
  };
  EXPECT_EQ(verdict("X-Mandrill-Signature"), "ok:k1");
  EXPECT_EQ(verdict("X-Old"), "ok:k1");
  EXPECT_EQ(verdict("X-Twilio-Signature"), "signature_missing");
}

// A provider that was given a URL with a query signs that query; what it adds itself is behind it.
TEST(SignedUrlTest, TheQueryIsWhatTheProviderCalledWith) {
  const std::string given = "https://hooks.example/hooks/test?tenant=7";
  struct Case {
    std::string preset, header, before, after;
    const EVP_MD* hash;
  };
  for (const Case& one :
       {Case{"square", "x-square-hmacsha256-signature", "", "{}", EVP_sha256()},
        Case{"hubspot", "X-HubSpot-Signature-v3", "POST", "{}1700000000000", EVP_sha256()},
        Case{"twilio", "X-Twilio-Signature", "", "{}", EVP_sha1()}}) {
    VerifierOptions options;
    options.recipe = *LoadPreset(one.preset);
    options.public_url = given;
    options.keys = {{.id = "k1", .secret = "s3cret"}};
    const auto verifier = *Verifier::Create(std::move(options));
    const auto verdict = [&](const std::string& signed_url, const std::string& query) {
      const std::string mac = Mac(one.hash, "s3cret", one.before + signed_url + one.after);
      return VerdictOf(*verifier,
                       RequestBuilder()
                           .Header(one.header, Base64Encode(mac))
                           .Header("X-HubSpot-Request-Timestamp", "1700000000000")
                           .Query(query)
                           .Body("{}"),
                       kNow);
    };
    EXPECT_EQ(verdict(given, "tenant=7"), "ok:k1") << one.preset;
    EXPECT_EQ(verdict(given, ""), "ok:k1") << one.preset << ": a proxy took the query away";
    EXPECT_EQ(verdict(given + "&n=1", "tenant=7&n=1"), "ok:k1") << one.preset;
    EXPECT_EQ(verdict(given, "tenant=8"), "signature_mismatch") << one.preset;
    EXPECT_EQ(verdict("https://hooks.example/hooks/test", "tenant=7"), "signature_mismatch")
        << one.preset;
  }
}

TEST(PublicKeyTest, OtherKeysAreRefusedWhenTheyAreMade) {
  EXPECT_FALSE(PublicKey::Ed25519("short").ok());
  EXPECT_FALSE(PublicKey::EcdsaP256("not DER").ok());
  EVP_PKEY* const other = EVP_EC_gen("P-384");
  unsigned char* der = nullptr;
  const int bytes = i2d_PUBKEY(other, &der);
  EXPECT_FALSE(
      PublicKey::EcdsaP256({reinterpret_cast<const char*>(der), static_cast<size_t>(bytes)}).ok());
  EVP_PKEY_free(other);
  EVP_PKEY* const good = EVP_EC_gen("P-256");
  unsigned char* good_der = nullptr;
  const int good_bytes = i2d_PUBKEY(good, &good_der);
  const std::string text(reinterpret_cast<const char*>(good_der), static_cast<size_t>(good_bytes));
  EXPECT_TRUE(PublicKey::EcdsaP256(text).ok());
  EXPECT_FALSE(PublicKey::EcdsaP256(text + "x").ok()) << "bytes after the key";
  EVP_PKEY_free(good);
  OPENSSL_free(der);
  OPENSSL_free(good_der);
}

TEST(BodySignatureTest, DuplicateKeysCannotHideASecondSignature) {
  const auto verifier = *VerifierOf(*LoadPreset("mailgun"), {"key"});
  const std::string mac = HexEncode(Mac(EVP_sha256(), "key", "1700000000t"));
  const std::string signature =
      StrCat(R"("signature":{"timestamp":"1700000000","token":"t","signature":")", mac, "\"}");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body(StrCat("{", signature, "}")), kNow),
            "ok:k1");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body(StrCat("{", signature, ",", signature, "}")),
                      kNow),
            "signature_missing");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body(StrCat("{", signature, "} ")), kNow),
            "ok:k1");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body(StrCat("{", signature, "}x")), kNow),
            "signature_missing");
}

TEST(HandshakeTest, TokensOfGetHandshakesAreChecked) {
  VerifierOptions options;
  options.recipe = *LoadPreset("meta");
  options.keys = {{.id = "1", .secret = "s"}};
  EXPECT_THAT(std::string(Verifier::Create(options).status().message()),
              testing::HasSubstr("handshake_token"));
  options.handshake_token = "with blank ";
  EXPECT_FALSE(Verifier::Create(options).ok());
  options.handshake_token = "token-1";
  const auto verifier = *Verifier::Create(options);
  EXPECT_EQ(AnswerGet(*verifier, "hub.challenge=1&hub.verify_token=token-1")->status, 200);
  EXPECT_EQ(AnswerGet(*verifier, "hub.challenge=1&hub.verify_token=token-2")->status, 401);
  EXPECT_EQ(AnswerGet(*verifier, "hub.challenge=1")->status, 401);
  EXPECT_EQ(
      AnswerGet(*verifier, "hub.challenge=1&hub.verify_token=token-1&hub.verify_token=token-1")
          ->status,
      401);
  EXPECT_EQ(AnswerGet(*verifier, "hub.verify_token=token-1")->status, 400);
}

TEST(HandshakeTest, AnUnknownKeyIdIsSaid) {
  const auto verifier = *VerifierOf(*LoadPreset("klarna"), {"secret"});
  const std::string mac = HexEncode(Mac(EVP_sha256(), "secret", "{}"));
  const auto with = [&](const std::string& id) {
    return VerdictOf(*verifier,
                     RequestBuilder()
                         .Header("Klarna-Signature", mac)
                         .Header("Klarna-Signing-Key-Id", id)
                         .Body("{}"),
                     kNow);
  };
  EXPECT_EQ(with("k1"), "ok:k1");
  EXPECT_EQ(with("k2"), "unknown_key_id");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Header("Klarna-Signature", mac).Body("{}"), kNow),
            "signed_header_missing");
}

}  // namespace
}  // namespace hookbridge
