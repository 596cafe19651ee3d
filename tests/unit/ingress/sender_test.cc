#include "server/ingress/internal/sender.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

std::string_view Sender(std::string_view peer, const std::vector<HeaderLine>& headers) {
  static const std::vector<Network> kProxies = {*Network::Parse("10.0.0.0/8"),
                                                *Network::Parse("2001:db8::/32")};
  return SenderAddress(kProxies, peer, headers);
}

HeaderLine Forwarded(std::string_view value) { return {.name = "x-forwarded-for", .value = value}; }

TEST(SenderTest, OnlyATrustedProxyIsBelieved) {
  EXPECT_EQ(Sender("192.0.2.1", {Forwarded("198.51.100.1")}), "192.0.2.1");
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("198.51.100.1")}), "198.51.100.1");
  EXPECT_EQ(Sender("2001:db8::1", {Forwarded("2001:db9::1")}), "2001:db9::1");
  EXPECT_EQ(Sender("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(SenderAddress({}, "10.0.0.1", {}), "10.0.0.1");
}

TEST(SenderTest, TheLastThatIsNoProxyCountsAndNotWhatTheSenderWrote) {
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("203.0.113.7, 198.51.100.1 ,10.0.0.2")}), "198.51.100.1");
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("203.0.113.7"), Forwarded("198.51.100.1")}),
            "198.51.100.1")
      << "several lines are one list";
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("10.0.0.3, 10.0.0.2")}), "10.0.0.3");
}

TEST(SenderTest, WhatIsNoAddressEndsTheSearchAtAProxy) {
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("unknown")}), "10.0.0.1");
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("198.51.100.1, , 10.0.0.2")}), "10.0.0.2");
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("")}), "10.0.0.1");
  EXPECT_EQ(Sender("10.0.0.1", {Forwarded("198.51.100.1:443")}), "10.0.0.1");
}

}  // namespace
}  // namespace hookbridge
