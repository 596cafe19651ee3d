#include "client/hookctl/http_client.h"

#include <gtest/gtest.h>

namespace hookbridge::hookctl {
namespace {

// The parts of a URL and the defaults of its scheme.
TEST(ParseUrlTest, SplitsUrls) {
  const auto plain = ParseUrl("http://127.0.0.1:8080/hooks/demo?a=b");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->path, "/hooks/demo");
  EXPECT_EQ(plain->query, "a=b");
  const auto tls = ParseUrl("https://[::1]");
  ASSERT_TRUE(tls.ok());
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->host, "::1");
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->path, "/");
  EXPECT_EQ(ParseUrl("http://h:65535")->port, 65535);
}

// What could reach another host than meant is refused.
TEST(ParseUrlTest, RefusesOthers) {
  for (const char* bad : {"", "h:80", "ftp://h", "http://", "http://h:0", "http://h:65536",
                          "http://h:x", "http://user@h/", "http://:80"}) {
    EXPECT_FALSE(ParseUrl(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace hookbridge::hookctl
