#include "server/base/open_files.h"

#include "server/base/config.h"
#include "server/base/limits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/resource.h>

namespace hookbridge {
namespace {

config::v1::Config WithConnections(uint32_t ingress, uint32_t grpc) {
  config::v1::Config config;
  config.mutable_ingress()->set_connections_max(ingress);
  config.mutable_grpc()->set_connections_max(grpc);
  ApplyDefaults(&config);
  return config;
}

// What the connections may have leaves the journal its files, to the last one.
TEST(OpenFilesTest, ConnectionsFitExactly) {
  config::v1::Config config = WithConnections(1'000, 100);
  const uint64_t needed = 1'000 + 3 * 100 + limits::kReservedFiles;
  EXPECT_EQ(OpenFilesNeeded(config), needed);
  EXPECT_EQ(FitConnections(needed, &config), std::nullopt);
  EXPECT_EQ(config.ingress().connections_max(), 1'000u);
  const auto warning = FitConnections(needed - 1, &config);
  ASSERT_TRUE(warning.has_value());
  EXPECT_EQ(config.ingress().connections_max(), 999u);
  EXPECT_THAT(*warning, testing::HasSubstr("LimitNOFILE=1812"));
}

TEST(OpenFilesTest, OneAddressHasNoMoreThanAll) {
  config::v1::Config config = WithConnections(4'000, 100);
  EXPECT_EQ(config.ingress().connections_per_address_max(), 1'000u);
  EXPECT_TRUE(FitConnections(3 * 100 + limits::kReservedFiles + 500, &config).has_value());
  EXPECT_EQ(config.ingress().connections_max(), 500u);
  EXPECT_EQ(config.ingress().connections_per_address_max(), 500u);
  EXPECT_TRUE(FitConnections(1, &config).has_value());
  EXPECT_EQ(config.ingress().connections_max(), 16u) << "some are left however few files there are";
}

// The soft limit follows what is needed and never goes down.
TEST(OpenFilesTest, RaisesTheSoftLimitToWhatIsNeeded) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(ReachableOpenFilesLimit(300), 300u);
  EXPECT_EQ(RaiseOpenFilesLimit(300), 300u);
  rlimit raised{};
  getrlimit(RLIMIT_NOFILE, &raised);
  EXPECT_EQ(raised.rlim_cur, 300u);
  EXPECT_EQ(RaiseOpenFilesLimit(100), 300u);
  EXPECT_EQ(RaiseOpenFilesLimit(UINT64_MAX), before.rlim_max) << "no further than the hard limit";
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace hookbridge
