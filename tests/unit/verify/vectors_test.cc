#include "server/verify/presets.h"
#include "server/verify/verifier.h"
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
  options.keys.push_back({.id = "vector", .secret = Text(vector, "secret_or_key")});
  options.handshake_token = Text(vector, "secret_or_key");
  if (preset != "meta") options.handshake_token.clear();
  const auto verifier = Verifier::Create(std::move(options));
  if (!verifier.ok()) return false;
  if (const auto* const expected = vector.if_contains("expected_response")) {
    const auto answer = (*verifier)->AnswerGet(url.substr(url.find('?') + 1));
    return answer && answer->status == expected->as_object().at("status").as_int64() &&
           answer->body == Text(expected->as_object(), "body");
  }
  const absl::Time clock = absl::FromUnixSeconds(now == nullptr ? 0 : now->as_int64());
  return std::holds_alternative<VerifiedWebhook>((*verifier)->Verify(RequestOf(vector), clock));
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
  for (const auto& [provider, tally] : tallies) {
    std::printf("%-20s run %2d passed %2d failed %2d\n", provider.c_str(), tally.run, tally.passed,
                tally.run - tally.passed);
  }
  EXPECT_EQ(tallies.size(), 18u) << "some provider has no vector";
}

}  // namespace
}  // namespace hookbridge
