#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "tests/support/recipes.h"
#include "tests/support/test_jwt.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// `header..signature`, as developers.fireblocks.com, validating webhooks, has it.
std::string Detached(const std::string& header, const std::string& body, const ProviderKey& key,
                     config::v1::JwtAlgorithm algorithm) {
  std::string token = MakeToken(header, body, key, algorithm);
  const size_t first = token.find('.') + 1;
  return token.erase(first, token.rfind('.') - first);
}

// The preset with a configured key in place of those that it fetches.
TEST(FireblocksTest, TheBodyIsThePayloadOfTheToken) {
  const ProviderKey key(KeyType::kRsa2048);
  config::v1::Recipe recipe = *LoadPreset("fireblocks");
  EXPECT_EQ(recipe.jwt().key_set().url(), "https://keys.fireblocks.io/.well-known/jwks.json");
  recipe.mutable_jwt()->clear_key_set();
  const auto verifier = VerifierOf(recipe, {key.PublicPem()});
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  const std::string body = R"({"id":"1","eventType":"transaction.created"})";
  const auto verdict = [&](const std::string& token, const std::string& sent) {
    return VerdictOf(**verifier,
                     RequestBuilder().Header("Fireblocks-Webhook-Signature", token).Body(sent),
                     kNow);
  };
  const std::string header = R"({"alg":"RS512","kid":"k1"})";
  const std::string token = Detached(header, body, key, config::v1::JWT_ALGORITHM_RS512);
  EXPECT_EQ(verdict(token, body), "ok:k1");
  EXPECT_EQ(verdict(token, body + " "), "signature_mismatch");
  EXPECT_NE(verdict(MakeToken(header, body, key, config::v1::JWT_ALGORITHM_RS512), body), "ok:k1")
      << "with its payload";
  EXPECT_NE(
      verdict(Detached(R"({"alg":"RS256"})", body, key, config::v1::JWT_ALGORITHM_RS256), body),
      "ok:k1");
  EXPECT_NE(verdict(token.substr(0, token.find('.')) + "..", body), "ok:k1");
  const ProviderKey other(KeyType::kRsa2048);
  EXPECT_EQ(verdict(Detached(header, body, other, config::v1::JWT_ALGORITHM_RS512), body),
            "signature_mismatch");
}

}  // namespace
}  // namespace hookbridge
