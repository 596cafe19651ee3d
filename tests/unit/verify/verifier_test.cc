#include "server/verify/verifier.h"

#include "server/base/encoding.h"
#include "tests/support/recipes.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(VerifierTest, StaticTokens) {
  const auto verifier = *VerifierOf(RecipeOf(R"(
algorithms: [{kind: static_token}]
signature: {headers: [X-Token, X-Old-Token], syntax: prefix, prefix: "Bearer "}
)"),
                                    {"first", "second"});
  const auto with = [&](const std::string& name, const std::string& value) {
    return VerdictOf(*verifier, RequestBuilder().Header(name, value), kNow);
  };
  EXPECT_EQ(with("x-token", "Bearer first"), "ok:k1");
  EXPECT_EQ(with("X-Old-Token", "Bearer second"), "ok:k2");
  EXPECT_EQ(with("X-Token", "Bearer firs"), "credential_mismatch");
  EXPECT_EQ(with("X-Token", "Bearer firstt"), "credential_mismatch");
  EXPECT_EQ(with("X-Token", "bearer first"), "credential_malformed");
  EXPECT_EQ(with("X-Token", "Bearer "), "credential_missing");
  EXPECT_EQ(with("X-Other", "Bearer first"), "credential_missing");
  EXPECT_EQ(
      VerdictOf(
          *verifier,
          RequestBuilder().Header("X-Token", "Bearer first").Header("x-token", "Bearer first"),
          kNow),
      "duplicate_header");
}

TEST(VerifierTest, UrlTokens) {
  const auto verifier =
      *VerifierOf(RecipeOf("algorithms: [{kind: url_token}]"), {"secret-1", "secret-2"});
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("secret-2"), kNow), "ok:k2");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("secret-3"), kNow), "credential_mismatch");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder(), kNow), "credential_missing");
}

TEST(VerifierTest, AUrlTokenBesideTheSchemeIsNeededToo) {
  const auto recipe =
      RecipeOf("algorithms: [{kind: static_token}]\nsignature: {headers: [X-Token]}");
  const auto both = *VerifierOf(recipe, {"t"}, "in-the-url");
  EXPECT_EQ(VerdictOf(*both, RequestBuilder().Token("in-the-url").Header("X-Token", "t"), kNow),
            "ok:k1");
  EXPECT_EQ(VerdictOf(*both, RequestBuilder().Token("other").Header("X-Token", "t"), kNow),
            "credential_mismatch");
  EXPECT_EQ(VerdictOf(*both, RequestBuilder().Header("X-Token", "t"), kNow), "credential_missing");
  const auto none = *VerifierOf(recipe, {"t"});
  EXPECT_EQ(VerdictOf(*none, RequestBuilder().Token("any").Header("X-Token", "t"), kNow),
            "credential_mismatch");
}

TEST(VerifierTest, Basic) {
  const auto verifier = *VerifierOf(RecipeOf("algorithms: [{kind: basic}]"), {"user:pass:word"});
  const auto with = [&](const std::string& value) {
    return VerdictOf(*verifier, RequestBuilder().Header("Authorization", value), kNow);
  };
  EXPECT_EQ(with("Basic " + Base64Encode("user:pass:word")), "ok:k1");
  EXPECT_EQ(with("basic " + Base64Encode("user:pass:word")), "ok:k1");
  EXPECT_EQ(with("Basic " + Base64Encode("user:pass")), "credential_mismatch");
  EXPECT_EQ(with("Bearer x"), "credential_malformed");
  EXPECT_EQ(with("Basic ***"), "credential_malformed");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder(), kNow), "credential_missing");
}

TEST(VerifierTest, NoneAcceptsAndNamesNoKey) {
  const auto verifier = *VerifierOf(RecipeOf("algorithms: [{kind: none}]"), {});
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body("x"), kNow), "ok:");
}

TEST(VerifierTest, KeysHaveTheirTimes) {
  VerifierOptions options;
  options.recipe = RecipeOf("algorithms: [{kind: url_token}]");
  options.keys = {
      {.id = "old", .secret = "old", .not_before = absl::InfinitePast(), .not_after = kNow},
      {.id = "new", .secret = "new", .not_before = kNow, .not_after = absl::InfiniteFuture()}};
  const auto verifier = *Verifier::Create(options);
  const absl::Time before = kNow - absl::Nanoseconds(1);
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("old"), before), "ok:old");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("new"), before), "credential_mismatch");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("old"), kNow), "credential_mismatch");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Token("new"), kNow), "ok:new");
  options.keys.pop_back();
  const auto expired = *Verifier::Create(options);
  EXPECT_EQ(VerdictOf(*expired, RequestBuilder().Token("old"), kNow), "no_active_key");
}

TEST(VerifierTest, ExplanationsTellStepsAndNoSecret) {
  const auto verifier = *VerifierOf(RecipeOf(R"(
algorithms: [{kind: hmac}]
signature: {headers: [X-Sig]}
timestamp: {header: X-Time}
message: [{timestamp: true}, {body: true}]
)"),
                                    {"a-very-secret-key"});
  const auto request = RequestBuilder()
                           .Header("X-Sig", std::string(64, 'a'))
                           .Header("X-Time", "1700000000")
                           .Body("b")
                           .Build();
  const auto steps = verifier->Explain(request, kNow);
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_TRUE(steps[0].ok && steps[1].ok && steps[2].ok);
  EXPECT_FALSE(steps[3].ok);
  EXPECT_EQ(steps[3].what, "signature_mismatch");
  for (const ExplainStep& step : steps)
    EXPECT_EQ(step.detail.find("a-very-secret-key"), std::string::npos);
}

TEST(VerifierTest, TimestampWindowsEndExactly) {
  const auto verifier = *VerifierOf(RecipeOf(R"(
algorithms: [{kind: hmac}]
signature: {headers: [X-Sig]}
timestamp: {header: X-Time, max_age: 10s, max_future: 20s}
message: [{timestamp: true}, {body: true}]
)"),
                                    {"k"});
  const auto at = [&](int64_t seconds) {
    return VerdictOf(*verifier,
                     RequestBuilder()
                         .Header("X-Sig", std::string(64, 'a'))
                         .Header("X-Time", std::to_string(absl::ToUnixSeconds(kNow) + seconds)),
                     kNow);
  };
  EXPECT_EQ(at(-10), "signature_mismatch") << "the time is fine";
  EXPECT_EQ(at(-11), "timestamp_stale");
  EXPECT_EQ(at(20), "signature_mismatch");
  EXPECT_EQ(at(21), "timestamp_future");
  const auto text = [&](const std::string& value) {
    return VerdictOf(*verifier,
                     RequestBuilder().Header("X-Sig", std::string(64, 'a')).Header("X-Time", value),
                     kNow);
  };
  for (const char* const bad : {"", "x", "-1", "+1", " 1", "1.5", "1e9", "0x1", "12345678901234"}) {
    EXPECT_EQ(text(bad), "timestamp_malformed") << bad;
  }
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Header("X-Sig", std::string(64, 'a')), kNow),
            "timestamp_missing");
}

}  // namespace
}  // namespace hookbridge
