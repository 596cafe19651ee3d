#include "server/base/https_url.h"

#include "server/base/crc32.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

TEST(HttpsUrlTest, ReadsHostAndTarget) {
  const auto url = ParseHttpsUrl("https://sns.us-east-1.amazonaws.com/a/b.pem?x=1&y=a:b%20");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "sns.us-east-1.amazonaws.com");
  EXPECT_EQ(url->target, "/a/b.pem?x=1&y=a:b%20");
  EXPECT_TRUE(ParseHttpsUrl("https://localhost/"));
}

// What two readers could take for two hosts is no URL.
TEST(HttpsUrlTest, KnowsOneShapeAlone) {
  for (const std::string_view url : {"",
                                     "https://",
                                     "https:///",
                                     "https://a.example",
                                     "http://a.example/",
                                     "HTTPS://a.example/",
                                     "https:/a.example/",
                                     "//a.example/",
                                     "https://a.example:443/",
                                     "https://a.example:/",
                                     "https://u@a.example/",
                                     "https://u:p@a.example/",
                                     "https://a.example@evil.example/",
                                     "https://A.example/",
                                     "https://a.example./",
                                     "https://.a.example/",
                                     "https://a..example/",
                                     "https://-a.example/",
                                     "https://a-.example/",
                                     "https://a_b.example/",
                                     "https://[::1]/",
                                     "https://127.0.0.1/",
                                     "https://2130706433/",
                                     "https://0x7f.1/x y",
                                     "https://a.example\\@b/",
                                     "https://a.example\\/",
                                     "https://a%2eexample/",
                                     "https://a.example/#f",
                                     "https://a.example/\n",
                                     "https://a.example/\t",
                                     "https://a.example/\x7f",
                                     "https://a.example/\xc3\xa9",
                                     "https://a.example/\"",
                                     "https://a.example/<",
                                     "https://a.example/|",
                                     "https://b\xc3\xbc.example/",
                                     " https://a.example/",
                                     "https://a.example?/x",
                                     "https://a.example#/x"}) {
    EXPECT_FALSE(ParseHttpsUrl(url)) << url;
  }
  EXPECT_FALSE(ParseHttpsUrl(std::string("https://a.example/\0x", 20)));
}

TEST(HttpsUrlTest, IsBounded) {
  const std::string begin = "https://a.example/";
  const std::string most = begin + std::string(limits::kUrlBytesMax - begin.size(), 'x');
  EXPECT_TRUE(ParseHttpsUrl(most));
  EXPECT_FALSE(ParseHttpsUrl(most + "x"));
  EXPECT_TRUE(ParseHttpsUrl(StrCat("https://", std::string(63, 'a'), ".example/")));
  EXPECT_FALSE(ParseHttpsUrl(StrCat("https://", std::string(64, 'a'), ".example/")));
}

TEST(Crc32Test, IsTheOneOfZlib) {
  EXPECT_EQ(Crc32(""), 0u);
  EXPECT_EQ(Crc32("123456789"), 0xcbf43926u);
}

}  // namespace
}  // namespace hookbridge
