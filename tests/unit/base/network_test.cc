#include "server/base/network.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

bool Contains(std::string_view network, std::string_view address) {
  return AnyContains({*Network::Parse(network)}, address);
}

TEST(NetworkTest, HoldsWhatSharesItsPrefix) {
  EXPECT_TRUE(Contains("192.0.2.0/24", "192.0.2.0"));
  EXPECT_TRUE(Contains("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(Contains("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(Contains("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(Contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Contains("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(Contains("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(Contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(Contains("::/0", "2001:db8::1"));
}

TEST(NetworkTest, Ipv4AndItsMappedFormAreOne) {
  EXPECT_TRUE(Contains("192.0.2.0/24", "::ffff:192.0.2.7"));
  EXPECT_TRUE(Contains("::ffff:192.0.2.0/120", "192.0.2.7"));
}

TEST(NetworkTest, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
                           "192.0.2.0/8x", "192.0.2.1/24", "2001:db8::/129", "2001:db8::1/64",
                           "[::1]", "::1%lo", "192.0.2.0 /24", "192.0.2.0/24/8"}) {
    EXPECT_FALSE(Network::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(AnyContains({*Network::Parse("::/0")}, "unix:")) << "no address is in no network";
  EXPECT_FALSE(AnyContains({}, "192.0.2.1"));
}

}  // namespace
}  // namespace hookbridge
