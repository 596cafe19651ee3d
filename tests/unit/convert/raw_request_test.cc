#include "server/convert/internal/raw_request.h"

#include "server/base/yaml_to_message.h"
#include "server/verify/presets.h"
#include "tests/support/request_builder.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hookbridge {
namespace {

v1::RawRequest Raw(const config::v1::Recipe& recipe, const WebhookRequest& request) {
  const std::string run =
      RawRequestWriter(recipe, "https://hooks.example/hooks/test").Write(request);
  EXPECT_EQ(ParsedBytesOfRawRun(run).text(), request.body);
  v1::Event event;
  EXPECT_TRUE(event.ParseFromString(run));
  return event.raw();
}

std::vector<std::string> Names(const v1::RawRequest& raw) {
  std::vector<std::string> names;
  for (const v1::Header& header : raw.headers()) names.push_back(header.name());
  return names;
}

TEST(RawRequestTest, KeepsWhatTheSignatureNeedsInWireOrder) {
  const auto raw =
      Raw(*LoadPreset("standard_webhooks"), RequestBuilder()
                                                .Header("Webhook-Signature", "v1,a")
                                                .Header("Cookie", "session=1")
                                                .Header("webhook-id", "1")
                                                .Header("X-Other", "x")
                                                .Header("Content-Type", "application/json")
                                                .Header("webhook-signature", "v1,b")
                                                .Header("webhook-timestamp", "1")
                                                .Body("{}")
                                                .Build());
  EXPECT_THAT(Names(raw), testing::ElementsAre("Webhook-Signature", "webhook-id", "Content-Type",
                                               "webhook-signature", "webhook-timestamp"));
  EXPECT_EQ(raw.body(), "{}");
  EXPECT_EQ(raw.content_type(), "application/json");
  EXPECT_EQ(raw.item_count(), 1u);
}

TEST(RawRequestTest, NeverKeepsCredentials) {
  config::v1::Recipe recipe;
  ASSERT_TRUE(YamlToMessage(R"(
algorithms: [{kind: static_token}]
signature: {headers: [X-Token]}
keep_headers: ["*", "authorization", "x-token"]
)",
                            &recipe)
                  .empty());
  const auto raw = Raw(recipe, RequestBuilder()
                                   .Header("X-Token", "s3cret")
                                   .Header("Authorization", "Basic s3cret")
                                   .Header("Proxy-Authorization", "s3cret")
                                   .Header("Cookie", "s3cret")
                                   .Header("X-Fine", "kept")
                                   .Token("s3cret")
                                   .Query("api_key=s3cret&Token=s3cret&page=2&flag")
                                   .Build());
  EXPECT_EQ(raw.ShortDebugString().find("s3cret"), std::string::npos) << raw.ShortDebugString();
  EXPECT_THAT(Names(raw), testing::ElementsAre("X-Fine"));
  EXPECT_EQ(raw.path(), "/hooks/test/***");
  EXPECT_EQ(raw.query(), "api_key=***&Token=***&page=2&flag");
}

// A token is kept where it is a signature over the body, so that a consumer can verify it again,
// and not where it is good for any body.
TEST(RawRequestTest, ATokenIsKeptWhereItSignsTheBody) {
  for (const bool signs : {true, false}) {
    config::v1::Recipe recipe;
    ASSERT_TRUE(YamlToMessage("algorithms: [{kind: jwt}]\nsignature: {headers: [X-Jwt]}\n"
                              "keep_headers: [authorization]\njwt: {url_hash_claim: url}\n",
                              &recipe)
                    .empty());
    recipe.set_body_not_signed(!signs);
    const auto raw = Raw(recipe, RequestBuilder()
                                     .Header("X-Jwt", "a.b.c")
                                     .Header("Authorization", "Bearer a.b.c")
                                     .Query("token=x")
                                     .Build());
    EXPECT_EQ(Names(raw), signs ? std::vector<std::string>{"X-Jwt"} : std::vector<std::string>{});
    EXPECT_EQ(raw.query(), "token=x") << "the URL is signed";
  }
}

TEST(RawRequestTest, BodyOfOtherBytesIsEmpty) {
  EXPECT_EQ(ParsedBytesOfRawRun("").text(), "");
  EXPECT_EQ(ParsedBytesOfRawRun("garbage").text(), "");
}

}  // namespace
}  // namespace hookbridge
