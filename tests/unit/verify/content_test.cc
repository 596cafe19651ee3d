// What is signed of a compressed body, and when it is inflated.
#include "server/verify/internal/content.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "tests/support/compress.h"
#include "tests/support/recipes.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hookbridge {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr std::string_view kBody = R"({"id":"1","token":"key"})";
constexpr std::string_view kWire =
    "algorithms: [{kind: hmac}]\nsignature: {headers: [X-Sig]}\nmessage: [{body: true}]\n";

std::string Hex(std::string_view text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), "key", 3, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       mac, &size);
  return HexEncode({reinterpret_cast<const char*>(mac), size});
}

std::unique_ptr<const Verifier> Make(std::string_view yaml, uint64_t body_bytes_max = 1 << 20) {
  VerifierOptions options;
  options.recipe = RecipeOf(yaml);
  options.keys.push_back({.id = "k1", .secret = "key"});
  options.body_bytes_max = body_bytes_max;
  auto made = Verifier::Create(std::move(options));
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

RequestBuilder Gzip(std::string_view body) {
  return RequestBuilder()
      .Header("Content-Encoding", "gzip")
      .Body(Compress(ContentCoding::kGzip, body));
}

// `ok:` and the content, or the reason.
std::string Try(const Verifier& verifier, const RequestBuilder& request) {
  const Verdict verdict = verifier.Verify(request.Build(), kNow);
  if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict)) {
    return StrCat("ok:", good->request().content());
  }
  const auto& rejection = std::get<Rejection>(verdict);
  EXPECT_FALSE(rejection.request.inflated) << "is given up";
  return std::string(ReasonName(rejection.reason));
}

TEST(ContentTest, TheSignatureIsOverTheWireOrOverWhatItInflatesTo) {
  const std::string wire = Compress(ContentCoding::kGzip, kBody);
  const auto by_wire = Make(kWire);
  const auto by_content = Make(StrCat(kWire, "signed_body: inflated"));
  const std::string ok = StrCat("ok:", kBody);
  EXPECT_EQ(Try(*by_wire, Gzip(kBody).Header("X-Sig", Hex(wire))), ok);
  EXPECT_EQ(Try(*by_wire, Gzip(kBody).Header("X-Sig", Hex(kBody))), "signature_mismatch");
  EXPECT_EQ(Try(*by_content, Gzip(kBody).Header("X-Sig", Hex(kBody))), ok);
  EXPECT_EQ(Try(*by_content, Gzip(kBody).Header("X-Sig", Hex(wire))), "signature_mismatch");
  for (const auto* const verifier : {by_wire.get(), by_content.get()}) {
    EXPECT_EQ(Try(*verifier, RequestBuilder().Body(kBody).Header("X-Sig", Hex(kBody))), ok)
        << "one that is not compressed";
  }
}

TEST(ContentTest, TheChecksumIsOfTheSameBytes) {
  const std::string_view yaml =
      "algorithms: [{kind: hmac}]\nsignature: {headers: [X-Sig]}\nmessage: [{body_crc32: true}]\n"
      "body_not_signed: true\nsigned_body: inflated";
  // CRC-32 of the body, by Python's zlib.
  EXPECT_EQ(Try(*Make(yaml), Gzip(kBody).Header("X-Sig", Hex("3458322916"))), StrCat("ok:", kBody));
}

// Who cannot sign makes the bridge inflate nothing.
TEST(ContentTest, ForgedRequestsAreNotInflatedWithoutNeed) {
  EXPECT_FALSE(DecidesByContent(RecipeOf(kWire)));
  const RequestBuilder bad = RequestBuilder().Header("Content-Encoding", "gzip").Body("no gzip");
  EXPECT_EQ(Try(*Make(kWire), RequestBuilder(bad).Header("X-Sig", Hex("other"))),
            "signature_mismatch");
  EXPECT_EQ(Try(*Make(kWire), RequestBuilder(bad).Header("X-Sig", Hex("no gzip"))),
            "content_encoding");
  EXPECT_EQ(Try(*Make(StrCat(kWire, "signed_body: inflated")),
                RequestBuilder(bad).Header("X-Sig", Hex("other"))),
            "content_encoding");
}

TEST(ContentTest, WhatDecidesInsideTheBodyNeedsItInflated) {
  const std::string hmac = "algorithms: [{kind: hmac}]\nmessage: [{body: true}]\n";
  const std::string header = "signature: {headers: [X]}\n";
  for (const std::string& yaml :
       {hmac + "signature: {json_pointer: /s}", hmac + header + "timestamp: {json_pointer: /t}",
        hmac + "signature: {form_field: s}\nbody_format: form",
        hmac + header + "timestamp: {form_field: t}\nbody_format: form",
        hmac + header + "signed_body: inflated",
        header + "algorithms: [{kind: hmac}]\nmessage: [{json_pointer: /a}]\nbody_not_signed: true",
        header + "algorithms: [{kind: hmac}]\nmessage: [{fields: {}}]\nbody_format: form",
        std::string("algorithms: [{kind: static_token}]\nsignature: {json_pointer: /token}"),
        std::string("algorithms: [{kind: twilio}]"), std::string("algorithms: [{kind: aws_sns}]"),
        std::string("algorithms: [{kind: adyen_payments}]"),
        std::string("algorithms: [{kind: braintree}]"),
        std::string("algorithms: [{kind: mollie_classic}]")}) {
    EXPECT_TRUE(DecidesByContent(RecipeOf(yaml))) << yaml;
  }
  for (const std::string& yaml :
       {hmac + header, header + "algorithms: [{kind: hmac}]\nmessage: [{fields: {from: query}}]",
        std::string("algorithms: [{kind: url_token}]"),
        hmac + header + "event: {id: [{json_pointer: /id}]}"}) {
    EXPECT_FALSE(DecidesByContent(RecipeOf(yaml))) << yaml;
  }
  EXPECT_EQ(Try(*Make("algorithms: [{kind: static_token}]\nsignature: {json_pointer: /token}"),
                Gzip(kBody)),
            R"(ok:{"id":"1","token":"***"})");
}

TEST(ContentTest, NoMoreThanTheSourceTakes) {
  const std::string body = StrCat("{\"a\":\"", std::string(500, 'x'), "\"}");
  const RequestBuilder signed_request =
      Gzip(body).Header("X-Sig", Hex(Compress(ContentCoding::kGzip, body)));
  EXPECT_EQ(Try(*Make(kWire, body.size()), signed_request), StrCat("ok:", body));
  EXPECT_EQ(Try(*Make(kWire, body.size() - 1), signed_request), "body_too_large");
  const std::string zeros(limits::kInflateFreeBytes + 1, '\0');
  EXPECT_EQ(
      Try(*Make(kWire), Gzip(zeros).Header("X-Sig", Hex(Compress(ContentCoding::kGzip, zeros)))),
      "body_too_large");
}

TEST(ContentTest, OtherCodingsAndSeveralAreRefused) {
  for (const char* const coding : {"gzip, gzip", "compress", "gzip;q=1"}) {
    EXPECT_EQ(Try(*Make(kWire), RequestBuilder()
                                    .Header("Content-Encoding", coding)
                                    .Body("x")
                                    .Header("X-Sig", Hex("x"))),
              "content_encoding")
        << coding;
  }
}

TEST(ContentTest, TheExplanationSaysWhatItInflatesTo) {
  const auto verifier = Make(StrCat(kWire, "signed_body: inflated"));
  const auto steps = verifier->Explain(Gzip(kBody).Header("X-Sig", Hex(kBody)).Build(), kNow);
  ASSERT_GE(steps.size(), 2u);
  EXPECT_EQ(steps.front().what, "content");
  EXPECT_THAT(steps.front().detail, testing::EndsWith(" bytes inflate to 24"));
  EXPECT_EQ(steps.back().what, "verified");
}

// While the payment is fetched, the request holds no inflated body.
TEST(ContentTest, WhatWaitsForAFetchHasNothingInflated) {
  const auto verifier = *VerifierOf(*LoadPreset("mollie_classic"), {"live_key"});
  Verdict verdict = verifier->Verify(Gzip("id=tr_7UhSN1zuXS").Build(), kNow);
  auto& needed = std::get<NeedsFetch>(verdict);
  EXPECT_FALSE(needed.request.inflated);
  const std::string payment = R"({"resource":"payment","id":"tr_7UhSN1zuXS"})";
  const Verdict settled =
      verifier->VerifyFetched(std::move(needed), {.status = 200, .body = payment}, kNow);
  const WebhookRequest& request = std::get<VerifiedWebhook>(settled).request();
  EXPECT_EQ(request.content(), payment);
  EXPECT_EQ(request.FindHeader("Content-Encoding"), nullptr) << "the payment is not compressed";
}

constexpr std::string_view kFieldToken =
    "algorithms: [{kind: static_token}]\nsignature: {json_pointer: /token}\n"
    "body_format: by_content_type\njson_field: payload\n";

TEST(JsonFieldTokenTest, IsFoundAndErasedInTheDocument) {
  const auto verifier = Make(kFieldToken);
  EXPECT_EQ(
      Try(*verifier, RequestBuilder()
                         .Header("Content-Type", "application/x-www-form-urlencoded")
                         .Body("a=1&payload=%7B%22token%22:%22key%22,%22b%22:%22x y%22%7D&c=2")),
      "ok:a=1&payload=%7B%22token%22%3A%22%2A%2A%2A%22%2C%22b%22%3A%22x%20y%22%7D&c=2");
  EXPECT_EQ(Try(*verifier, RequestBuilder()
                               .Header("Content-Type", "multipart/form-data; boundary=b")
                               .Body("--b\r\nContent-Disposition: form-data; name=payload\r\n\r\n"
                                     "{\"token\":\"key\"}\r\n--b--")),
            "ok:--b\r\nContent-Disposition: form-data; name=payload\r\n\r\n"
            "{\"token\":\"***\"}\r\n--b--");
  EXPECT_EQ(Try(*verifier, RequestBuilder().Body(R"({"token":"key"})")), R"(ok:{"token":"***"})");
  EXPECT_EQ(Try(*verifier, RequestBuilder()
                               .Header("Content-Type", "application/x-www-form-urlencoded")
                               .Body("other=%7B%22token%22:%22key%22%7D")),
            "credential_missing");
}

TEST(EventsByGetTest, AQueryIsSignedAsAForm) {
  const auto verifier = Make(
      "algorithms: [{kind: hmac}]\nsignature: {query: sign}\nbody_format: form\nevents_by_get: "
      "true\n"
      "message: [{fields: {except: [sign]}}]\n");
  const std::string query = StrCat("b=2&a=1&sign=", Hex("a=1&b=2"));
  EXPECT_EQ(Try(*verifier, RequestBuilder().Method("GET").Query(query)), "ok:" + query);
  EXPECT_EQ(Try(*verifier, RequestBuilder().Method("GET").Query("b=3&a=1&sign=" + Hex("a=1&b=2"))),
            "signature_mismatch");
}

TEST(EventsByGetTest, ATokenInTheQueryIsNotStored) {
  const auto verifier = Make(
      "algorithms: [{kind: static_token}]\nsignature: {query: token}\nbody_format: form\n"
      "events_by_get: true");
  const Verdict verdict =
      verifier->Verify(RequestBuilder().Method("GET").Query("a=1&token=key").Build(), kNow);
  const WebhookRequest& request = std::get<VerifiedWebhook>(verdict).request();
  EXPECT_EQ(request.body, "a=1&token=***");
  EXPECT_EQ(request.query, "a=1&token=***");
}

}  // namespace
}  // namespace hookbridge
