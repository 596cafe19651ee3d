#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/recipes.h"
#include "tests/support/request_builder.h"

#include "gtest/gtest.h"
#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace hookbridge {
namespace {

struct Tally {
  int run = 0;
  int passed = 0;
};

// Preset of a vector; empty for schemes that the bridge does not have.
std::string PresetOf(const std::string& provider, const std::string& scheme) {
  if (provider == "hubspot") {
    if (scheme.starts_with("hubspot/v1")) return "hubspot_v1";
    return scheme.starts_with("hubspot/v2") ? "hubspot_v2" : "hubspot";
  }
  if (provider == "adyen") {
    return scheme == "adyen/platform-body" ? "adyen_platforms" : "adyen_payments";
  }
  static const std::map<std::string, std::string> kPresets = {
      {"aws-sns", "aws_sns"},
      {"braintree", "braintree"},
      {"paypal", "paypal"},
      {"standard-webhooks", "standard_webhooks"},
      {"coinbase-commerce", "coinbase_commerce"},
      {"bitbucket", "bitbucket"},
      {"github", "github"},
      {"gocardless", "gocardless"},
      {"mailgun", "mailgun"},
      {"meta", "meta"},
      {"paddle", "paddle"},
      {"razorpay", "razorpay"},
      {"sendgrid", "sendgrid"},
      {"shopify", "shopify"},
      {"slack", "slack"},
      {"square", "square"},
      {"stripe", "stripe"},
      {"svix", "svix"},
      {"twilio", "twilio"}};
  const auto it = kPresets.find(provider);
  return it == kPresets.end() ? "" : it->second;
}

std::string Text(const boost::json::object& vector, const char* key) {
  const auto* const value = vector.if_contains(key);
  return value == nullptr ? "" : std::string(value->as_string());
}

WebhookRequest RequestOf(const boost::json::object& vector) {
  RequestBuilder builder;
  for (const auto& [name, value] : vector.at("headers").as_object()) {
    if (value.is_string()) {
      builder.Header(std::string(name), std::string(value.as_string()));
      continue;
    }
    for (const auto& line : value.as_array()) {
      builder.Header(std::string(name), std::string(line.as_string()));
    }
  }
  const std::string url = Text(vector, "url");
  if (const size_t mark = url.find('?'); mark != std::string::npos)
    builder.Query(url.substr(mark + 1));
  return builder.Method(Text(vector, "method")).Body(Text(vector, "body")).Build();
}

// Schemes whose key is a certificate that the provider serves: the vector holds it in place of a
// key.
bool IsCertified(const std::string& preset) { return preset == "aws_sns" || preset == "paypal"; }

// What a source of such a provider configures. SNS's window stays the preset's: `now` of the
// vectors is up to two hours before their messages.
void ConfigureCertified(const boost::json::object& vector, VerifierOptions& options) {
  const auto& headers = vector.at("headers").as_object();
  if (const auto* const topic = headers.if_contains("x-amz-sns-topic-arn")) {
    options.topic_arns = {std::string(topic->as_string())};
    options.recipe.mutable_timestamp()->CopyFrom(LoadPreset("aws_sns")->timestamp());
    if (Text(vector, "scheme") == "sns/v1") {
      auto* const version1 = options.recipe.add_algorithms();
      version1->set_kind(config::v1::ALGORITHM_KIND_AWS_SNS);
      version1->set_hash(config::v1::HASH_FUNCTION_SHA1);
    }
  }
  const std::string webhook_id = Text(vector, "webhook_id");
  if (!webhook_id.empty()) options.values["webhook_id"] = webhook_id;
}

// The verdict through preset and key as a configuration would give them.
bool Verifies(const boost::json::object& vector, const std::string& preset) {
  VerifierOptions options;
  options.recipe = *LoadPreset(preset);
  const auto* const tolerance = vector.if_contains("tolerance_s");
  const auto* const now = vector.if_contains("now_unix");
  if (options.recipe.has_timestamp()) {
    const int64_t seconds = now == nullptr ? 0 : tolerance == nullptr ? 300 : tolerance->as_int64();
    options.recipe.mutable_timestamp()->mutable_max_age()->set_seconds(seconds);
    options.recipe.mutable_timestamp()->mutable_max_future()->set_seconds(seconds);
  }
  const std::string url = Text(vector, "url");
  options.public_url = url.substr(0, url.find('?'));
  if (IsCertified(preset)) {
    ConfigureCertified(vector, options);
  } else {
    options.keys.push_back({.id = "vector", .secret = Text(vector, "secret_or_key")});
  }
  options.handshake_token = Text(vector, "secret_or_key");
  if (preset != "meta") options.handshake_token.clear();
  const auto verifier = Verifier::Create(std::move(options));
  if (!verifier.ok()) return false;
  if (const auto* const expected = vector.if_contains("expected_response")) {
    const auto answer = AnswerGet(**verifier, url.substr(url.find('?') + 1));
    return answer && answer->status == expected->as_object().at("status").as_int64() &&
           answer->body == Text(expected->as_object(), "body");
  }
  const absl::Time clock = absl::FromUnixSeconds(now == nullptr ? 0 : now->as_int64());
  Verdict verdict = (*verifier)->Verify(RequestOf(vector), clock);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
    const FetchAnswer served{.status = 200, .body = Text(vector, "secret_or_key")};
    verdict = (*verifier)->VerifyFetched(std::move(*needed), served, clock);
  }
  return std::holds_alternative<VerifiedWebhook>(verdict);
}

// The verdicts that the providers published are ours, through nothing but configuration.
TEST(VectorsTest, EveryPublishedVerdictIsOurs) {
  const char* const named = std::getenv("HOOKBRIDGE_VECTORS");
  const std::string path =
      named != nullptr ? named : HOOKBRIDGE_SOURCE_DIR "/../shared/vectors/official.json";
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::printf("The published vectors are not here (%s); name the file in HOOKBRIDGE_VECTORS.\n",
                path.c_str());
    return;
  }
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const boost::json::value vectors = boost::json::parse(text);
  std::map<std::string, Tally> tallies;
  for (const auto& value : vectors.as_array()) {
    const auto& vector = value.as_object();
    const std::string provider = Text(vector, "provider");
    const std::string preset = PresetOf(provider, Text(vector, "scheme"));
    if (preset.empty()) continue;
    const bool expected = vector.at("valid").as_bool();
    const bool passed = Verifies(vector, preset) == expected;
    EXPECT_TRUE(passed) << Text(vector, "id") << " should be " << (expected ? "valid" : "invalid");
    ++tallies[provider].run;
    tallies[provider].passed += passed;
  }
  Tally all;
  for (const auto& [provider, tally] : tallies) {
    all.run += tally.run;
    all.passed += tally.passed;
    std::printf("%-20s run %2d passed %2d failed %2d\n", provider.c_str(), tally.run, tally.passed,
                tally.run - tally.passed);
  }
  std::printf("%-20s run %2d passed %2d of %d in the file\n", "all", all.run, all.passed,
              static_cast<int>(vectors.as_array().size()));
  EXPECT_EQ(all.run, static_cast<int>(vectors.as_array().size())) << "some vector was not run";
  EXPECT_EQ(tallies.size(), 21u) << "some provider has no vector";
}

}  // namespace
}  // namespace hookbridge
