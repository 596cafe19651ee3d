#include "client/hookctl/captured_request.h"

#include <gtest/gtest.h>

namespace hookbridge::hookctl {
namespace {

// Target, repeats of headers and the body's bytes come through; both line ends are taken.
TEST(CapturedRequestTest, ReadsHeadAndBody) {
  for (const std::string end : {"\r\n", "\n"}) {
    const auto request = ParseCapturedRequest("POST /hooks/po/tok?x=1 HTTP/1.1" + end + "A:  1 " +
                                              end + "a: 2" + end + end + "body\n");
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->source, "po");
    EXPECT_EQ(request->token, "tok");
    EXPECT_EQ(request->query, "x=1");
    EXPECT_EQ(request->CountHeader("A"), 2u);
    EXPECT_EQ(request->FindHeader("a")->value, "1");
    EXPECT_EQ(request->body, "body\n");
  }
}

// Header views stay good when the request moves.
TEST(CapturedRequestTest, HeadersSurviveAMove) {
  auto request = ParseCapturedRequest("POST / HTTP/1.1\nName: value\n\n");
  ASSERT_TRUE(request.ok());
  const WebhookRequest moved = *std::move(request);
  EXPECT_EQ(moved.FindHeader("name")->value, "value");
}

// An editor's line end behind the body is cut; a body that is too short is told.
TEST(CapturedRequestTest, ContentLengthDecides) {
  const std::string head = "POST / HTTP/1.1\nContent-Length: 4\n\n";
  EXPECT_EQ(ParseCapturedRequest(head + "body\n")->body, "body");
  EXPECT_FALSE(ParseCapturedRequest(head + "bod").ok());
}

struct BadCase {
  const char* name;
  const char* bytes;
};

class BadCaptureTest : public ::testing::TestWithParam<BadCase> {};

// What is no request is refused instead of explained wrongly.
TEST_P(BadCaptureTest, IsRefused) {
  EXPECT_EQ(ParseCapturedRequest(GetParam().bytes).status().code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCaptureTest,
    ::testing::Values(BadCase{"Empty", ""}, BadCase{"NoVersion", "POST /\n\n"},
                      BadCase{"OneWord", "HTTP/1.1\n\n"},
                      BadCase{"NoColon", "POST / HTTP/1.1\nname\n\n"},
                      BadCase{"NoName", "POST / HTTP/1.1\n: value\n\n"},
                      BadCase{"NoBlankLine", "POST / HTTP/1.1\nA: 1\n"},
                      BadCase{"Chunked", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n\n"},
                      BadCase{"BadLength", "POST / HTTP/1.1\nContent-Length: x\n\n"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hookbridge::hookctl
