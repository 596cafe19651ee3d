#include "server/verify/internal/replay.h"

#include "server/base/yaml_to_message.h"
#include "server/verify/presets.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <set>
#include <string>

namespace hookbridge {
namespace {

bool Remembers(std::string_view yaml) {
  config::v1::Recipe recipe;
  EXPECT_TRUE(YamlToMessage(yaml, &recipe).empty()) << yaml;
  return RemembersSigned(recipe);
}

TEST(ReplayTest, OnlyWhereNeitherTimeNorIdIsSigned) {
  const std::string sign = "algorithms: [{kind: hmac}]\nmessage: [{body: true}]\n";
  EXPECT_TRUE(Remembers(sign + "event: {id: [{header: X-Id}]}"));
  EXPECT_TRUE(Remembers(sign + "event: {id: [{json_pointer: /id}, {header: X-Id}]}"));
  EXPECT_TRUE(Remembers(sign + "event: {id: [{join: {parts: [{header: X-Id}]}}]}"));
  EXPECT_FALSE(Remembers(sign + "event: {id: [{json_pointer: /id}]}"));
  EXPECT_FALSE(Remembers(sign + "event: {id: [{join: {parts: [{json_pointer: /id}]}}]}"));
  EXPECT_FALSE(Remembers(sign)) << "the synthetic id holds the body's hash";
  EXPECT_FALSE(Remembers(sign + "timestamp: {header: X-Time}\nevent: {id: [{header: X-Id}]}"));
  EXPECT_TRUE(
      Remembers(sign + "timestamp: {header: X-Time, max_age: 0s}\nevent: {id: [{header: X-Id}]}"));
  EXPECT_FALSE(
      Remembers("algorithms: [{kind: hmac}]\nmessage: [{header: x-id}, {body: true}]\n"
                "event: {id: [{header: X-Id}]}"));
  EXPECT_FALSE(Remembers("algorithms: [{kind: static_token}]\nevent: {id: [{header: X-Id}]}"));
}

// A preset that joins or leaves this set changes what its users see.
TEST(ReplayTest, PresetsThatNeedIt) {
  std::set<std::string> presets;
  for (const Preset& preset : Presets()) {
    if (RemembersSigned(*LoadPreset(preset.name))) presets.emplace(preset.name);
  }
  EXPECT_THAT(presets, testing::IsSupersetOf({"github", "shopify", "twilio"}));
  EXPECT_FALSE(presets.contains("stripe"));
  EXPECT_FALSE(presets.contains("mailgun")) << "its id is the signed token";
  EXPECT_FALSE(presets.contains("standard_webhooks"));
}

}  // namespace
}  // namespace hookbridge
