// Compressed bodies from the request to the event.
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/convert/conflict.h"
#include "server/convert/converter.h"
#include "tests/support/compress.h"
#include "tests/support/recipes.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <utility>

namespace hookbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kOpen = R"(
algorithms: [{kind: none}]
event: {id: [{json_pointer: /id}], type: [{json_pointer: /type}]}
)";

RequestBuilder Encoded(ContentCoding coding, std::string_view name, std::string_view body) {
  return RequestBuilder().Header("Content-Encoding", name).Body(Compress(coding, body));
}

ConvertedWebhook Convert(std::string_view yaml, std::vector<std::string> secrets,
                         const RequestBuilder& request, bool* is_inflated = nullptr) {
  const config::v1::Recipe recipe = RecipeOf(yaml);
  auto verifier = VerifierOf(recipe, std::move(secrets));
  auto converter =
      Converter::Create({.source = "shop", .recipe = recipe, .public_url = {}, .limits = {}});
  EXPECT_TRUE(verifier.ok() && converter.ok()) << verifier.status() << converter.status();
  auto verdict = (*verifier)->Verify(request.Build(), absl::UnixEpoch());
  EXPECT_TRUE(std::holds_alternative<VerifiedWebhook>(verdict));
  const auto& webhook = std::get<VerifiedWebhook>(verdict);
  if (is_inflated != nullptr) *is_inflated = webhook.request().inflated.has_value();
  return (*converter)->Convert(webhook);
}

v1::Event EventOf(const ConvertedEvent& converted) {
  v1::Event event;
  const EventRuns& runs = converted.runs;
  EXPECT_TRUE(event.ParseFromString(runs.envelope + runs.data + runs.raw));
  return event;
}

TEST(CompressedTest, DataIsInflatedAndRawIsAsItCame) {
  constexpr std::string_view kBody = "{\"id\":\"1\",\"type\":\"paid\"}";
  for (const auto& [coding, name] :
       {std::pair(ContentCoding::kGzip, "gzip"), std::pair(ContentCoding::kGzip, "X-Gzip"),
        std::pair(ContentCoding::kDeflate, "deflate"), std::pair(ContentCoding::kZstd, "zstd"),
        std::pair(ContentCoding::kBrotli, "br")}) {
    const ConvertedEvent converted =
        Convert(kOpen, {}, Encoded(coding, name, kBody)).events.front();
    const v1::Event event = EventOf(converted);
    EXPECT_EQ(event.conversion_error(), "") << name;
    EXPECT_EQ(event.dedup_key(), "1");
    EXPECT_EQ(event.type(), "paid");
    EXPECT_EQ(event.raw().body(), Compress(coding, kBody));
    ASSERT_EQ(event.raw().headers_size(), 1);
    EXPECT_EQ(event.raw().headers(0).value(), name);
    EXPECT_EQ(RemakeDataRun(converted.runs, {}), converted.runs.data);
    EXPECT_FALSE(converted.runs.data.empty());
  }
}

TEST(CompressedTest, NothingIsInflatedWithoutANeed) {
  bool is_inflated = true;
  Convert(kOpen, {}, RequestBuilder().Header("Content-Encoding", "utf-8").Body("{}"), &is_inflated);
  EXPECT_FALSE(is_inflated);
  const ConvertedEvent empty =
      Convert(kOpen, {}, RequestBuilder().Header("Content-Encoding", "gzip"), &is_inflated)
          .events.front();
  EXPECT_FALSE(is_inflated);
  EXPECT_EQ(empty.conversion_error, "") << "an empty body is one";
}

// A retry may be compressed anew, with another time in its header.
TEST(CompressedTest, WhichEventItIsDependsOnWhatIsSaid) {
  constexpr std::string_view kBody = "{\"type\":\"paid\"}";
  const std::string yaml = StrCat(kOpen, "same_body_window: 1h");
  const auto as = [&](ContentCoding coding, std::string_view name) {
    return Convert(yaml, {}, Encoded(coding, name, kBody)).events.front();
  };
  const ConvertedEvent gzip = as(ContentCoding::kGzip, "gzip");
  const ConvertedEvent zstd = as(ContentCoding::kZstd, "zstd");
  const ConvertedEvent plain = Convert(yaml, {}, RequestBuilder().Body(kBody)).events.front();
  EXPECT_EQ(gzip.dedup_key, plain.dedup_key);
  EXPECT_EQ(zstd.dedup_key, plain.dedup_key);
  EXPECT_EQ(gzip.body_crc, plain.body_crc);
  EXPECT_EQ(Unconflict(gzip.runs, "x").dedup_hash, Unconflict(plain.runs, "x").dedup_hash);
}

TEST(CompressedTest, ABatchSplitsAndKeepsItsBodyAsItCame) {
  constexpr std::string_view kBody = "[{\"id\":1},{\"id\":2}]";
  const ConvertedWebhook converted = Convert(R"(
algorithms: [{kind: none}]
split: {array: ""}
event: {id: [{item_pointer: /id}]}
)",
                                             {}, Encoded(ContentCoding::kGzip, "gzip", kBody));
  ASSERT_EQ(converted.events.size(), 2u);
  for (const ConvertedEvent& item : converted.events) {
    EventRuns runs = item.runs;
    EXPECT_EQ(RemakeDataRun(runs, {}), runs.data);
    runs.raw += converted.body_run;
    EXPECT_EQ(RemakeDataRun(runs, {}), runs.data);
  }
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(converted.events[1].runs.raw + converted.body_run));
  EXPECT_EQ(event.raw().item(), "{\"id\":2}");
  EXPECT_EQ(event.raw().body(), Compress(ContentCoding::kGzip, kBody));
}

// A secret cannot be taken out of compressed bytes, so what is stored is the text without it.
TEST(CompressedTest, ATokenInTheBodyIsNotStored) {
  const ConvertedEvent converted =
      Convert("algorithms: [{kind: static_token}]\nsignature: {json_pointer: /token}",
              {"very-secret"},
              Encoded(ContentCoding::kGzip, "gzip", "{\"token\":\"very-secret\",\"a\":1}"))
          .events.front();
  const v1::Event event = EventOf(converted);
  EXPECT_EQ(event.raw().body(), "{\"token\":\"***\",\"a\":1}");
  EXPECT_EQ(event.raw().headers_size(), 0) << "it is not compressed any more";
  EXPECT_THAT(event.SerializeAsString(), Not(HasSubstr("very-secret")));
  EXPECT_EQ(RemakeDataRun(converted.runs, {}), converted.runs.data);
}

}  // namespace
}  // namespace hookbridge
