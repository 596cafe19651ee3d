// AWS SNS: the signed text, whose messages are taken, and every way in which one is not.
#include "server/verify/internal/sns.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "tests/support/recipes.h"
#include "tests/support/signed_samples.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

CertificateSpec Spec(std::vector<std::string> names) {
  return {.names = std::move(names),
          .not_before = kNow - absl::Hours(24),
          .not_after = kNow + absl::Hours(24 * 30)};
}

struct Identities {
  Identities()
      : authority([] {
          CertificateSpec spec = Spec({});
          spec.authority = true;
          return spec;
        }()),
        sns(Spec({"sns.amazonaws.com"}), &authority),
        other(
            [] {
              CertificateSpec spec = Spec({"sns.amazonaws.com"});
              spec.rsa_bits = 3072;
              return spec;
            }(),
            &authority) {}
  const TestCertificate authority, sns, other;
};
const Identities& Known() {
  static const auto* const kMade = new Identities();
  return *kMade;
}

class SnsTest : public testing::Test {
 protected:
  SnsTest() {
    options_.recipe = *LoadPreset("aws_sns");
    options_.topic_arns = {"arn:aws:sns:eu-west-1:123456789012:other", kTopic};
    options_.authorities_pem = Known().authority.pem();
  }

  const Verifier& verifier() {
    if (verifier_ == nullptr) verifier_ = *Verifier::Create(options_);
    return *verifier_;
  }
  // With `served` behind whatever URL is asked for.
  std::string Verdict(const RequestBuilder& request, const std::string& served = Known().sns.pem(),
                      absl::Time now = kNow) {
    hookbridge::Verdict verdict = verifier().Verify(request.Build(), now);
    if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
      asked_.push_back(needed->need.url);
      EXPECT_EQ(needed->need.host, kSnsHost);
      verdict = verifier().VerifyFetched(std::move(*needed), {.status = 200, .body = served}, now);
    }
    if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict)) {
      return "ok:" + good->key_id();
    }
    return std::string(ReasonName(std::get<Rejection>(verdict).reason));
  }
  std::string Verdict(const SnsSample& sample) { return Verdict(sample.Request()); }
  SnsSample Signed(const std::string& type = "Notification") {
    return SnsSample(kNow, type).Sign(Known().sns);
  }

  VerifierOptions options_;
  std::unique_ptr<Verifier> verifier_;
  std::vector<std::string> asked_;
};

TEST_F(SnsTest, AMessageOfATopicVerifiesAndItsCertificateIsKept) {
  EXPECT_EQ(Verdict(Signed()), "ok:certificate");
  EXPECT_EQ(Verdict(SnsSample(kNow).Remove("Subject").Sign(Known().sns)), "ok:certificate");
  EXPECT_EQ(Verdict(Signed("SubscriptionConfirmation")), "ok:certificate");
  EXPECT_EQ(Verdict(Signed("UnsubscribeConfirmation")), "ok:certificate");
  EXPECT_THAT(asked_, testing::ElementsAre(kSnsCertificateUrl));
  EXPECT_EQ(Verdict(Signed().Request(), Known().sns.pem(), kNow + limits::kCertificateMaxAge),
            "ok:certificate");
  EXPECT_THAT(asked_, testing::SizeIs(2)) << "it is fetched again";
}

TEST_F(SnsTest, EveryChangeIsRefused) {
  for (const char* const name : {"Message", "MessageId", "Subject"}) {
    EXPECT_EQ(Verdict(Signed().Set(name, "changed")), "signature_mismatch") << name;
  }
  EXPECT_EQ(Verdict(Signed().Remove("Subject")), "signature_mismatch");
  EXPECT_EQ(Verdict(SnsSample(kNow).Remove("Subject").Sign(Known().sns).Set("Subject", "")),
            "signature_mismatch");
  EXPECT_EQ(Verdict(Signed().Set("Type", "UnsubscribeConfirmation")), "signed_header_missing");
  EXPECT_EQ(Verdict(Signed("SubscriptionConfirmation").Set("Type", "UnsubscribeConfirmation")),
            "signature_mismatch");
  EXPECT_EQ(Verdict(Signed("SubscriptionConfirmation").Set("Token", "x")), "signature_mismatch");
  EXPECT_EQ(Verdict(Signed().Set("Type", "Other")), "signature_malformed");
  EXPECT_EQ(Verdict(Signed().Set("Message", "My first message! ")), "signature_mismatch");
  for (const char* const name : {"Message", "MessageId", "Timestamp", "Type"}) {
    EXPECT_NE(Verdict(Signed().Remove(name).Request().Header("x", "y")).substr(0, 3), "ok:")
        << name;
  }
  std::string signature = Signed().Get("Signature");
  EXPECT_EQ(Verdict(Signed().Set("Signature", signature + "AAAA")), "signature_malformed");
  signature[20] = signature[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Verdict(Signed().Set("Signature", signature)), "signature_mismatch");
  EXPECT_EQ(Verdict(Signed().Set("Signature", "")), "signature_mismatch");
  EXPECT_EQ(Verdict(Signed().Set("Signature", "%")), "signature_malformed");
  EXPECT_EQ(Verdict(Signed().Remove("Signature")), "signature_missing");
  EXPECT_EQ(Verdict(RequestBuilder().Body("no json")), "signature_missing");
}

TEST_F(SnsTest, ACertificateThatIsNotSnssIsRefused) {
  EXPECT_EQ(Verdict(Signed().Request(), Known().other.pem()), "signature_mismatch");
  verifier_.reset();
  const TestCertificate named(Spec({"sns.amazonaws.com.evil.example"}), &Known().authority);
  EXPECT_EQ(Verdict(SnsSample(kNow).Sign(named).Request(), named.pem()), "certificate_untrusted");
  EXPECT_EQ(Verdict(Signed()), "certificate_untrusted") << "remembered for a while";
  const absl::Time later = kNow + limits::kCertificateFailureMaxAge;
  EXPECT_EQ(Verdict(Signed().Request(), Known().sns.pem(), later), "ok:certificate");
  verifier_.reset();
  const TestCertificate alone(Spec({"sns.amazonaws.com"}));
  EXPECT_EQ(Verdict(SnsSample(kNow).Sign(alone).Request(), alone.pem()), "certificate_untrusted");
}

// Nothing is asked of a host that the topic's region does not give.
TEST_F(SnsTest, ForgedUrlsAreNeverAsked) {
  for (const char* const url : {"https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
                                "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
                                "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
                                "https://evil.example\\@sns.us-east-1.amazonaws.com/a.pem",
                                "https://user:pass@sns.us-east-1.amazonaws.com/a.pem",
                                "https://SNS.us-east-1.amazonaws.com/a.pem",
                                "https://sns.us-east-1.amazonaws.com./a.pem",
                                "https://sns.us-east-1.amazonaws.com:443/a.pem",
                                "https://sns.us-east-1.amazonaws.com:8443/a.pem",
                                "http://sns.us-east-1.amazonaws.com/a.pem",
                                "HTTPS://sns.us-east-1.amazonaws.com/a.pem",
                                "https://sns.us-east-1.amazonaws.com/a.pem#x",
                                "https://sns.us-east-1.amazonaws.com/a.pem?x",
                                "https://sns.us-east-1.amazonaws.com/?x=.pem",
                                "https://sns.us-east-1.amazonaws.com/a/b.pem",
                                "https://sns.us-east-1.amazonaws.com/%2e.pem",
                                "https://sns.us-east-1.amazonaws.com/.pem",
                                "https://sns.us-east-1.amazonaws.com/a.pem/",
                                "https://sns.us-east-1.amazonaws.com/a.txt",
                                "https://sns.us-east-1.amazonaws.com",
                                "https://sns.us-east-1.amazonaws.com.cn/a.pem",
                                "https://sns.eu-west-1.amazonaws.com/a.pem",
                                "https://sns.amazonaws.com/a.pem",
                                "https://xsns.us-east-1.amazonaws.com/a.pem",
                                "https://foo.amazonaws.com/bar.pem",
                                "https://s3.us-east-1.amazonaws.com/bucket.pem",
                                "file:///etc/a.pem",
                                "//sns/a.pem",
                                ""}) {
    EXPECT_EQ(Verdict(Signed().Set("SigningCertURL", url)), "url_not_allowed") << url;
    if (std::string_view(url).ends_with(".pem")) {
      EXPECT_EQ(Verdict(SnsSample(kNow, "SubscriptionConfirmation")
                            .Set("SubscribeURL", url)
                            .Sign(Known().sns)),
                "url_not_allowed")
          << url;
    }
  }
  EXPECT_EQ(Verdict(Signed().Remove("SigningCertURL")), "url_not_allowed");
  EXPECT_THAT(asked_, testing::IsEmpty());
}

TEST_F(SnsTest, OtherTopicsAreRefusedBeforeAnythingIsAsked) {
  for (const char* const arn :
       {"arn:aws:sns:us-east-1:123456789012:other", "arn:aws:sns:us-east-1:999999999999:orders",
        "arn:aws:sns:us-east-1:123456789012:ORDERS", "arn:aws:sns:us-east-1:123456789012:orders ",
        "arn:aws:sns:us-west-2:123456789012:orders", ""}) {
    EXPECT_EQ(Verdict(SnsSample(kNow).Set("TopicArn", arn).Sign(Known().sns)), "topic_not_allowed")
        << arn;
  }
  EXPECT_EQ(Verdict(Signed().Remove("TopicArn")), "topic_not_allowed");
  EXPECT_THAT(asked_, testing::IsEmpty());
}

// Its text has no escapes: fields must not be able to move into each other.
TEST_F(SnsTest, ALineFeedStandsInTheMessageAlone) {
  EXPECT_EQ(Verdict(SnsSample(kNow).Set("Message", "a\nMessageId\nb\n").Sign(Known().sns)),
            "ok:certificate");
  for (const char* const name : {"MessageId", "Subject", "Timestamp"}) {
    const SnsSample sample = SnsSample(kNow).Set(name, "a\nb").Sign(Known().sns);
    EXPECT_EQ(Verdict(sample), "signature_malformed") << name;
  }
}

TEST_F(SnsTest, VersionsAreThoseOfTheRecipe) {
  const auto version = [](const std::string& text) {
    return SnsSample(kNow).Set("SignatureVersion", text).Sign(Known().sns);
  };
  EXPECT_EQ(Verdict(version("1")), "signature_malformed");
  EXPECT_EQ(Verdict(version("3")), "signature_malformed");
  EXPECT_EQ(Verdict(version("2").Set("SignatureVersion", "1")), "signature_malformed");
  auto* const sha1 = options_.recipe.add_algorithms();
  sha1->set_kind(config::v1::ALGORITHM_KIND_AWS_SNS);
  sha1->set_hash(config::v1::HASH_FUNCTION_SHA1);
  verifier_.reset();
  EXPECT_EQ(Verdict(version("1")), "ok:certificate");
  EXPECT_EQ(Verdict(version("2")), "ok:certificate");
  EXPECT_EQ(Verdict(version("2").Set("SignatureVersion", "1")), "signature_mismatch");
  EXPECT_EQ(Verdict(version("3")), "signature_malformed");
}

TEST_F(SnsTest, OldMessagesAreRefused) {
  const auto of = [](absl::Duration age) { return SnsSample(kNow - age).Sign(Known().sns); };
  EXPECT_EQ(Verdict(of(absl::Hours(24))), "ok:certificate");
  EXPECT_EQ(Verdict(of(absl::Hours(24) + absl::Seconds(1))), "timestamp_stale");
  EXPECT_EQ(Verdict(of(-absl::Hours(24) - absl::Seconds(1))), "timestamp_future");
  EXPECT_EQ(Verdict(SnsSample(kNow).Set("Timestamp", "yesterday").Sign(Known().sns)),
            "timestamp_malformed");
}

TEST_F(SnsTest, ConfirmationsAreForSourcesThatWantThem) {
  const auto need_of = [this](const SnsSample& sample) -> std::optional<FetchNeed> {
    EXPECT_EQ(Verdict(sample), "ok:certificate");
    hookbridge::Verdict verdict = verifier().Verify(sample.Request().Build(), kNow);
    return verifier().Confirmation(std::get<VerifiedWebhook>(verdict));
  };
  EXPECT_FALSE(need_of(Signed("SubscriptionConfirmation")));
  options_.confirm_subscriptions = true;
  verifier_.reset();
  const auto need = need_of(Signed("SubscriptionConfirmation"));
  ASSERT_TRUE(need);
  EXPECT_EQ(need->purpose, FetchPurpose::kConfirmation);
  EXPECT_EQ(need->host, kSnsHost);
  EXPECT_EQ(need->url, Signed("SubscriptionConfirmation").Get("SubscribeURL"));
  EXPECT_FALSE(need_of(Signed()));
  EXPECT_FALSE(need_of(Signed("UnsubscribeConfirmation")));
}

TEST(SnsHostTest, IsMadeOfTheTopic) {
  EXPECT_EQ(SnsHostOf(kTopic), kSnsHost);
  EXPECT_EQ(SnsHostOf("arn:aws-cn:sns:cn-north-1:123456789012:a_b-c.fifo"),
            "sns.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(SnsHostOf("arn:aws-us-gov:sns:us-gov-west-1:123456789012:x"),
            "sns.us-gov-west-1.amazonaws.com");
  for (const char* const arn :
       {"", "arn", "arn:aws:sns:us-east-1:123456789012",
        "arn:aws:sns:us-east-1:123456789012:", "arn:aws:sqs:us-east-1:123456789012:x",
        "arn:aws:sns::123456789012:x", "arn:aws:sns:us-east-1:12345678901:x",
        "arn:aws:sns:us-east-1:12345678901a:x", "arn:aws:sns:evil.example/:123456789012:x",
        "arn:aws:sns:us-east-1.x:123456789012:x", "arn:evil:sns:us-east-1:123456789012:x",
        "arn:aws:sns:us-east-1:123456789012:x y", "arn:aws:sns:us-east-1:123456789012:x:y",
        "arn:aws:sns:US:123456789012:x", "arn:aws:sns:-:123456789012:x"}) {
    EXPECT_FALSE(SnsHostOf(arn)) << arn;
  }
}

TEST(SnsConfigTest, WhatCannotWorkIsSaid) {
  VerifierOptions options;
  options.recipe = *LoadPreset("aws_sns");
  const auto problem = [&] { return std::string(Verifier::Create(options).status().message()); };
  EXPECT_THAT(problem(), testing::HasSubstr("topic_arns"));
  options.topic_arns = {"orders"};
  EXPECT_THAT(problem(), testing::HasSubstr("`orders`"));
  options.topic_arns.assign(limits::kTopicArnsMax, kTopic);
  EXPECT_EQ(problem(), "");
  options.topic_arns.emplace_back(kTopic);
  EXPECT_THAT(problem(), testing::HasSubstr("more than"));
  options.topic_arns = {kTopic};
  options.keys = {{.id = "1", .secret = "x"}};
  EXPECT_THAT(problem(), testing::HasSubstr("write none"));
  options.keys.clear();
  options.recipe.mutable_certificate()->add_hosts("evil.example");
  EXPECT_THAT(problem(), testing::HasSubstr("trust alone"));
  options.recipe = *LoadPreset("github");
  options.keys = {{.id = "1", .secret = "x"}};
  EXPECT_THAT(problem(), testing::HasSubstr("topic_arns"));
}

}  // namespace
}  // namespace hookbridge
