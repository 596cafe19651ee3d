// PayPal, Braintree, Mollie classic, and recipes of kind rsa_pkcs1.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "tests/support/recipes.h"
#include "tests/support/signed_samples.h"

#include "absl/strings/ascii.h"
#include "gmock/gmock.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kWebhookId[] = "4JH86294D6297924G";
constexpr char kPaypalName[] = "messageverificationcerts.sandbox.paypal.com";

CertificateSpec Spec(std::vector<std::string> names) {
  return {.names = std::move(names),
          .not_before = kNow - absl::Hours(24),
          .not_after = kNow + absl::Hours(24 * 30)};
}

const TestCertificate& Authority() {
  static const auto* const kMade = [] {
    CertificateSpec spec = Spec({});
    spec.authority = true;
    return new TestCertificate(spec);
  }();
  return *kMade;
}
const TestCertificate& Paypal() {
  static const auto* const kMade = new TestCertificate(Spec({kPaypalName}), &Authority());
  return *kMade;
}

// The word for a verdict, with `answer` for whatever is asked.
std::string WordOf(const Verifier& verifier, const RequestBuilder& request,
                   const FetchAnswer& answer, std::string* asked = nullptr) {
  Verdict verdict = verifier.Verify(request.Build(), kNow);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
    if (asked != nullptr) *asked = needed->need.url;
    verdict = verifier.VerifyFetched(std::move(*needed), answer, kNow);
  }
  if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict)) {
    return "ok:" + good->key_id();
  }
  return std::string(ReasonName(std::get<Rejection>(verdict).reason));
}

class PaypalTest : public testing::Test {
 protected:
  PaypalTest() {
    options_.recipe = *LoadPreset("paypal");
    options_.values = {{"webhook_id", kWebhookId}};
    options_.authorities_pem = Authority().pem();
  }
  std::string Word(const RequestBuilder& request, const std::string& served = Paypal().pem()) {
    if (verifier_ == nullptr) verifier_ = *Verifier::Create(options_);
    return WordOf(*verifier_, request, {.status = 200, .body = served}, &asked_);
  }
  static PaypalSample Good() { return PaypalSample(kNow).Sign(Paypal(), kWebhookId); }

  VerifierOptions options_;
  std::unique_ptr<Verifier> verifier_;
  std::string asked_;
};

TEST_F(PaypalTest, AMessageForThisWebhookVerifies) {
  EXPECT_EQ(Word(Good().Request()), "ok:certificate");
  EXPECT_EQ(asked_, kPaypalCertificateUrl);
}

TEST_F(PaypalTest, EveryChangeIsRefused) {
  EXPECT_EQ(Word(Good().Body(R"({"id":"WH-2"})").Request()), "signature_mismatch");
  EXPECT_EQ(Word(Good().Set("paypal-transmission-id", "x").Request()), "signature_mismatch");
  EXPECT_EQ(Word(Good().Set("paypal-transmission-time", "2023-11-14T22:13:21Z").Request()),
            "signature_mismatch");
  EXPECT_EQ(Word(PaypalSample(kNow).Sign(Paypal(), "another webhook").Request()),
            "signature_mismatch");
  EXPECT_EQ(Word(PaypalSample(kNow).Sign(Paypal(), kWebhookId, /*sha1=*/true).Request()),
            "signature_mismatch");
  EXPECT_EQ(Word(Good().Set("paypal-auth-algo", "SHA1withRSA").Request()), "signature_malformed");
  EXPECT_EQ(Word(Good().Set("paypal-auth-algo", "sha256withrsa").Request()), "signature_malformed");
  EXPECT_EQ(Word(Good().Set("paypal-transmission-sig", "AAAA").Request()), "signature_mismatch");
  EXPECT_EQ(Word(Good().Set("paypal-transmission-sig", "%").Request()), "signature_malformed");
  EXPECT_EQ(Word(PaypalSample(kNow).Request()), "signature_missing");
  EXPECT_EQ(Word(PaypalSample(kNow - absl::Hours(97)).Sign(Paypal(), kWebhookId).Request()),
            "timestamp_stale");
  for (const char* const name :
       {"paypal-transmission-sig", "paypal-transmission-id", "paypal-transmission-time",
        "paypal-auth-algo", "paypal-cert-url"}) {
    EXPECT_EQ(Word(Good().Request().Header(name, "x")), "duplicate_header") << name;
  }
  EXPECT_EQ(Word(RequestBuilder().Body("{}")), "signed_header_missing");
}

TEST_F(PaypalTest, WhatNoCertificateCouldSaveAsksForNone) {
  EXPECT_EQ(Word(PaypalSample(kNow).Request()), "signature_missing");
  EXPECT_EQ(Word(Good().Set("paypal-auth-algo", "none").Request()), "signature_malformed");
  EXPECT_EQ(Word(PaypalSample(kNow - absl::Hours(97)).Sign(Paypal(), kWebhookId).Request()),
            "timestamp_stale");
  EXPECT_EQ(asked_, "");
}

TEST_F(PaypalTest, ForgedUrlsAreNeverAsked) {
  for (const char* const url :
       {"https://api.paypal.com.evil.example/v1/notifications/certs/C",
        "https://evil.example/v1/notifications/certs/C",
        "https://api.paypal.com@evil.example/v1/notifications/certs/C",
        "https://u@api.paypal.com/v1/notifications/certs/C",
        "https://API.paypal.com/v1/notifications/certs/C",
        "https://api.paypal.com./v1/notifications/certs/C",
        "https://api.paypal.com:443/v1/notifications/certs/C",
        "http://api.paypal.com/v1/notifications/certs/C",
        "https://www.paypal.com/v1/notifications/certs/C",
        "https://paypal.com/v1/notifications/certs/C", "https://api.paypal.com/v1/other/C",
        "https://api.paypal.com/v1/notifications/certs/../../x",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e/x",
        "https://api.paypal.com/v1/notifications/certs/C?u=x", "https://api.paypal.com/", ""}) {
    EXPECT_EQ(Word(Good().Set("paypal-cert-url", url).Request()), "url_not_allowed") << url;
  }
  EXPECT_EQ(asked_, "");
}

TEST_F(PaypalTest, ACertificateOfAnotherIsRefused) {
  const TestCertificate named(Spec({"www.paypal.com"}), &Authority());
  EXPECT_EQ(Word(PaypalSample(kNow).Sign(named, kWebhookId).Request(), named.pem()),
            "certificate_untrusted");
  verifier_.reset();
  CertificateSpec other = Spec({kPaypalName});
  other.rsa_bits = 3072;
  EXPECT_EQ(Word(Good().Request(), TestCertificate(other, &Authority()).pem()),
            "signature_mismatch");
}

// Steps of an explanation say what was asked for, and what the certificate at hand says.
TEST_F(PaypalTest, AnExplanationUsesTheCertificateAtHand) {
  verifier_ = *Verifier::Create(options_);
  EXPECT_EQ(verifier_->Explain(Good().Request().Build(), kNow).back().what,
            "certificate_unavailable");
  EXPECT_EQ(Word(Good().Request()), "ok:certificate");
  EXPECT_EQ(verifier_->Explain(Good().Request().Build(), kNow).back().what, "verified");
}

TEST_F(PaypalTest, WhatCannotWorkIsSaid) {
  const auto problem = [&] { return std::string(Verifier::Create(options_).status().message()); };
  options_.values.clear();
  EXPECT_THAT(problem(), HasSubstr("values.webhook_id"));
  options_.values = {{"webhook_id", "x"}};
  auto& rule = *options_.recipe.mutable_certificate();
  const config::v1::CertificateRule good = rule;
  rule.clear_url_header();
  EXPECT_THAT(problem(), HasSubstr("certificate.url_header"));
  rule = good;
  rule.clear_hosts();
  EXPECT_THAT(problem(), HasSubstr("certificate.hosts"));
  rule.add_hosts("*.paypal.com");
  EXPECT_THAT(problem(), HasSubstr("`*.paypal.com`"));
  rule = good;
  rule.clear_names();
  EXPECT_THAT(problem(), HasSubstr("certificate.names"));
  rule = good;
  rule.set_path_prefix("x");
  EXPECT_THAT(problem(), HasSubstr("certificate.path_prefix"));
  rule = good;
  options_.recipe.set_body_not_signed(false);
  EXPECT_THAT(problem(), HasSubstr("body")) << "a CRC-32 covers nothing";
  options_.recipe = *LoadPreset("github");
  *options_.recipe.mutable_certificate() = good;
  EXPECT_THAT(problem(), HasSubstr("certificate: is not read by kind hmac"));
}

// A key of one's own in place of a certificate.
TEST(RsaRecipeTest, APublicKeyMayBeConfigured) {
  const config::v1::Recipe recipe = RecipeOf(R"(
algorithms: [{kind: rsa_pkcs1, hash: sha256}]
signature: {headers: [X-Signature], encoding: base64}
message: [{body: true}]
)");
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  const std::string pem(data, static_cast<size_t>(bytes - 1));
  BIO_free(bio);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
  std::string signature(256, '\0');
  size_t size = signature.size();
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>("body"), 4);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);

  const auto verifier = *VerifierOf(recipe, {pem});
  const auto with = [&](const std::string& body) {
    return VerdictOf(*verifier,
                     RequestBuilder().Header("X-Signature", Base64Encode(signature)).Body(body),
                     kNow);
  };
  EXPECT_EQ(with("body"), "ok:k1");
  EXPECT_EQ(with("bodY"), "signature_mismatch");
  EXPECT_FALSE(VerifierOf(recipe, {"no key"}).ok());
  EXPECT_FALSE(verifier->MayFetch());
}

class BraintreeTest : public testing::Test {
 protected:
  static std::string Mac(const std::string& private_key, const std::string& message) {
    unsigned char key[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(private_key.data()), private_key.size(), key);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha1(), key, sizeof key, reinterpret_cast<const unsigned char*>(message.data()),
         message.size(), mac, &size);
    return HexEncode({reinterpret_cast<const char*>(mac), size});
  }
  // A form as a browser's encoder writes it.
  static std::string Form(const std::string& signature, const std::string& payload) {
    std::string form = "bt_signature=";
    for (const std::string& text : {signature, std::string("\1") + payload}) {
      for (const char c : text) {
        if (c == '\1') {
          form += "&bt_payload=";
        } else if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
          form.push_back(c);
        } else {
          StrAppend(&form, "%", HexEncode(std::string(1, c)));
        }
      }
    }
    return form;
  }
  std::string Word(const std::string& form) {
    return VerdictOf(*verifier_, RequestBuilder().Body(form), kNow);
  }

  const std::string payload_ = "PG5vdGlmaWNhdGlvbj48L25vdGlmaWNhdGlvbj4=\n";
  const std::unique_ptr<Verifier> verifier_ =
      *VerifierOf(*LoadPreset("braintree"), {"public_a|private_a", "public_b|private_b"});
};

TEST_F(BraintreeTest, ThePairOfAConfiguredKeyCounts) {
  const std::string a = "public_a|" + Mac("private_a", payload_);
  const std::string b = "public_b|" + Mac("private_b", payload_);
  EXPECT_EQ(Word(Form(a, payload_)), "ok:k1");
  EXPECT_EQ(Word(Form("other|00&" + b, payload_)), "ok:k2");
  EXPECT_EQ(Word(Form(a + "&" + b, payload_)), "ok:k1");
  const std::string lost = payload_.substr(0, payload_.size() - 1);
  EXPECT_EQ(Word(Form(a, lost)), "ok:k1") << "a lost line feed is tried";
  EXPECT_EQ(Word(Form("public_a|" + Mac("private_a", lost), payload_)), "signature_mismatch");
}

TEST_F(BraintreeTest, EveryChangeIsRefused) {
  const std::string good = "public_a|" + Mac("private_a", payload_);
  EXPECT_EQ(Word(Form(good, "x" + payload_)), "signature_mismatch");
  EXPECT_EQ(Word(Form(good, payload_ + "\n")), "signature_mismatch");
  EXPECT_EQ(Word(Form(good, "")), "signature_mismatch");
  std::string damaged = good;
  damaged.back() = damaged.back() == '0' ? '1' : '0';
  EXPECT_EQ(Word(Form(damaged, payload_)), "signature_mismatch");
  EXPECT_EQ(Word(Form("public_a|" + Mac("private_b", payload_), payload_)), "signature_mismatch");
  EXPECT_EQ(Word(Form("public_c|" + Mac("private_a", payload_), payload_)), "unknown_key_id");
  EXPECT_EQ(Word(Form("public_a|nothex", payload_)), "signature_mismatch");
  EXPECT_EQ(Word(Form("public_a", payload_)), "signature_malformed");
  EXPECT_EQ(Word(Form(good, payload_) + "&x=y"), "signature_malformed");
  EXPECT_EQ(Word(Form(good, payload_) + "&bt_payload=x"), "signature_malformed");
  EXPECT_EQ(Word("bt_payload=x"), "signature_missing");
  EXPECT_EQ(Word("%zz"), "signature_missing");
  std::string many = good;
  for (size_t i = 1; i < limits::kSignaturesMax; ++i) many += "&x|00";
  EXPECT_EQ(Word(Form(many, payload_)), "ok:k1");
  EXPECT_EQ(Word(Form(many + "&x|00", payload_)), "signature_malformed");
}

TEST_F(BraintreeTest, AChallengeIsAnsweredWithTheFirstKey) {
  const auto answer = AnswerGet(*verifier_, "bt_challenge=20f9f8ed");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "public_a|" + Mac("private_a", "20f9f8ed"));
  EXPECT_EQ(AnswerGet(*verifier_, "bt_challenge=%3Cscript%3E")->status, 400);
  EXPECT_EQ(AnswerGet(*verifier_, "x=y")->status, 400);
}

TEST_F(BraintreeTest, KeysArePairs) {
  for (const char* const secret : {"private", "|private", "public|", "pub lic|private"}) {
    EXPECT_FALSE(VerifierOf(*LoadPreset("braintree"), {secret}).ok()) << secret;
  }
}

class MollieTest : public testing::Test {
 protected:
  std::string Word(const std::string& form, const FetchAnswer& answer) {
    return WordOf(*verifier_, RequestBuilder().Body(form), answer, &asked_);
  }
  static FetchAnswer Payment(const std::string& id, const std::string& resource = "payment") {
    return {.status = 200,
            .body = StrCat(R"({"resource":")", resource, R"(","id":")", id, R"("})")};
  }

  std::string asked_;
  const std::unique_ptr<Verifier> verifier_ =
      *VerifierOf(*LoadPreset("mollie_classic"), {"live_first", "live_second"});
};

TEST_F(MollieTest, ThePaymentIsFetchedWithTheFirstKeyAndIsTheBody) {
  Verdict verdict =
      verifier_->Verify(RequestBuilder()
                            .Header("Content-Type", "application/x-www-form-urlencoded")
                            .Header("User-Agent", "Mollie HTTP client")
                            .Body("id=tr_7UhSN1zuXS")
                            .Build(),
                        kNow);
  auto& needed = std::get<NeedsFetch>(verdict);
  EXPECT_EQ(needed.need.purpose, FetchPurpose::kResource);
  EXPECT_EQ(needed.need.url, "https://api.mollie.com/v2/payments/tr_7UhSN1zuXS");
  EXPECT_EQ(needed.need.host, "api.mollie.com");
  EXPECT_EQ(needed.need.bearer, "live_first");
  const FetchAnswer answer = Payment("tr_7UhSN1zuXS");
  const Verdict settled = verifier_->VerifyFetched(std::move(needed), answer, kNow);
  const WebhookRequest& request = std::get<VerifiedWebhook>(settled).request();
  EXPECT_EQ(std::get<VerifiedWebhook>(settled).key_id(), "k1");
  EXPECT_EQ(request.body, answer.body);
  EXPECT_EQ(request.FindHeader("content-type")->value, "application/json");
  EXPECT_EQ(request.CountHeader("content-type"), 1u);
  EXPECT_EQ(request.FindHeader("user-agent")->value, "Mollie HTTP client");
}

TEST_F(MollieTest, IdsAreStrict) {
  for (const char* const form :
       {"", "x=y", "id=tr_1&id=tr_2", "id=tr_1&x=y", "x=y&id=tr_1", "%zz", "{\"id\":\"tr_1\"}"}) {
    EXPECT_EQ(Word(form, Payment("tr_1")), "credential_missing") << form;
  }
  for (const char* const form :
       {"id=", "id=tr_", "id=TR_1", "id=ord_1", "id=tr_1%2f..%2fx", "id=tr_1/", "id=tr_1%3Fx",
        "id=tr_1+", "id=..", "id=tr_%C3%A9", "id=tr_1%00"}) {
    EXPECT_EQ(Word(form, Payment("tr_1")), "credential_malformed") << form;
  }
  const std::string most = "tr_" + std::string(61, 'a');
  EXPECT_EQ(Word("id=" + most + "a", Payment("tr_1")), "credential_malformed");
  EXPECT_EQ(asked_, "");
  EXPECT_EQ(Word("id=" + most, Payment(most)), "ok:k1");
}

TEST_F(MollieTest, OnlyThePaymentThatWasAskedForCounts) {
  EXPECT_EQ(Word("id=tr_1", Payment("tr_1")), "ok:k1");
  EXPECT_EQ(Word("id=tr_1", Payment("tr_2")), "resource_unavailable");
  EXPECT_EQ(Word("id=tr_1", Payment("tr_1", "refund")), "resource_unavailable");
  EXPECT_EQ(Word("id=tr_1", {.status = 200, .body = "no json"}), "resource_unavailable");
  EXPECT_EQ(Word("id=tr_1", {.status = 404, .body = Payment("tr_1").body}), "resource_unknown");
  for (const int status : {301, 401, 403, 429, 500, 503}) {
    EXPECT_EQ(Word("id=tr_1", {.status = status, .body = Payment("tr_1").body}),
              "resource_unavailable")
        << status;
  }
  EXPECT_EQ(Word("id=tr_1", {.error = "too late"}), "resource_unavailable");
}

}  // namespace
}  // namespace hookbridge
