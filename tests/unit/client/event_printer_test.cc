#include "client/hookctl/event_printer.h"

#include <google/protobuf/util/json_util.h>

#include <gtest/gtest.h>

#include <sstream>

namespace hookbridge::hookctl {
namespace {

v1::Event SampleEvent() {
  v1::Event event;
  event.set_id("id-1");
  event.set_source("po");
  event.set_type("paid");
  event.set_dedup_key("key");
  event.set_sequence(7);
  event.mutable_append_time()->set_seconds(1'700'000'000);
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      R"({"a":{"b/c":[1,"two"]},"~":true,"n":null})", event.mutable_json());
  EXPECT_TRUE(parsed.ok());
  return event;
}

std::string Line(const v1::Event& event, const LineFormat& format) {
  std::ostringstream out;
  PrintEventLine(event, format, out);
  return out.str();
}

// One line with what an operator looks for, and no colour unless asked.
TEST(EventPrinterTest, PrintsOneLine) {
  EXPECT_EQ(Line(SampleEvent(), {.color = false, .fields = {"/a/b~1c/1"}}),
            "7  2023-11-14T22:13:20.000Z  po  paid  id-1  key  /a/b~1c/1=two\n");
  EXPECT_NE(Line(SampleEvent(), {.color = true, .fields = {}}).find("\x1b["), std::string::npos);
}

// A sender's bytes cannot steer the terminal.
TEST(EventPrinterTest, EscapesControlCharacters) {
  v1::Event event = SampleEvent();
  event.set_type("a\x1b[31mb\nc");
  const std::string line = Line(event, {.color = false, .fields = {}});
  EXPECT_NE(line.find("a\\x1b[31mb\\x0ac"), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

struct FieldCase {
  const char* name;
  const char* pointer;
  const char* text;
};

class FieldTextTest : public ::testing::TestWithParam<FieldCase> {};

// JSON Pointers as RFC 6901 has them; what does not exist is `-`.
TEST_P(FieldTextTest, FollowsThePointer) {
  EXPECT_EQ(FieldText(SampleEvent(), GetParam().pointer), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    All, FieldTextTest,
    ::testing::Values(FieldCase{"Escaped", "/a/b~1c/0", "1"}, FieldCase{"Tilde", "/~0", "true"},
                      FieldCase{"List", "/a/b~1c", "[1,\"two\"]"}, FieldCase{"Null", "/n", "null"},
                      FieldCase{"Absent", "/x", "-"}, FieldCase{"PastTheEnd", "/a/b~1c/2", "-"},
                      FieldCase{"NotAnIndex", "/a/b~1c/x", "-"}, FieldCase{"NoSlash", "a", "-"},
                      FieldCase{"IntoAScalar", "/~0/x", "-"}),
    [](const auto& test) { return test.param.name; });

// Views by their word in any case; others are refused.
TEST(EventPrinterTest, ReadsViews) {
  EXPECT_EQ(*ParseView("full"), v1::PAYLOAD_VIEW_FULL);
  EXPECT_EQ(*ParseView("RAW"), v1::PAYLOAD_VIEW_RAW);
  EXPECT_FALSE(ParseView("unspecified").ok());
  EXPECT_FALSE(ParseView("").ok());
}

}  // namespace
}  // namespace hookbridge::hookctl
