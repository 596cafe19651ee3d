#include "server/convert/converter.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/yaml_to_message.h"
#include "server/convert/internal/dedup_key.h"
#include "server/convert/internal/extract.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Recipe;

Recipe Yaml(std::string_view yaml) {
  Recipe recipe;
  EXPECT_TRUE(YamlToMessage(yaml, &recipe).empty()) << yaml;
  return recipe;
}

// The preset's rules of events behind no authentication.
Recipe Open(std::string_view preset) {
  Recipe recipe = *LoadPreset(preset);
  recipe.clear_algorithms();
  recipe.clear_signature();
  recipe.clear_timestamp();
  recipe.clear_message();
  return recipe;
}

struct Made {
  ConvertedEvent converted;
  v1::Event event;
};

Made Convert(Recipe recipe, WebhookRequest request, ConvertLimits limits = {}) {
  recipe.clear_algorithms();
  recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_NONE);
  const auto verifier =
      *Verifier::Create({.recipe = recipe, .keys = {}, .url_token = {}, .public_url = {}});
  const std::string body = request.body;
  auto verdict = verifier->Verify(std::move(request), absl::UnixEpoch());
  const auto converter =
      *Converter::Create({.source = "shop", .recipe = recipe, .public_url = {}, .limits = limits});
  Made made{.converted = converter->Convert(std::get<VerifiedWebhook>(verdict)).events[0],
            .event = {}};
  const EventRuns& runs = made.converted.runs;
  EXPECT_TRUE(made.event.ParseFromString(runs.envelope + runs.data + runs.raw));
  EXPECT_EQ(RemakeDataRun(runs, limits), runs.data);
  EXPECT_EQ(made.event.raw().body(), body);
  return made;
}

Made Convert(Recipe recipe, const RequestBuilder& request, ConvertLimits limits = {}) {
  return Convert(std::move(recipe), request.Build(), limits);
}

TEST(ConverterTest, TakesTheEnvelopeFromWhereTheRecipeSays) {
  const Recipe recipe = Yaml(R"(
event:
  id: [{header: X-Id}, {json_pointer: /id}]
  type: [{json_pointer: /event}]
  time: [{json_pointer: /at}]
  subject: [{json_pointer: /customer/name}]
  ordering_key: [{json_pointer: /customer/id}]
  test_mode: {from: {json_pointer: /live}, equals: "false"}
  attributes: {currency: {json_pointer: /items/0/currency}, missing: {json_pointer: /nope}}
)");
  const Made made = Convert(
      recipe, RequestBuilder()
                  .Header("Content-Type", "application/json")
                  .Header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                  .Body(R"({"id":"e-1","event":"order.paid","at":"2026-03-01T10:00:00Z",
      "customer":{"name":"Zoë","id":77},"live":false,"items":[{"currency":"EUR"}]})"));
  EXPECT_EQ(made.event.source(), "shop");
  EXPECT_EQ(made.event.dedup_key(), "e-1");
  EXPECT_EQ(made.event.type(), "order.paid");
  EXPECT_EQ(made.event.subject(), "Zoë");
  EXPECT_EQ(made.event.ordering_key(), "77");
  EXPECT_TRUE(made.event.test_mode());
  EXPECT_EQ(made.event.event_time().seconds(), 1772359200);
  EXPECT_EQ(made.event.receive_time().seconds(), 1'700'000'000);
  EXPECT_EQ(made.event.data_content_type(), "application/json");
  EXPECT_THAT(made.event.attributes(), testing::SizeIs(2));
  EXPECT_EQ(made.event.attributes().at("currency"), "EUR");
  EXPECT_TRUE(made.event.attributes().contains("traceparent"));
  EXPECT_EQ(made.event.conversion_error(), "");
  EXPECT_EQ(made.event.json().struct_value().fields().at("id").string_value(), "e-1");
}

TEST(ConverterTest, PaymentOptionsTypesComeFromTheTable) {
  const auto type = [](std::string_view transaction, bool success, std::string_view code) {
    const std::string body = StrCat(R"({"success":)", success ? "true" : "false",
                                    R"(,"is_live":true,"transaction_type":")", transaction,
                                    R"(","payment_details":{"response_code":)", code, "}}");
    const Made made = Convert(Open("payment_options"), RequestBuilder().Body(body));
    EXPECT_TRUE(made.event.dedup_key().find("sha256:") != std::string::npos) << "a synthetic id";
    EXPECT_FALSE(made.event.test_mode());
    return made.event.type();
  };
  EXPECT_EQ(type("CAPTURE", true, "0"), "payment.capture.succeeded");
  EXPECT_NE(type("CAPTURE", false, "0"), type("CAPTURE", true, "0"));
  EXPECT_NE(type("REFUND", true, "0"), type("CAPTURE", true, "0"));
  EXPECT_EQ(type("NOBODY_KNOWS", true, "0"), "unmapped");
}

// A sender that gives no id may say the same twice and mean two things.
TEST(ConverterTest, WithoutAnIdEachRequestIsAnEventOfItsOwn) {
  const Recipe recipe = Yaml("event: {synthetic_id: [{json_pointer: /a}]}");
  const auto convert = [&](const std::string& request_id) {
    WebhookRequest request = RequestBuilder().Body(R"({"a":"x"})").Build();
    request.request_id = request_id;
    return Convert(recipe, std::move(request));
  };
  const Made one = convert("request-1");
  EXPECT_TRUE(one.event.dedup_key().starts_with("x:sha256:"));
  EXPECT_TRUE(one.event.dedup_key().ends_with("@request-1"));
  EXPECT_FALSE(one.converted.by_body);
  EXPECT_NE(one.converted.dedup_hash, convert("request-2").converted.dedup_hash);
  EXPECT_EQ(one.converted.dedup_hash, convert("request-1").converted.dedup_hash)
      << "the same request, verified again";
}

TEST(ConverterTest, WithAWindowTheBodyMakesOne) {
  const Recipe recipe =
      Yaml("same_body_window: 1d\nevent: {synthetic_id: [{json_pointer: /a}], id: [{header: Id}]}");
  EXPECT_FALSE(Convert(recipe, RequestBuilder().Header("Id", "1").Body("{}")).converted.by_body);
  const Made one = Convert(recipe, RequestBuilder().Body(R"({"a":"x"})"));
  const Made same = Convert(recipe, RequestBuilder().Body(R"({"a":"x"})"));
  const Made other = Convert(recipe, RequestBuilder().Body(R"({"a":"x" })"));
  EXPECT_TRUE(one.event.dedup_key().starts_with("x:sha256:"));
  EXPECT_TRUE(one.converted.by_body);
  EXPECT_EQ(one.converted.dedup_hash, same.converted.dedup_hash);
  EXPECT_NE(one.converted.dedup_hash, other.converted.dedup_hash);
}

TEST(ConverterTest, ABodyWithoutAParsedFormIsStillAnEvent) {
  const Recipe recipe = Yaml("event: {id: [{header: X-Id}]}");
  const auto error = [&](const std::string& body, ConvertLimits limits = {}) {
    const Made made = Convert(recipe, RequestBuilder().Header("X-Id", "1").Body(body), limits);
    EXPECT_EQ(made.event.data_case(), v1::Event::DATA_NOT_SET) << body;
    EXPECT_EQ(made.converted.runs.parsed_form, ParsedForm::kNone);
    EXPECT_EQ(made.event.type(), "unmapped");
    EXPECT_EQ(made.event.dedup_key(), "1");
    const std::string text = made.event.conversion_error();
    return text.substr(0, text.find(':'));
  };
  EXPECT_EQ(error("not json"), "json_syntax");
  EXPECT_EQ(error(std::string(25, '[') + std::string(25, ']')), "json_depth");
  EXPECT_EQ(error("[1,2]", {.json_elements_max = 2}), "json_elements");
  EXPECT_EQ(error("\"\xff\""), "json_utf8");
  EXPECT_EQ(error(""), "") << "an empty body leaves data unset";
}

// A filter by type must not miss the event, nor a retry be a second one, for a fault in another
// field: the parsed form is gone, the envelope is not.
TEST(ConverterTest, TheEnvelopeOutlivesTheParsedForm) {
  const Recipe recipe = Yaml(R"(
event:
  id: [{json_pointer: /id}]
  type: [{json_pointer: /event}]
  subject: [{json_pointer: /data/list/1/name}]
  attributes: {currency: {json_pointer: /currency}}
)");
  for (const std::string rest :
       {R"("text":"cut \ud83d")", R"("a":1,"a":2)", R"("v":NaN)", "\"t\":\"\xff\"",
        R"("deep":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]])"}) {
    const std::string body =
        StrCat(R"({"id":"c1","currency":"EUR",)", rest,
               R"(,"data":{"list":[{},{"name":"Zoë"}]},"event":"message.created"})");
    const Made made = Convert(recipe, RequestBuilder().Body(body));
    EXPECT_EQ(made.event.data_case(), v1::Event::DATA_NOT_SET) << body;
    EXPECT_NE(made.event.conversion_error(), "") << body;
    EXPECT_EQ(made.event.dedup_key(), "c1") << body;
    EXPECT_EQ(made.event.type(), "message.created") << body;
    EXPECT_EQ(made.event.subject(), "Zoë") << body;
    EXPECT_EQ(made.event.attributes().at("currency"), "EUR") << body;
  }
  const Made many = Convert(recipe, RequestBuilder().Body(R"({"x":[1,2,3],"id":"c2"})"),
                            {.json_elements_max = 3});
  EXPECT_TRUE(many.event.conversion_error().starts_with("json_elements"));
  EXPECT_EQ(many.event.dedup_key(), "c2");
}

TEST(ConverterTest, FormFieldsOutliveTheParsedFormToo) {
  const Recipe recipe =
      Yaml("body_format: form\nevent: {id: [{form_field: id}], type: [{form_field: kind}]}");
  const Made made = Convert(recipe, RequestBuilder().Body("x=%zz&kind=a+b&id=7&id=8"));
  EXPECT_TRUE(made.event.conversion_error().starts_with("form_syntax"));
  EXPECT_EQ(made.event.dedup_key(), "7");
  EXPECT_EQ(made.event.type(), "a b");
  std::string many;
  for (size_t i = 0; i <= limits::kFormFieldsMax; ++i) many += "x=1&";
  const Made last = Convert(recipe, RequestBuilder().Body(many + "id=9"));
  EXPECT_TRUE(last.event.conversion_error().starts_with("form_fields"));
  EXPECT_EQ(last.event.dedup_key(), "9");
}

// Saved with a byte order mark by somebody's editor: JSON, and kept as sent.
TEST(ConverterTest, AByteOrderMarkIsPassedOver) {
  const std::string body = "\xef\xbb\xbf{\"id\":\"1\"}";
  const Made made =
      Convert(Yaml("event: {id: [{json_pointer: /id}]}"), RequestBuilder().Body(body));
  EXPECT_EQ(made.event.conversion_error(), "");
  EXPECT_EQ(made.event.dedup_key(), "1");
  EXPECT_EQ(made.event.json().struct_value().fields().at("id").string_value(), "1");
  EXPECT_EQ(made.event.raw().body(), body);
  EXPECT_TRUE(Convert(Yaml("event: {}"), RequestBuilder().Body("\xef\xbb\xbf\xef\xbb\xbf{}"))
                  .event.conversion_error()
                  .starts_with("json_syntax"))
      << "one of them";
}

TEST(ConverterTest, ParsedSizeAtItsLimitAndOneMore) {
  const Recipe recipe = Yaml("event: {}");
  // A string of n bytes, 128 <= n < 16 384, is a Value of n + 3 bytes.
  const std::string body = "\"" + std::string(1000, 'x') + "\"";
  EXPECT_EQ(Convert(recipe, RequestBuilder().Body(body), {.parsed_bytes_max = 1003})
                .event.conversion_error(),
            "");
  EXPECT_TRUE(Convert(recipe, RequestBuilder().Body(body), {.parsed_bytes_max = 1002})
                  .event.conversion_error()
                  .starts_with("parsed_size:"));
}

TEST(ConverterTest, InexactNumbersAtTheirLimitAndOneMore) {
  const Recipe recipe = Yaml("event: {}");
  const auto body = [](int count) {
    std::string text = "[9007199254740993";
    for (int i = 1; i < count; ++i) text += ",9007199254740993";
    return text + "]";
  };
  const Made full = Convert(recipe, RequestBuilder().Body(body(1000)));
  EXPECT_EQ(full.event.inexact_numbers_size(), 1000);
  EXPECT_EQ(full.event.inexact_numbers(999), "/999");
  EXPECT_TRUE(Convert(recipe, RequestBuilder().Body(body(1001)))
                  .event.conversion_error()
                  .starts_with("inexact_numbers:"));
}

TEST(ConverterTest, FormsBecomeObjectsAndRepeatsLists) {
  const Recipe recipe =
      Yaml("body_format: form\nevent: {id: [{form_field: id}], type: [{form_field: kind}]}");
  const Made made = Convert(recipe, RequestBuilder().Body("id=7&kind=a+b&x=1&x=%C3%A9&empty="));
  EXPECT_EQ(made.event.dedup_key(), "7");
  EXPECT_EQ(made.event.type(), "a b");
  const auto& fields = made.event.json().struct_value().fields();
  EXPECT_EQ(fields.at("x").list_value().values(1).string_value(), "é");
  EXPECT_EQ(fields.at("empty").string_value(), "");
  EXPECT_TRUE(Convert(recipe, RequestBuilder().Body("a=%FF"))
                  .event.conversion_error()
                  .starts_with("form_utf8"));
  EXPECT_TRUE(Convert(recipe, RequestBuilder().Body("a=%F"))
                  .event.conversion_error()
                  .starts_with("form_syntax"));
}

TEST(ConverterTest, TextAndBinaryKeepTheBody) {
  EXPECT_EQ(Convert(Yaml("body_format: text"), RequestBuilder().Body("héllo")).event.text(),
            "héllo");
  EXPECT_TRUE(Convert(Yaml("body_format: text"), RequestBuilder().Body("\xff"))
                  .event.conversion_error()
                  .starts_with("text_utf8"));
  EXPECT_EQ(Convert(Yaml("body_format: binary"), RequestBuilder().Body("\xff\x01")).event.binary(),
            "\xff\x01");
}

// Every string field is valid UTF-8 and bounded, whatever the sender writes.
TEST(ConverterTest, EnvelopeFieldsAreBoundedText) {
  const Recipe recipe =
      Yaml("event: {id: [{header: X-Id}], type: [{json_pointer: /t}], subject: [{header: X-S}]}");
  const Made made = Convert(recipe, RequestBuilder()
                                        .Header("X-Id", std::string(1023, 'x') + "éé")
                                        .Header("X-S", "\xff\xfe")
                                        .Header("Content-Type", "text/\xff")
                                        .Body(StrCat(R"({"t":")", std::string(5000, 'y'), "\"}")));
  EXPECT_EQ(made.event.dedup_key(), HashText(std::string(1023, 'x') + "éé"));
  EXPECT_EQ(made.event.type().size(), 1024u);
  EXPECT_EQ(made.event.subject(), "");
  EXPECT_EQ(made.event.data_content_type(), "text/");
}

// Ids over the bound are told apart by all of their bytes, also where they are joined.
TEST(ConverterTest, LongIdsAreNeverCut) {
  const auto key = [](std::string_view yaml, const std::string& id) {
    return Convert(Yaml(yaml), RequestBuilder().Header("X-Id", id).Body("{}")).event.dedup_key();
  };
  constexpr std::string_view kPlain = "event: {id: [{header: X-Id}]}";
  constexpr std::string_view kJoined =
      "event: {id: [{join: {parts: [{header: X-Id}, {header: X-Id}]}}]}";
  EXPECT_EQ(key(kPlain, std::string(1024, 'x')), std::string(1024, 'x')) << "at the bound";
  for (const std::string_view yaml : {kPlain, kJoined}) {
    const std::string a = key(yaml, std::string(1024, 'x') + "a");
    EXPECT_TRUE(a.starts_with("sha256:")) << a;
    EXPECT_NE(a, key(yaml, std::string(1024, 'x') + "b"));
  }
}

TEST(ConverterTest, AHeaderMayHaveSeveralNames) {
  const Recipe recipe = Yaml("event: {id: [{header: \"X-New-Id|X-Id\"}]}");
  EXPECT_EQ(Convert(recipe, RequestBuilder().Header("x-id", "1")).event.dedup_key(), "1");
  EXPECT_EQ(Convert(recipe, RequestBuilder().Header("X-Id", "1").Header("X-New-Id", "2"))
                .event.dedup_key(),
            "2");
}

TEST(ConverterTest, ReadsTimesInEveryUsualForm) {
  EXPECT_EQ(ReadEventTime("1614265330"), absl::FromUnixSeconds(1614265330));
  EXPECT_EQ(ReadEventTime("1614265330.5"), absl::FromUnixMillis(1614265330500));
  EXPECT_EQ(ReadEventTime("1614265330123"), absl::FromUnixMillis(1614265330123));
  EXPECT_EQ(ReadEventTime("2021-02-25T15:02:10+00:00"), absl::FromUnixSeconds(1614265330));
  for (const char* const bad : {"", "x", "-1x", "99999999999999999999", "2021-13-01T00:00:00Z",
                                "1e9", "1.", ".5", "1.x", "1.5.5"}) {
    EXPECT_EQ(ReadEventTime(bad), std::nullopt) << bad;
  }
}

TEST(ConverterTest, ARuleThatCannotWorkIsNamed) {
  const Recipe recipe = Yaml("event: {id: [{json_pointer: id}]}");
  const auto made =
      Converter::Create({.source = "s", .recipe = recipe, .public_url = {}, .limits = {}});
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(std::string(ToStd(made.status().message())), testing::HasSubstr("recipe.event.id"));
}

}  // namespace
}  // namespace hookbridge
