#include "server/ingress/internal/head.h"

#include "server/base/strings.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

constexpr HeadLimits kLimits{.target_bytes_max = 64, .header_lines_max = 5};

std::variant<Head, HeadRefusal> Read(const std::string& text) {
  static std::string kept;  // heads view it
  kept = text;
  return ReadHead(kept, kLimits);
}

int Status(const std::string& text) {
  const auto read = Read(text);
  const auto* const refusal = std::get_if<HeadRefusal>(&read);
  return refusal == nullptr ? 200 : refusal->status;
}

std::string Lines(const std::string& request_line, const std::vector<std::string>& fields) {
  std::string text = request_line + "\r\n";
  for (const std::string& field : fields) text += field + "\r\n";
  return text + "\r\n";
}

std::string Post(const std::vector<std::string>& fields) {
  return Lines("POST /hooks/a HTTP/1.1", fields);
}

TEST(HeadTest, ReadsARequest) {
  const auto read =
      Read(Post({"Host: example.org", "Content-Length: 12", "X-A:  \tb c\t ", "x-a: é"}));
  const Head& head = std::get<Head>(read);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/hooks/a");
  ASSERT_EQ(head.headers.size(), 4u);
  EXPECT_EQ(head.headers[2].name, "X-A");
  EXPECT_EQ(head.headers[2].value, "b c");
  EXPECT_EQ(head.headers[3].value, "é");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive && head.has_body() && !head.chunked && !head.expect_continue);
}

TEST(HeadTest, KnowsWhatConnectionsDo) {
  const auto keeps = [](const std::string& text) { return std::get<Head>(Read(text)).keep_alive; };
  EXPECT_TRUE(keeps(Post({"Host: a"})));
  EXPECT_FALSE(keeps(Post({"Host: a", "Connection: x, Close"})));
  EXPECT_FALSE(keeps(Lines("GET /livez HTTP/1.0", {})));
  EXPECT_TRUE(keeps(Lines("GET /livez HTTP/1.0", {"Connection: keep-alive"})));
  EXPECT_FALSE(
      keeps(Lines("GET /livez HTTP/1.0", {"Connection: keep-alive", "Connection: close"})));
}

// Where proxies and servers are known to differ about where a request ends.
TEST(HeadTest, RefusesEverySmugglingShape) {
  const std::vector<std::vector<std::string>> shapes = {
      {"Host: a", "Content-Length: 5", "Content-Length: 5"},
      {"Host: a", "Content-Length: 5", "Content-Length: 6"},
      {"Host: a", "Content-Length: 5, 5"},
      {"Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"},
      {"Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"},
      {"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
      {"Host: a", "Transfer-Encoding: gzip, chunked"},
      {"Host: a", "Transfer-Encoding: chunked, identity"},
      {"Host: a", "Transfer-Encoding: identity"},
      {"Host: a", "Transfer-Encoding: \vchunked"},
      {"Host: a", "Transfer-Encoding:"},
      {"Host: a", "Transfer-Encoding : chunked"},
      {"Host: a", "Content-Length : 5"},
      {"Host: a", "Content-Length: +5"},
      {"Host: a", "Content-Length: -5"},
      {"Host: a", "Content-Length: 0x5"},
      {"Host: a", "Content-Length: 5 5"},
      {"Host: a", "Content-Length:"},
      {"Host: a", "Content-Length: 9999999999999999999"},
      {"Host: a", "X: 1", " folded"},
      {"Host: a", "X: 1", "\tfolded"},
      {"Host: a", "X: a\nTransfer-Encoding: chunked"},
      {"Host: a", "X: a\rContent-Length: 5"},
      {"Host: a", std::string("X: a\0b", 6)},
      {"Host: a", "X: \x7f"},
      {"Host: a", "no colon"},
      {"Host: a", ": no name"},
      {"Host: a", "X\xc3: 1"},
      {"Host: a", "Host: a"},
      {},
  };
  for (const auto& fields : shapes) EXPECT_EQ(Status(Post(fields)), 400) << Post(fields);
  EXPECT_EQ(Status("POST / HTTP/1.1\nHost: a\n\n"), 400);
  EXPECT_EQ(Status("POST / HTTP/1.1\r\nHost: a\n\r\n"), 400);
  EXPECT_EQ(Status(Lines("POST / HTTP/1.0", {"Transfer-Encoding: chunked"})), 400);
}

TEST(HeadTest, RefusesOtherRequestLines) {
  EXPECT_EQ(Status(Lines("POST  / HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST /  HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines(" POST / HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST\t/ HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("P@ST / HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST / http/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST / HTTP/1.1 ", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST /", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST ftp://a/ HTTP/1.1", {"Host: a"})), 400) << "another scheme";
  EXPECT_EQ(Status(Lines("POST http:///x HTTP/1.1", {"Host: a"})), 400) << "no authority";
  EXPECT_EQ(Status(Lines("POST http://u@a/ HTTP/1.1", {"Host: a"})), 400) << "a user";
  EXPECT_EQ(Status(Lines("CONNECT a:443 HTTP/1.1", {"Host: a"})), 400) << "authority form";
  EXPECT_EQ(Status(Lines("OPTIONS * HTTP/1.1", {"Host: a"})), 400) << "asterisk form";
  EXPECT_EQ(Status(Lines("POST /a#b HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST /\xc3\xa9 HTTP/1.1", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST / HTTP/2.0", {"Host: a"})), 505);
  EXPECT_EQ(Status(Lines("POST / HTTP/1.2", {"Host: a"})), 505);
  EXPECT_EQ(Status(Lines("POST / HTTP/1.1", {"Host: a", "Expect: 200-ok"})), 417);
}

// RFC 9112 section 3.2.2: a server accepts the absolute form, whose path is the target.
TEST(HeadTest, ReadsTheAbsoluteForm) {
  const auto target = [](const std::string& absolute) {
    const auto read = Read(Lines("POST " + absolute + " HTTP/1.1", {"Host: other"}));
    return std::string(std::get<Head>(read).target);
  };
  EXPECT_EQ(target("http://hooks.example:8080/hooks/a?x=1"), "/hooks/a?x=1");
  EXPECT_EQ(target("HTTPS://[2001:db8::1]/hooks/a"), "/hooks/a");
  EXPECT_EQ(target("http://hooks.example"), "/");
  EXPECT_EQ(Status(Lines("POST http://hooks.example?x HTTP/1.1", {"Host: a"})), 400);
}

// RFC 9112 section 3.2, RFC 3986 section 3.2.2.
TEST(HeadTest, AHostIsAHost) {
  for (const std::string host : {"a", "a.example", "a_b.example", "127.0.0.1:80", "[::1]",
                                 "[::1]:8080", "a:", "", "caf%C3%A9", "a~b!$&'()*+,;=c"}) {
    EXPECT_EQ(Status(Post({"Host: " + host})), 200) << host;
  }
  for (const std::string host : {"a b", "a/b", "u@a", "a,b:x", "[::1", "[]", "[::1]x", "a:b",
                                 "a:123456", "a%2", "a?b", "a\"b", "a<b", "caf\xc3\xa9", "a:1:2"}) {
    EXPECT_EQ(Status(Post({"Host: " + host})), 400) << host;
  }
}

// RFC 1945 section 8.3: where neither a length nor a coding says where the body ends, it would be
// lost.
TEST(HeadTest, AnOldPostNeedsItsLength) {
  EXPECT_EQ(Status(Lines("POST /hooks/a HTTP/1.0", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("PUT /hooks/a HTTP/1.0", {"Host: a"})), 400);
  EXPECT_EQ(Status(Lines("POST /hooks/a HTTP/1.0", {"Content-Length: 0"})), 200);
  EXPECT_EQ(Status(Lines("GET /livez HTTP/1.0", {})), 200);
}

// An operator learns which rule was broken, by whom and how far the head was read.
TEST(HeadTest, ARefusalSaysWhichRuleWasBroken) {
  const auto read = Read(Post({"Host: a", "X-A: 1", " folded", "X-B: 2"}));
  const auto& refusal = std::get<HeadRefusal>(read);
  EXPECT_EQ(refusal.rule, "a header line is folded");
  EXPECT_EQ(refusal.target, "/hooks/a");
  EXPECT_EQ(refusal.header_names, (std::vector<std::string_view>{"Host", "X-A"}));
  const auto early = Read(Lines("POST /hooks/a HTTP/3", {"Host: a"}));
  EXPECT_EQ(std::get<HeadRefusal>(early).rule, "the version is neither 1.0 nor 1.1");
  EXPECT_EQ(std::get<HeadRefusal>(early).target, "/hooks/a");
}

TEST(HeadTest, LimitsHoldExactly) {
  const auto target = [](size_t bytes) {
    return Lines(StrCat("POST /", std::string(bytes - 1, 'a'), " HTTP/1.1"), {"Host: a"});
  };
  EXPECT_EQ(Status(target(kLimits.target_bytes_max)), 200);
  EXPECT_EQ(Status(target(kLimits.target_bytes_max + 1)), 414);
  const auto lines = [](size_t count) {
    std::vector<std::string> fields{"Host: a"};
    while (fields.size() < count) fields.push_back("X: 1");
    return Post(fields);
  };
  EXPECT_EQ(Status(lines(kLimits.header_lines_max)), 200);
  EXPECT_EQ(Status(lines(kLimits.header_lines_max + 1)), 431);
}

TEST(HeadTest, SeesExpectationsAndChunks) {
  const auto head = [](const std::vector<std::string>& fields) {
    return std::get<Head>(Read(Post(fields)));
  };
  EXPECT_TRUE(head({"Host: a", "Expect: 100-Continue", "Content-Length: 1"}).expect_continue);
  EXPECT_TRUE(head({"Host: a", "Transfer-Encoding: Chunked"}).chunked);
}

}  // namespace
}  // namespace hookbridge
