#include "server/body/fields.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/body/format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {
namespace {

using namespace config::v1;

using testing::SizeIs;
using testing::StartsWith;

TEST(FieldsTest, OfAFormAreDecodedAndAsTheyCame) {
  std::vector<BodyField> fields;
  ASSERT_TRUE(ReadFields(BODY_FORMAT_FORM, "a%20b=1+2&c", "", fields).ok());
  ASSERT_THAT(fields, SizeIs(2));
  EXPECT_EQ(fields[0].name, "a b");
  EXPECT_EQ(fields[0].value, "1 2");
  EXPECT_EQ(fields[0].encoded_name, "a%20b");
  EXPECT_EQ(fields[0].encoded_value, "1+2");
  EXPECT_EQ(fields[1].value, "");
}

TEST(FieldsTest, OfAMultipartBodyHaveTheirFiles) {
  std::vector<BodyField> fields;
  const std::string_view body =
      "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x\r\n"
      "Content-Disposition: form-data; name=f; filename=g\r\nContent-Type: a/b\r\n\r\n2\r\n--x--";
  ASSERT_TRUE(
      ReadFields(BODY_FORMAT_MULTIPART, body, "multipart/form-data; boundary=x", fields).ok());
  ASSERT_THAT(fields, SizeIs(2));
  EXPECT_FALSE(fields[0].is_file);
  EXPECT_EQ(fields[0].value, "1");
  EXPECT_TRUE(fields[1].is_file);
  EXPECT_EQ(fields[1].filename, "g");
  EXPECT_EQ(fields[1].content_type, "a/b");
  EXPECT_EQ(fields[1].value, "2");
}

TEST(FieldsTest, FaultsSayWhatTheyAre) {
  std::vector<BodyField> fields;
  const auto word = [&](BodyFormat format, std::string_view body) {
    return std::string(ToStd(ReadFields(format, body, "multipart/form-data", fields).message()));
  };
  EXPECT_THAT(word(BODY_FORMAT_FORM, "a=1&b=%"), StartsWith("form_syntax: "));
  EXPECT_THAT(fields, SizeIs(1)) << "what stands before the fault";
  std::string many;
  for (size_t i = 0; i <= limits::kFormFieldsMax; ++i) many += "a&";
  EXPECT_THAT(word(BODY_FORMAT_FORM, many), StartsWith("form_fields: "));
  EXPECT_THAT(word(BODY_FORMAT_MULTIPART, "--x--"), StartsWith("multipart_syntax: "));
  EXPECT_EQ(word(BODY_FORMAT_JSON, "a=1"), "") << "has no fields";
}

TEST(FieldsTest, TheOnlyOneOfItsName) {
  std::vector<BodyField> fields;
  ASSERT_TRUE(ReadFields(BODY_FORMAT_FORM, "a=1&b=2&b=3", "", fields).ok());
  EXPECT_EQ(FindOnly(fields, "a"), &fields[0]);
  EXPECT_EQ(FindOnly(fields, "b"), nullptr);
  EXPECT_EQ(FindOnly(fields, "c"), nullptr);
}

TEST(FormatTest, IsTheRecipesOrTheContentTypes) {
  Recipe recipe;
  EXPECT_EQ(FormatOf(recipe, "POST", "text/xml"), BODY_FORMAT_JSON);
  recipe.set_body_format(BODY_FORMAT_TEXT);
  EXPECT_EQ(FormatOf(recipe, "POST", "application/json"), BODY_FORMAT_TEXT);
  recipe.set_body_format(BODY_FORMAT_BY_CONTENT_TYPE);
  EXPECT_EQ(FormatOf(recipe, "POST", "Application/X-WWW-Form-Urlencoded; charset=utf-8"),
            BODY_FORMAT_FORM);
  EXPECT_EQ(FormatOf(recipe, "POST", "multipart/form-data; boundary=x"), BODY_FORMAT_MULTIPART);
  for (const char* const xml :
       {"text/xml", " application/xml ;charset=utf-8", "application/soap+xml"}) {
    EXPECT_EQ(FormatOf(recipe, "POST", xml), BODY_FORMAT_XML) << xml;
  }
  EXPECT_EQ(FormatOf(recipe, "POST", "text/html"), BODY_FORMAT_TEXT);
  EXPECT_EQ(FormatOf(recipe, "POST", "application/octet-stream"), BODY_FORMAT_BINARY);
  for (const char* const json :
       {"", "application/json", "text/plain", "application/vnd.x+json", ";"}) {
    EXPECT_EQ(FormatOf(recipe, "POST", json), BODY_FORMAT_JSON) << json;
  }
  EXPECT_EQ(FormatOf(recipe, "GET", ""), BODY_FORMAT_JSON);
  recipe.set_events_by_get(true);
  EXPECT_EQ(FormatOf(recipe, "GET", "application/json"), BODY_FORMAT_FORM) << "the query";
  EXPECT_EQ(FormatOf(recipe, "POST", "application/json"), BODY_FORMAT_JSON);
}

}  // namespace
}  // namespace hookbridge
