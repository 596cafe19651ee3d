#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/convert/converter.h"
#include "tests/support/recipes.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

// The events of a request to a source with these rules, each as one that was stored and read back.
std::vector<v1::Event> Convert(std::string_view yaml, const RequestBuilder& request) {
  config::v1::Recipe recipe = RecipeOf(yaml);
  recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_NONE);
  auto verifier = VerifierOf(recipe, {});
  auto converter =
      Converter::Create({.source = "shop", .recipe = recipe, .public_url = {}, .limits = {}});
  EXPECT_TRUE(verifier.ok() && converter.ok()) << verifier.status() << converter.status();
  auto verdict = (*verifier)->Verify(request.Build(), absl::UnixEpoch());
  std::vector<v1::Event> events;
  const auto converted = (*converter)->Convert(std::get<VerifiedWebhook>(verdict));
  for (const ConvertedEvent& made : converted.events) {
    const EventRuns& runs = made.runs;
    EXPECT_EQ(RemakeDataRun(runs, {}), runs.data);
    EXPECT_TRUE(events.emplace_back().ParseFromString(runs.envelope + runs.data + runs.raw));
  }
  return events;
}

v1::Event ConvertOne(std::string_view yaml, const RequestBuilder& request) {
  std::vector<v1::Event> events = Convert(yaml, request);
  EXPECT_EQ(events.size(), 1u);
  return events.empty() ? v1::Event() : std::move(events.front());
}

const google::protobuf::Value& Field(const v1::Event& event, const std::string& name) {
  return event.json().struct_value().fields().at(name);
}

std::string Text(const v1::Event& event, const std::string& name) {
  return Field(event, name).string_value();
}

RequestBuilder Multipart(std::string_view body) {
  return RequestBuilder().Header("Content-Type", "multipart/form-data; boundary=b").Body(body);
}

constexpr std::string_view kParts =
    "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n7\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\nx\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\ny\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"a%22.png\"\r\n"
    "Content-Type: image/png\r\n\r\n\x89PNG\xff\r\n--b--\r\n";

TEST(MultipartBodyTest, IsAnObjectOfTextsAndFiles) {
  const v1::Event event = ConvertOne(R"(
body_format: multipart
event: {id: [{form_field: id}], type: [{form_field: tag}]}
)",
                                     Multipart(kParts));
  EXPECT_EQ(event.conversion_error(), "");
  EXPECT_EQ(event.dedup_key(), "7");
  EXPECT_EQ(event.type(), "x") << "the first";
  EXPECT_EQ(Text(event, "id"), "7");
  EXPECT_EQ(Field(event, "tag").list_value().values(1).string_value(), "y");
  const auto& file = Field(event, "scan").struct_value().fields();
  EXPECT_EQ(file.at("filename").string_value(), "a\".png");
  EXPECT_EQ(file.at("content_type").string_value(), "image/png");
  EXPECT_EQ(file.at("base64").string_value(), Base64Encode("\x89PNG\xff"));
  EXPECT_EQ(event.raw().body(), kParts);
}

TEST(MultipartBodyTest, AFaultLeavesWhatStandsBeforeIt) {
  const std::string broken(kParts.substr(0, kParts.size() - 6));
  const v1::Event event =
      ConvertOne("body_format: multipart\nevent: {id: [{form_field: id}]}", Multipart(broken));
  EXPECT_THAT(event.conversion_error(), StartsWith("multipart_syntax: "));
  EXPECT_EQ(event.data_case(), v1::Event::DATA_NOT_SET);
  EXPECT_EQ(event.dedup_key(), "7");
  EXPECT_THAT(
      ConvertOne("body_format: multipart", RequestBuilder().Body(kParts)).conversion_error(),
      StartsWith("multipart_syntax: the Content-Type"));
}

TEST(MultipartBodyTest, TextIsUtf8AndFilesMayBeAnything) {
  const auto part = [](std::string_view more, std::string_view value) {
    return StrCat("--b\r\nContent-Disposition: form-data; name=a", more, "\r\n\r\n", value,
                  "\r\n--b--");
  };
  const auto error = [](const std::string& body) {
    return ConvertOne("body_format: multipart", Multipart(body)).conversion_error();
  };
  EXPECT_EQ(error(part("; filename=b", "\xff")), "");
  EXPECT_THAT(error(part("", "\xff")), StartsWith("form_utf8: "));
  EXPECT_THAT(error(part("; filename=\xff", "")), StartsWith("form_utf8: "));
  // A file grows by a third; the parsed form is bounded as a whole.
  EXPECT_EQ(error(part("; filename=b", std::string(2'000'000, 'x'))), "");
  EXPECT_THAT(error(part("; filename=b", std::string(limits::kParsedBytesMax, 'x'))),
              StartsWith("parsed_size: "));
}

constexpr std::string_view kJsonField = R"(
body_format: by_content_type
json_field: payload
event:
  id: [{json_pointer: /id}, {form_field: id}]
  type: [{json_pointer: /type}]
  attributes: {sender: {form_field: from}}
)";

TEST(JsonFieldTest, OfAFormIsTheDocument) {
  const v1::Event event = ConvertOne(
      kJsonField, RequestBuilder()
                      .Header("Content-Type", "application/x-www-form-urlencoded")
                      .Body("from=me&payload=%7B%22id%22:1.50,%22type%22:%22a%20b%22%7D"));
  EXPECT_EQ(event.conversion_error(), "");
  EXPECT_EQ(event.dedup_key(), "1.50");
  EXPECT_EQ(event.type(), "a b");
  EXPECT_EQ(event.attributes().at("sender"), "me") << "fields of the form are read, too";
  EXPECT_EQ(Text(event, "type"), "a b");
  EXPECT_FALSE(event.json().struct_value().fields().contains("from"));
  EXPECT_EQ(event.raw().item(), "{\"id\":1.50,\"type\":\"a b\"}");
  EXPECT_THAT(event.raw().body(), StartsWith("from=me&"));
  EXPECT_EQ(event.raw().item_count(), 1u);
}

TEST(JsonFieldTest, OfAMultipartBodyToo) {
  const v1::Event event = ConvertOne(
      kJsonField, Multipart("--b\r\nContent-Disposition: form-data; name=payload\r\n"
                            "Content-Type: application/json\r\n\r\n{\"id\":\"1\"}\r\n--b--"));
  EXPECT_EQ(event.dedup_key(), "1");
  EXPECT_EQ(event.raw().item(), "{\"id\":\"1\"}");
}

TEST(JsonFieldTest, WithoutItTheFieldsAreTheData) {
  const RequestBuilder form =
      RequestBuilder().Header("Content-Type", "application/x-www-form-urlencoded");
  for (const char* const body : {"id=9&from=me", "id=9&payload=%7B%7D&payload=%7B%7D"}) {
    const v1::Event event = ConvertOne(kJsonField, RequestBuilder(form).Body(body));
    EXPECT_EQ(event.dedup_key(), "9") << body;
    EXPECT_EQ(Text(event, "id"), "9");
    EXPECT_EQ(event.raw().item(), "");
  }
}

TEST(JsonFieldTest, ABrokenDocumentHasWhatIsSoundInIt) {
  const v1::Event event =
      ConvertOne(kJsonField, RequestBuilder()
                                 .Header("Content-Type", "application/x-www-form-urlencoded")
                                 .Body("payload=%7B%22id%22:%225%22,%22x%22:tru%7D"));
  EXPECT_THAT(event.conversion_error(), StartsWith("json_syntax: "));
  EXPECT_EQ(event.dedup_key(), "5");
  EXPECT_EQ(event.data_case(), v1::Event::DATA_NOT_SET);
}

TEST(JsonFieldTest, ADocumentMayBeABatch) {
  const std::vector<v1::Event> events =
      Convert(R"(
body_format: form
json_field: batch
split: {array: /events}
event: {id: [{item_pointer: /id}], subject: [{form_field: account}]}
)",
              RequestBuilder().Body("account=x&batch=%7B%22events%22:[%7B%22id%22:1%7D,%7B%22id%22:"
                                    "2%7D]%7D"));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].dedup_key(), "2");
  EXPECT_EQ(events[1].subject(), "x");
  EXPECT_EQ(events[1].raw().item(), "{\"id\":2}");
  EXPECT_EQ(events[1].raw().item_count(), 2u);
}

constexpr std::string_view kXml = R"(
body_format: xml
event:
  id: [{xml: /order/id}]
  type: [{join: {parts: [{xml: /order/@kind}, {xml: /order/state}], separator: .}}]
  subject: [{xml: /order/nothing}, {query: "a b"}]
)";

TEST(XmlBodyTest, IsTextWithValues) {
  const std::string_view body =
      "<?xml version=\"1.0\"?><o:order xmlns:o=\"u\" kind=\"web\"><id>4&amp;2</id>"
      "<state>paid</state></o:order>";
  const v1::Event event = ConvertOne(kXml, RequestBuilder().Query("a%20b=q+1&c").Body(body));
  EXPECT_EQ(event.conversion_error(), "");
  EXPECT_EQ(event.dedup_key(), "4&2");
  EXPECT_EQ(event.type(), "web.paid");
  EXPECT_EQ(event.subject(), "q 1");
  EXPECT_EQ(event.text(), body);
}

TEST(XmlBodyTest, AFaultIsAConversionError) {
  const v1::Event event =
      ConvertOne(kXml, RequestBuilder().Body("<order><id>1</id><state>paid</stat></order>"));
  EXPECT_THAT(event.conversion_error(), StartsWith("xml_syntax: "));
  EXPECT_EQ(event.dedup_key(), "1") << "was whole before the fault";
  EXPECT_EQ(event.type(), "unmapped");
  EXPECT_EQ(event.data_case(), v1::Event::DATA_NOT_SET);
  EXPECT_THAT(ConvertOne(kXml, RequestBuilder().Body("<a>\xff</a>")).conversion_error(),
              StartsWith("text_utf8: "));
}

TEST(XmlBodyTest, ADocumentInAFormFieldIsReadAlike) {
  const std::string_view yaml =
      "body_format: form\nevent: {type: [{form_xml: doc/kind}], subject: [{form_xml: doc/none}]}";
  const auto type = [&](std::string_view document) {
    std::string base64 = Base64Encode(document);
    base64.insert(8, "\n");
    std::string body = "doc=";
    for (const char c : base64) body += c == '+' ? "%2B" : std::string(1, c);
    return ConvertOne(yaml, RequestBuilder().Body(body)).type();
  };
  EXPECT_EQ(type("<n><s><kind>inner</kind></s><kind> a &lt; b </kind></n>"), "a < b");
  EXPECT_EQ(type("<?xml version=\"1.0\"?><x:n><x:kind><![CDATA[c]]></x:kind></x:n>"), "c");
  EXPECT_EQ(type("<!DOCTYPE n><n><kind>a</kind></n>"), "unmapped");
  EXPECT_EQ(type("<n><kind>a<b/></kind></n>"), "unmapped");
  EXPECT_EQ(ConvertOne(yaml, RequestBuilder().Body("doc=PG4+IA")).type(), "unmapped")
      << "no base64";
}

TEST(ByContentTypeTest, EachRequestHasItsOwnForm) {
  const std::string_view yaml = R"(
body_format: by_content_type
split: {array: /events}
event: {id: [{item_pointer: /id}], type: [{json_pointer: /type}, {form_field: type}, {xml: /type}]}
)";
  const auto convert = [&](std::string_view type, std::string_view body) {
    return Convert(yaml, RequestBuilder().Header("Content-Type", type).Body(body));
  };
  EXPECT_EQ(convert("application/json", "{\"type\":\"j\"}")[0].type(), "j");
  EXPECT_EQ(convert("application/json", "{\"events\":[{\"id\":1},{\"id\":2}]}").size(), 2u);
  EXPECT_EQ(convert("application/x-www-form-urlencoded", "type=f")[0].type(), "f");
  EXPECT_EQ(convert("text/xml", "<type>x</type>")[0].type(), "x");
  EXPECT_EQ(convert("application/octet-stream", "\xff")[0].binary(), "\xff");
  EXPECT_EQ(convert("text/csv", "a;b")[0].text(), "a;b");
  EXPECT_EQ(convert("multipart/form-data; boundary=b",
                    "--b\r\nContent-Disposition: form-data; name=type\r\n\r\nm\r\n--b--")[0]
                .type(),
            "m");
  EXPECT_EQ(ConvertOne(yaml, RequestBuilder().Body("[1]")).json().list_value().values_size(), 1)
      << "without a type it is JSON";
}

TEST(EventsByGetTest, TheQueryIsTheBody) {
  const v1::Event event = ConvertOne(R"(
body_format: form
events_by_get: true
event: {id: [{form_field: tx}], type: [{query: kind}]}
)",
                                     RequestBuilder().Method("GET").Query("tx=a%20b&kind=paid&x="));
  EXPECT_EQ(event.conversion_error(), "");
  EXPECT_EQ(event.dedup_key(), "a b");
  EXPECT_EQ(event.type(), "paid");
  EXPECT_EQ(Text(event, "tx"), "a b");
  EXPECT_EQ(event.raw().method(), "GET");
  EXPECT_EQ(event.raw().body(), "tx=a%20b&kind=paid&x=");
}

}  // namespace
}  // namespace hookbridge
