#include "server/verify/internal/key_ring.h"

#include "server/base/limits.h"
#include "tests/support/recipes.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

std::string Problem(const config::v1::Recipe& recipe, std::vector<std::string> secrets) {
  return std::string(VerifierOf(recipe, std::move(secrets)).status().message());
}

const char kHmac[] =
    "algorithms: [{kind: hmac, key_encoding: base64, key_prefix: whsec_}]\n"
    "signature: {headers: [X]}\nmessage: [{body: true}]";

TEST(KeyRingTest, RefusesSecretsThatCannotBeMeant) {
  const auto recipe = RecipeOf(kHmac);
  EXPECT_EQ(Problem(recipe, {"whsec_c2VjcmV0"}), "");
  EXPECT_EQ(Problem(recipe, {"c2VjcmV0"}), "") << "the prefix may be left out";
  EXPECT_THAT(Problem(recipe, {}), testing::HasSubstr("keys: none"));
  for (const char* const bad :
       {"", " c2VjcmV0", "c2VjcmV0\n", "c2VjcmV0\t", "not base64!", "whsec_"}) {
    const std::string problem = Problem(recipe, {bad});
    EXPECT_THAT(problem, testing::HasSubstr("key `k1`")) << bad;
    if (bad[0] != '\0') {
      EXPECT_EQ(problem.find(bad), std::string::npos)
          << "the message holds the secret: " << problem;
    }
  }
}

TEST(KeyRingTest, CountsAtTheirLimitAndOneMore) {
  std::vector<std::string> secrets(limits::kKeysMax, "c2VjcmV0");
  EXPECT_EQ(Problem(RecipeOf(kHmac), secrets), "");
  secrets.push_back("c2VjcmV0");
  EXPECT_THAT(Problem(RecipeOf(kHmac), secrets), testing::HasSubstr("keys: more than"));
}

// How libraries of one scheme write the same key: bytes fb ef ff.
TEST(KeyRingTest, Base64KeysComeInEitherAlphabetAndWithoutPadding) {
  const auto recipe = RecipeOf(kHmac);
  for (const std::string good : {"whsec_++//", "whsec_--__", "++//", "-_8=", "-_8", "+/8"}) {
    EXPECT_EQ(Problem(recipe, {good}), "") << good;
  }
  for (const std::string bad : {"-+__", "-_8==", "-_8=x", "-_9", "-", "a-_"}) {
    EXPECT_THAT(Problem(recipe, {bad}), testing::HasSubstr("not base64")) << bad;
  }
  const auto url_safe = *VerifierOf(recipe, {"whsec_--__"});
  const auto standard = *VerifierOf(recipe, {"whsec_++//"});
  // HMAC-SHA256 of `{}` with these bytes, by Python's hmac.
  const auto request = RequestBuilder().Body("{}").Header(
      "X", "8cb37754bd905f7206f151756e554aea611080b650093c8fa066d457d4d2837f");
  EXPECT_EQ(VerdictOf(*url_safe, request, absl::UnixEpoch()), "ok:k1");
  EXPECT_EQ(VerdictOf(*standard, request, absl::UnixEpoch()), "ok:k1");
}

// A PEM block where a text or digits belong can never verify.
TEST(KeyRingTest, PemIsForRsaAlone) {
  const std::string pem = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----";
  for (const std::string kind :
       {"hmac", "ed25519, key_encoding: hex", "ecdsa_p256, key_encoding: base64"}) {
    const auto recipe = RecipeOf("algorithms: [{kind: " + kind +
                                 "}]\nsignature: {headers: [X]}\nmessage: [{body: true}]");
    EXPECT_THAT(Problem(recipe, {pem}), testing::HasSubstr("is a PEM block")) << kind;
  }
  EXPECT_THAT(Problem(RecipeOf("algorithms: [{kind: url_token}]"), {pem}),
              testing::HasSubstr("is a PEM block"));
}

TEST(KeyRingTest, Ed25519KeysAreThirtyTwoBytes) {
  const auto recipe = RecipeOf(
      "algorithms: [{kind: ed25519, key_encoding: hex}]\nsignature: {headers: [X]}\n"
      "message: [{body: true}]");
  EXPECT_EQ(Problem(recipe, {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}),
            "");
  EXPECT_THAT(Problem(recipe, {"d75a98"}), testing::HasSubstr("key `k1`"));
}

}  // namespace
}  // namespace hookbridge
