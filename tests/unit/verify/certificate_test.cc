// What a signing certificate must be, and how long it is kept.
#include "server/verify/internal/certificate.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/certificate_cache.h"
#include "server/verify/internal/certificate_gate.h"
#include "tests/support/test_certificates.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kName[] = "signer.provider.example";

CertificateSpec Spec(std::vector<std::string> names = {kName}) {
  return {.names = std::move(names),
          .not_before = kNow - absl::Hours(24),
          .not_after = kNow + absl::Hours(24)};
}

TestCertificate MakeAuthority(const TestCertificate* issuer = nullptr) {
  CertificateSpec spec = Spec({});
  spec.names = issuer == nullptr ? std::vector<std::string>{}
                                 : std::vector<std::string>{"intermediate.example"};
  spec.authority = true;
  return TestCertificate(spec, issuer);
}

const TestCertificate& Root() {
  static const auto* const kMade = new TestCertificate(MakeAuthority());
  return *kMade;
}

// `ok`, or why not.
std::string Judge(std::string_view file, bool issuer_may_be_missing = false,
                  absl::Time now = kNow) {
  const CertificatePolicy policy{.names = {"other.example", kName},
                                 .issuer_may_be_missing = issuer_may_be_missing};
  const auto read = ReadCertificate(file, policy, *Authorities::Of(Root().pem()), now);
  return read.ok() ? "ok" : std::string(ToStd(read.status().message()));
}
std::string Judge(const CertificateSpec& spec, bool issuer_may_be_missing = false) {
  return Judge(TestCertificate(spec, &Root()).pem(), issuer_may_be_missing);
}

TEST(CertificateTest, AGoodOneIsReadInBothForms) {
  const TestCertificate good(Spec(), &Root());
  EXPECT_EQ(Judge(good.pem()), "ok");
  EXPECT_EQ(Judge(good.der()), "ok");
  EXPECT_EQ(Judge("text before\n" + good.pem()), "ok");
  const auto read =
      ReadCertificate(good.pem(), {.names = {kName}}, *Authorities::Of(Root().pem()), kNow);
  const std::string_view message[] = {"mes", "sage"};
  EXPECT_TRUE(read->key.Verify(message, good.Sign("message")));
  EXPECT_FALSE(read->key.Verify(message, good.Sign("message", /*sha1=*/true)));
  EXPECT_TRUE(read->key.WithHash(config::v1::HASH_FUNCTION_SHA1)
                  .Verify(message, good.Sign("message", /*sha1=*/true)));
  EXPECT_FALSE(read->key.Verify(message, good.Sign("massage")));
  EXPECT_FALSE(read->key.Verify(message, ""));
}

TEST(CertificateTest, WhatIsNoCertificateIsSaid) {
  const std::string good = TestCertificate(Spec(), &Root()).pem();
  for (const std::string& file :
       {std::string(), std::string("nonsense"), good.substr(0, good.size() / 2),
        TestCertificate(Spec(), &Root()).der() + "x", Root().key_pem(),
        good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        std::string("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                    "DEK-Info: AES-256-CBC,00000000000000000000000000000000\n\nAAAA\n"
                    "-----END RSA PRIVATE KEY-----\n")}) {
    EXPECT_NE(Judge(file), "ok") << file;
    EXPECT_NE(Judge(file, /*issuer_may_be_missing=*/true), "ok") << file;
  }
}

TEST(CertificateTest, FilesAreBounded) {
  const std::string good = TestCertificate(Spec(), &Root()).pem();
  std::string many;
  for (size_t i = 0; i < limits::kCertificateFileCertificatesMax; ++i) many += good;
  EXPECT_EQ(Judge(many), "ok");
  EXPECT_THAT(Judge(many + good), HasSubstr("too many"));
  const std::string padding(limits::kCertificateFileBytesMax - good.size(), '\n');
  EXPECT_EQ(Judge(padding + good), "ok");
  EXPECT_THAT(Judge("\n" + padding + good), HasSubstr("too large"));
}

TEST(CertificateTest, ValidityIsToTheSecond) {
  const std::string pem = TestCertificate(Spec(), &Root()).pem();
  const auto at = [&](absl::Duration since) {
    return Judge(pem, /*issuer_may_be_missing=*/true, kNow + since);
  };
  EXPECT_EQ(at(-absl::Hours(24)), "ok");
  EXPECT_THAT(at(-absl::Hours(24) - absl::Seconds(1)), HasSubstr("not valid yet"));
  EXPECT_EQ(at(absl::Hours(24) - absl::Seconds(1)), "ok");
  EXPECT_THAT(at(absl::Hours(24) + absl::Seconds(1)), HasSubstr("expired"));
}

TEST(CertificateTest, ItMustBearTheName) {
  EXPECT_EQ(Judge(Spec({"first.example", kName})), "ok");
  EXPECT_THAT(Judge(Spec({"signer.provider.example.evil.example"})), HasSubstr("another name"));
  EXPECT_THAT(Judge(Spec({"*.provider.example"})), HasSubstr("another name"));
  EXPECT_THAT(Judge(Spec({"provider.example"})), HasSubstr("another name"));
}

TEST(CertificateTest, TheKeyMustBeStrongRsaForSignatures) {
  CertificateSpec spec = Spec();
  spec.rsa_bits = 1024;
  EXPECT_THAT(Judge(spec, true), HasSubstr("1024 bits"));
  spec.rsa_bits = 0;
  EXPECT_THAT(Judge(spec, true), HasSubstr("not an RSA"));
  spec = Spec();
  spec.key_usage = "keyEncipherment";
  EXPECT_THAT(Judge(spec, true), HasSubstr("not for signatures"));
  spec.key_usage = "";
  EXPECT_EQ(Judge(spec), "ok") << "no usage is any usage";
  spec = Spec();
  spec.authority = true;
  EXPECT_THAT(Judge(spec, true), HasSubstr("authority's"));
}

// CHAIN: to the authorities, with the file's other certificates. HOST: the issuer may be missing,
// and no other fault is forgiven.
TEST(CertificateTest, TheChainCounts) {
  const TestCertificate intermediate = MakeAuthority(&Root());
  const TestCertificate leaf(Spec(), &intermediate);
  EXPECT_EQ(Judge(leaf.pem() + intermediate.pem()), "ok");
  EXPECT_EQ(Judge(leaf.pem() + Root().pem() + intermediate.pem()), "ok");
  EXPECT_THAT(Judge(leaf.pem()), HasSubstr("no chain"));
  EXPECT_EQ(Judge(leaf.pem(), true), "ok");

  const TestCertificate stranger = MakeAuthority();
  const TestCertificate foreign(Spec(), &stranger);
  EXPECT_THAT(Judge(foreign.pem()), HasSubstr("no chain"));
  EXPECT_THAT(Judge(foreign.pem() + stranger.pem()), HasSubstr("no chain"));
  EXPECT_THAT(Judge(foreign.pem() + stranger.pem(), true), HasSubstr("self-signed"));
  EXPECT_THAT(Judge(TestCertificate(Spec()).pem(), true), HasSubstr("self-signed"));

  CertificateSpec weak = Spec();
  weak.sha1 = true;
  EXPECT_THAT(Judge(weak, true), HasSubstr("no chain"));
  const TestCertificate not_authority(Spec(), &Root());
  EXPECT_THAT(Judge(TestCertificate(Spec(), &not_authority).pem() + not_authority.pem(), true),
              HasSubstr("no chain"));
}

TEST(CertificateTest, AuthoritiesAreReadOrRefused) {
  EXPECT_TRUE(Authorities::System().ok());
  EXPECT_FALSE(Authorities::Of("nonsense").ok());
}

std::shared_ptr<const SigningCertificate> MakeKept() {
  const TestCertificate made(Spec(), &Root());
  return std::make_shared<const SigningCertificate>(
      *ReadCertificate(made.pem(), {.names = {kName}}, *Authorities::Of(Root().pem()), kNow));
}

TEST(CertificateCacheTest, ForgetsInTime) {
  CertificateCache cache;
  const auto kept = MakeKept();
  EXPECT_FALSE(cache.Find("u", kNow));
  cache.Put("u", {.certificate = kept, .detail = {}}, kNow);
  cache.Put("bad", {.certificate = nullptr, .reason = Reason::kCertificateUntrusted, .detail = "d"},
            kNow);
  const absl::Duration tick = absl::Milliseconds(1);
  EXPECT_EQ(cache.Find("u", kNow + limits::kCertificateMaxAge - tick)->certificate, kept);
  EXPECT_FALSE(cache.Find("u", kNow + limits::kCertificateMaxAge));
  EXPECT_FALSE(cache.Find("u", kNow - tick)) << "the clock went back";
  EXPECT_EQ(cache.Find("bad", kNow + limits::kCertificateFailureMaxAge - tick)->reason,
            Reason::kCertificateUntrusted);
  EXPECT_FALSE(cache.Find("bad", kNow + limits::kCertificateFailureMaxAge));
  cache.Put("late", {.certificate = kept, .detail = {}}, kNow + absl::Hours(24));
  EXPECT_TRUE(cache.Find("late", kNow + absl::Hours(24)));
  EXPECT_FALSE(cache.Find("late", kNow + absl::Hours(24) + absl::Seconds(1))) << "it has expired";
}

TEST(CertificateCacheTest, FailuresPushOutNoCertificate) {
  CertificateCache cache;
  const auto kept = MakeKept();
  for (size_t i = 0; i < limits::kCertificatesMax; ++i) {
    cache.Put(StrCat("good", i), {.certificate = kept, .detail = {}}, kNow + absl::Seconds(i));
  }
  const absl::Time later = kNow + absl::Minutes(1);
  for (size_t i = 0; i <= limits::kCertificateFailuresMax; ++i) {
    cache.Put(StrCat("bad", i), {}, later + absl::Milliseconds(i));
  }
  const absl::Time end = later + absl::Seconds(1);
  EXPECT_TRUE(cache.Find("good0", end));
  EXPECT_FALSE(cache.Find("bad0", end)) << "the oldest failure made room";
  EXPECT_TRUE(cache.Find("bad1", end));
  cache.Put("one more", {.certificate = kept, .detail = {}}, end);
  EXPECT_FALSE(cache.Find("good0", end)) << "the oldest certificate made room";
  EXPECT_TRUE(cache.Find("good1", end));
  cache.Put("bad1", {.certificate = kept, .detail = {}}, end);
  EXPECT_NE(cache.Find("bad1", end)->certificate, nullptr);
}

TEST(CertificateGateTest, WhatTheHostDeniesIsNoCertificateAndTheRestMayComeLater) {
  const FetchNeed need{.purpose = FetchPurpose::kCertificate, .url = "u", .host = "h"};
  const auto reason_of = [&](const FetchAnswer& answer) {
    const auto gate = *CertificateGate::Create({.names = {kName}}, Root().pem());
    Decision decision;
    EXPECT_EQ(gate->Find("u", "h", kNow, decision), nullptr);
    EXPECT_EQ(decision.need->host, "h");
    gate->Take(need, answer, kNow);
    decision = {};
    const bool found = gate->Find("u", "h", kNow, decision) != nullptr;
    EXPECT_FALSE(decision.need);
    return found ? "found" : std::string(ReasonName(*decision.refused));
  };
  const std::string good = TestCertificate(Spec(), &Root()).pem();
  EXPECT_EQ(reason_of({.status = 200, .body = good}), "found");
  EXPECT_EQ(reason_of({.status = 200, .body = "x"}), "certificate_untrusted");
  EXPECT_EQ(reason_of({.status = 404}), "certificate_untrusted");
  EXPECT_EQ(reason_of({.status = 403, .body = good}), "certificate_untrusted");
  EXPECT_EQ(reason_of({.status = 429}), "certificate_unavailable");
  EXPECT_EQ(reason_of({.status = 500, .body = good}), "certificate_unavailable");
  EXPECT_EQ(reason_of({.error = "too late"}), "certificate_unavailable");
}

}  // namespace
}  // namespace hookbridge
