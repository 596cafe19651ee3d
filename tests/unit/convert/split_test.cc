#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/yaml_to_message.h"
#include "server/convert/converter.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <vector>

namespace hookbridge {
namespace {

using config::v1::Recipe;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kListOfEvents = R"(
algorithms: [{kind: none}]
split: {array: /list}
event:
  id: [{item_pointer: /id}]
  type: [{item_pointer: /type}, {json_pointer: /kind}]
  subject: [{join: {parts: [{json_pointer: /account}, {item_pointer: /id}], separator: /}}]
)";

Recipe Yaml(std::string_view yaml) {
  Recipe recipe;
  EXPECT_TRUE(YamlToMessage(yaml, &recipe).empty()) << yaml;
  return recipe;
}

struct Made {
  ConvertedWebhook converted;
  std::vector<v1::Event> events;  // each with the body run, as if it were the first that is new
};

Made Convert(const Recipe& recipe, const std::string& body) {
  const WebhookRequest request = RequestBuilder().Body(body).Build();
  const auto verifier =
      *Verifier::Create({.recipe = recipe, .keys = {}, .url_token = {}, .public_url = {}});
  auto verdict = verifier->Verify(RequestBuilder().Body(body).Build(), absl::UnixEpoch());
  const auto converter =
      *Converter::Create({.source = "shop", .recipe = recipe, .public_url = {}, .limits = {}});
  Made made{.converted = converter->Convert(std::get<VerifiedWebhook>(verdict)), .events = {}};
  for (const ConvertedEvent& converted : made.converted.events) {
    EventRuns runs = converted.runs;
    EXPECT_EQ(RemakeDataRun(runs, {}), runs.data) << "without the body";
    runs.raw += made.converted.body_run;
    EXPECT_EQ(RemakeDataRun(runs, {}), runs.data) << "with the body";
    v1::Event& event = made.events.emplace_back();
    EXPECT_TRUE(event.ParseFromString(runs.envelope + runs.data + runs.raw));
    EXPECT_EQ(event.raw().body(), request.body);
    EXPECT_EQ(event.raw().item_index(), made.events.size() - 1);
    EXPECT_EQ(event.raw().item_count(), made.converted.events.size());
  }
  return made;
}

std::vector<std::string> Keys(const Made& made) {
  std::vector<std::string> keys;
  for (const v1::Event& event : made.events) keys.push_back(event.dedup_key());
  return keys;
}

absl::Status CreateStatus(std::string_view yaml) {
  return Converter::Create({.source = "shop", .recipe = Yaml(yaml), .public_url = {}, .limits = {}})
      .status();
}

TEST(SplitTest, EachElementIsAnEventWithItsOwnFieldsAndBytes) {
  const Made made = Convert(Yaml(kListOfEvents), R"({"kind":"k","account":"a1","list":[
    {"id":1,"type":"paid" , "x":[1,{"y":"}"}]},{"id":"2"}]})");
  ASSERT_EQ(made.events.size(), 2u);
  EXPECT_THAT(Keys(made), ElementsAre("1", "2"));
  EXPECT_EQ(made.events[0].type(), "paid");
  EXPECT_EQ(made.events[1].type(), "k") << "a value of the whole body";
  EXPECT_EQ(made.events[0].subject(), "a1/1");
  EXPECT_EQ(made.events[0].raw().item(), R"({"id":1,"type":"paid" , "x":[1,{"y":"}"}]})");
  EXPECT_EQ(made.events[1].raw().item(), R"({"id":"2"})");
  EXPECT_EQ(made.events[1].json().struct_value().fields().at("id").string_value(), "2");
  EXPECT_NE(made.converted.events[0].dedup_hash, made.converted.events[1].dedup_hash);
  EXPECT_NE(made.converted.events[0].body_crc, made.converted.events[1].body_crc);
}

TEST(SplitTest, WithoutAnIdTheBodyAndThePlaceMakeOne) {
  const Made made = Convert(Yaml(kListOfEvents), R"({"list":[{"a":1},{"a":1}]})");
  ASSERT_EQ(made.events.size(), 2u);
  EXPECT_TRUE(made.events[0].dedup_key().ends_with("#0@0123456789abcdef"));
  EXPECT_TRUE(made.events[1].dedup_key().ends_with("#1@0123456789abcdef"))
      << "equal elements are two events, also in the next request";
}

TEST(SplitTest, WhatIsNoListOfObjectsStaysOneEvent) {
  for (const std::string body :
       {R"({"ping":true})", R"({"list":[]})", R"({"list":{"id":1}})", R"({"list":[{"id":1},2]})",
        R"({"list":"x"})", R"([{"id":1}])", "7"}) {
    const Made made = Convert(Yaml(kListOfEvents), body);
    EXPECT_EQ(made.events.size(), 1u) << body;
    EXPECT_THAT(made.converted.body_run, IsEmpty()) << body;
    EXPECT_EQ(made.events[0].conversion_error(), "") << body;
    EXPECT_EQ(made.events[0].raw().item(), "") << body;
  }
  EXPECT_EQ(Convert(Yaml(kListOfEvents), "{").events[0].conversion_error().substr(0, 11),
            "json_syntax");
}

// One bad element costs its own parsed form, and not the others' ids and types.
// One event is sent as an object, several as a list of them: its fields are at the same places.
TEST(SplitTest, AnObjectWhereTheBodyWouldBeTheListIsItsOwnElement) {
  const Recipe recipe =
      Yaml("algorithms: [{kind: none}]\nsplit: {array: ''}\nevent: {id: [{item_pointer: /id}]}\n");
  EXPECT_EQ(Convert(recipe, R"({"id":"a"})").events[0].dedup_key(), "a");
  EXPECT_EQ(Convert(recipe, R"([{"id":"a"}])").events[0].dedup_key(), "a");
  const Recipe inside =
      Yaml("algorithms: [{kind: none}]\nsplit: {array: /l}\nevent: {id: [{item_pointer: /id}]}\n");
  EXPECT_NE(Convert(inside, R"({"id":"a"})").events[0].dedup_key(), "a");
}

TEST(SplitTest, AListWithABadElementIsSplitAllTheSame) {
  const std::string body =
      R"({"kind":"k","account":"a1","list":[{"id":1,"type":"paid"},{"id":2,"text":"\ud83d"}]})";
  const Made made = Convert(Yaml(kListOfEvents), body);
  EXPECT_THAT(Keys(made), ElementsAre("1", "2"));
  EXPECT_EQ(made.events[0].conversion_error(), "");
  EXPECT_TRUE(made.events[0].has_json());
  EXPECT_TRUE(made.events[1].conversion_error().starts_with("json_surrogate"));
  EXPECT_FALSE(made.events[1].has_json());
  EXPECT_EQ(made.events[1].type(), "k") << "a value of the whole body";
  EXPECT_EQ(made.events[1].subject(), "a1/2");
  EXPECT_EQ(made.events[1].raw().item(), R"({"id":2,"text":"\ud83d"})");
  EXPECT_EQ(made.events[0].raw().body(), body);
}

TEST(SplitTest, AtMostAThousandElements) {
  const auto body = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i) list += StrCat(i == 0 ? "" : ",", "{\"id\":", i, "}");
    return StrCat("{\"list\":[", list, "]}");
  };
  EXPECT_EQ(Convert(Yaml(kListOfEvents), body(limits::kSplitItemsMax)).events.size(),
            limits::kSplitItemsMax);
  EXPECT_EQ(Convert(Yaml(kListOfEvents), body(limits::kSplitItemsMax + 1)).events.size(), 1u)
      << "nothing is lost: the whole body is one event";
}

TEST(SplitTest, AJoinIsThereWhenAllItsPartsAre) {
  const Recipe recipe = Yaml(R"(
algorithms: [{kind: none}]
event:
  id: [{join: {parts: [{json_pointer: /a}, {json_pointer: /b}]}}, {json_pointer: /c}]
)");
  EXPECT_THAT(Keys(Convert(recipe, R"({"a":1,"b":"x","c":"y"})")), ElementsAre("1:x"));
  EXPECT_THAT(Keys(Convert(recipe, R"({"a":1,"c":"y"})")), ElementsAre("y"));
}

TEST(SplitTest, RecipesThatCannotWorkAreRefused) {
  EXPECT_THAT(CreateStatus("event: {id: [{item_pointer: /id}]}").message(),
              testing::HasSubstr("needs recipe.split"));
  EXPECT_THAT(CreateStatus("{split: {array: /a}, event: {id: [{header: X-Id}]}}").message(),
              testing::HasSubstr("same id"));
  EXPECT_THAT(CreateStatus("{split: {array: /a}, body_format: form}").message(),
              testing::HasSubstr("body_format json"));
  EXPECT_THAT(CreateStatus("split: {array: a}").message(), testing::HasSubstr("JSON Pointer"));
  EXPECT_THAT(CreateStatus("event: {id: [{join: {parts: []}}]}").message(),
              testing::HasSubstr("needs parts"));
  EXPECT_THAT(
      CreateStatus("event: {id: [{join: {parts: [{join: {parts: [{header: a}]}}]}}]}").message(),
      testing::HasSubstr("holds no join"));
}

// The presets of providers that send lists, with two events each.
TEST(SplitTest, PresetsSplit) {
  struct Case {
    std::string preset, body;
    std::vector<std::string> keys, types;
  };
  const std::vector<Case> cases = {
      {"sendgrid",
       R"([{"sg_event_id":"a","event":"open"},{"sg_event_id":"b","event":"click"}])",
       {"a", "b"},
       {"open", "click"}},
      {"hubspot",
       R"([{"subscriptionId":1,"eventId":2,"objectId":3,"occurredAt":4,"subscriptionType":"x"},
           {"subscriptionId":1,"eventId":3,"objectId":3,"occurredAt":4,"subscriptionType":"y"}])",
       {"1:2:3:4", "1:3:3:4"},
       {"x", "y"}},
      {"gocardless",
       R"({"events":[{"id":"E1","resource_type":"payments","action":"paid_out"},
                     {"id":"E2","resource_type":"refunds","action":"created"}]})",
       {"E1", "E2"},
       {"payments.paid_out", "refunds.created"}},
      {"adyen_payments",
       R"({"live":"false","notificationItems":[
         {"NotificationRequestItem":{"eventCode":"CAPTURE","pspReference":"P","success":"true"}},
         {"NotificationRequestItem":{"eventCode":"REFUND","pspReference":"P","success":"true"}}]})",
       {"CAPTURE:P:true", "REFUND:P:true"},
       {"CAPTURE", "REFUND"}},
  };
  for (const Case& one : cases) {
    const Recipe recipe = MergeRecipe(*LoadPreset(one.preset), Yaml("algorithms: [{kind: none}]"));
    const Made made = Convert(recipe, one.body);
    EXPECT_EQ(Keys(made), one.keys) << one.preset;
    std::vector<std::string> types;
    for (const v1::Event& event : made.events) types.push_back(event.type());
    EXPECT_EQ(types, one.types) << one.preset;
  }
}

}  // namespace
}  // namespace hookbridge
