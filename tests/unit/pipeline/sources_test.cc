#include "server/sources.h"

#include "server/base/config.h"
#include "server/base/strings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstdlib>

namespace hookbridge {
namespace {

class SourcesTest : public testing::Test {
 protected:
  std::string Build(const std::string& yaml) {
    config::v1::Config config;
    const auto problems = LoadConfig(yaml, &config);
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    sources_.clear();
    warnings_.clear();
    return FormatProblems("config", BuildSources(config, &sources_, {}, &warnings_));
  }

  SourceMap sources_;
  std::vector<ConfigProblem> warnings_;
};

TEST_F(SourcesTest, BuildsWithTheDefaultsOfTheAnswer) {
  ::setenv("SOURCES_TEST_SECRET", "s", 1);
  EXPECT_EQ(
      Build("sources: [{name: a, preset: stripe, keys: [{secret: 'env:SOURCES_TEST_SECRET'}]}]"),
      "");
  ASSERT_EQ(sources_.size(), 1u);
  const config::v1::Responses& answers = sources_.at("a")->recipe.responses();
  EXPECT_EQ(answers.ok(), 200u);
  EXPECT_EQ(answers.bad_signature(), 401u);
  EXPECT_EQ(sources_.at("a")->dedup_window, absl::Hours(24 * 7));
}

TEST_F(SourcesTest, TellsEveryProblemAndNoSecret) {
  const std::string problems = Build(R"(
sources:
  - {name: a, preset: strip, keys: [{secret: "inline:x"}]}
  - {name: b, preset: stripe, keys: [{secret: "env:SOURCES_TEST_NOT_SET"}]}
  - {name: c, preset: standard_webhooks, keys: [{secret: "inline:s3cret not base64"}]}
)");
  EXPECT_THAT(problems, testing::HasSubstr("sources[0].preset"));
  EXPECT_THAT(problems, testing::HasSubstr("stripe"));
  EXPECT_THAT(problems, testing::HasSubstr("sources[1].keys[0].secret"));
  EXPECT_THAT(problems, testing::HasSubstr("SOURCES_TEST_NOT_SET"));
  EXPECT_THAT(problems, testing::HasSubstr("sources[2]"));
  EXPECT_EQ(problems.find("s3cret"), std::string::npos);
}

// A problem is at the field that it is about, and says what to do about that kind of secret.
TEST_F(SourcesTest, TellsTheField) {
  EXPECT_THAT(Build("sources: [{name: a, preset: stripe, gate: {basic: 'inline:x'}, "
                    "keys: [{secret: 'inline:s'}]}]"),
              testing::HasSubstr("config: sources[0].gate.basic: write user:password"));
  EXPECT_THAT(Build("sources: [{name: a, preset: stripe, keys: [{secret: 'env:NOT_SET_HERE'}]}]"),
              testing::HasSubstr("env:NOT_SET_HERE is not set; set the variable"));
  EXPECT_THAT(Build("sources: [{name: a, preset: stripe, keys: [{secret: 'file:/dev/null'}]}]"),
              testing::HasSubstr("file:/dev/null is empty; write the path of a file that holds"));
}

// A preset that a recipe changes to kind none is as open as one written so.
TEST_F(SourcesTest, KindNoneMustBeMeant) {
  const std::string yaml = R"(
sources:
  - name: a
    preset: stripe
    recipe: {algorithms: [{kind: none}]}
    i_understand_anyone_can_post: %)";
  EXPECT_EQ(Build(yaml.substr(0, yaml.size() - 1) + "true"), "");
  config::v1::Config config;
  LoadConfig(yaml.substr(0, yaml.size() - 1) + "true", &config);
  config.mutable_sources(0)->set_i_understand_anyone_can_post(false);
  SourceMap sources;
  EXPECT_THAT(FormatProblems("config", BuildSources(config, &sources)),
              testing::HasSubstr("kind none accepts what anyone sends"));
  EXPECT_TRUE(sources.empty());
}

// Each field of a source that nothing reads is told, all at once, with its path.
TEST_F(SourcesTest, WhatNothingReadsIsTold) {
  const std::string problems = Build(R"(
sources:
  - name: po
    preset: payment_options
    keys: [{secret: "inline:tok-tok-tok"}]
    recipe: {signature: {headers: [X-Po-Signature]}, message: [{body: true}]}
  - name: s
    preset: stripe
    keys: [{secret: "inline:s3cret"}]
    i_understand_anyone_can_post: true
    handshake_token: "inline:t0ken"
    replay_policy: drop
    values: {webhook_id: "1"}
    receipt_position: true
    recipe: {responses: {malformed: 422, body: {empty: true}}}
  - name: open
    i_understand_anyone_can_post: true
    keys: [{secret: "inline:s3cret"}]
    recipe: {algorithms: [{kind: none}], responses: {bad_signature: 403}}
)");
  for (const char* const path :
       {"sources[0].recipe.signature.headers: is not read by kind url_token",
        "sources[0].recipe.message:", "sources[1].i_understand_anyone_can_post:",
        "sources[1].handshake_token:", "sources[1].replay_policy:", "sources[1].values.webhook_id:",
        "sources[1].receipt_position:", "sources[1].recipe.responses.malformed:",
        "sources[2].keys:", "sources[2].recipe.responses.bad_signature:"}) {
    EXPECT_THAT(problems, testing::HasSubstr(path));
  }
  EXPECT_THAT(problems, testing::Not(testing::HasSubstr("s3cret")));
}

// Their siblings, which are read.
TEST_F(SourcesTest, WhatIsReadIsGood) {
  EXPECT_EQ(Build(R"(
sources:
  - name: gh
    preset: github
    keys: [{secret: "inline:s3cret"}]
    replay_policy: flag
    receipt_position: true
    on_malformed: refuse
    recipe: {responses: {malformed: 422, bad_signature: 403}}
  - {name: meta, preset: meta, keys: [{secret: "inline:s3cret"}], handshake_token: "inline:t0ken"}
  - {name: pp, preset: paypal, values: {webhook_id: "1"}}
  - name: open
    i_understand_anyone_can_post: true
    gate: {allow_networks: [192.0.2.0/24]}
    recipe: {algorithms: [{kind: none}], responses: {bad_signature: 403}}
)"),
            "");
}

// Good, and probably not meant: told, and no secret with it.
TEST_F(SourcesTest, WarnsOfWhatIsProbablyNotMeant) {
  const std::string yaml = R"(
sources:
  - {name: shop, preset: shopify, keys: [{secret: "inline:s3cret"}], replay_policy: drop}
  - {name: stripe, preset: stripe, keys: [{secret: "inline:sk_live_s3cret"}]}
  - {name: good, preset: stripe, keys: [{secret: "inline:whsec_s3cret"}]}
)";
  EXPECT_EQ(Build(yaml), "");
  EXPECT_EQ(warnings_.size(), 2u);
  const std::string text = FormatProblems("config", warnings_);
  EXPECT_THAT(text, testing::HasSubstr("sources[0].replay_policy: drop loses"));
  EXPECT_THAT(text, testing::HasSubstr("sources[1].keys[0].secret: begins with `sk_`"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("s3cret")));
}

TEST_F(SourcesTest, WhatFetchedKeysNeedIsSaid) {
  EXPECT_THAT(Build("sources: [{name: a, preset: aws_sns}]"), testing::HasSubstr("topic_arns"));
  EXPECT_THAT(Build("sources: [{name: a, preset: paypal}]"), testing::HasSubstr("webhook_id"));
  EXPECT_THAT(Build("sources: [{name: a, preset: braintree, keys: [{secret: 'inline:x'}]}]"),
              testing::HasSubstr("public key|private key"));
  EXPECT_EQ(Build(R"(
sources:
  - name: a
    preset: aws_sns
    recipe: {algorithms: [{kind: aws_sns, hash: sha256}, {kind: aws_sns, hash: sha1}]}
    topic_arns: ["arn:aws:sns:us-east-1:123456789012:orders"]
  - {name: b, preset: paypal, values: {webhook_id: x}}
  - {name: c, preset: stripe, keys: [{secret: "inline:x"}]}
)"),
            "");
  EXPECT_TRUE(sources_.at("a")->access.Get()->verifier->MayFetch());
  EXPECT_TRUE(sources_.at("b")->access.Get()->verifier->MayFetch());
  EXPECT_FALSE(sources_.at("c")->access.Get()->verifier->MayFetch());
}

}  // namespace
}  // namespace hookbridge
