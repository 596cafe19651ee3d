#include "server/verify/gate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hookbridge {
namespace {

using testing::HasSubstr;

// Empty: may come in.
std::string Refusal(const GateOptions& options, const std::vector<HeaderLine>& headers,
                    std::string_view address = "192.0.2.1",
                    const std::vector<std::string>& client_names = {}) {
  const auto gate = Gate::Create(options);
  EXPECT_TRUE(gate.ok()) << gate.status();
  return gate
      ->Refusal({.remote_address = address, .headers = headers, .client_names = client_names})
      .value_or("");
}

TEST(GateTest, AnOpenGateLetsAllIn) { EXPECT_EQ(Refusal({}, {}), ""); }

TEST(GateTest, OnlyAllowedNetworks) {
  const GateOptions options{.allow_networks = {"198.51.100.0/24", "192.0.2.1"}};
  EXPECT_EQ(Refusal(options, {}), "");
  EXPECT_EQ(Refusal(options, {}, "198.51.100.9"), "");
  EXPECT_THAT(Refusal(options, {}, "192.0.2.2"), HasSubstr("allow_networks"));
  EXPECT_THAT(Refusal(options, {}, ""), HasSubstr("allow_networks"));
}

TEST(GateTest, BasicCredentialsOnceAndExact) {
  const GateOptions options{.basic = "adyen:pass:word"};
  const HeaderLine good{.name = "authorization", .value = "Basic YWR5ZW46cGFzczp3b3Jk"};
  EXPECT_EQ(Refusal(options, {good}), "");
  EXPECT_EQ(Refusal(options, {}), "no Authorization");
  EXPECT_EQ(Refusal(options, {good, good}), "Authorization is there twice");
  EXPECT_EQ(Refusal(options, {{.name = "Authorization", .value = "Basic YWR5ZW46cGFzczp3b3Jl"}}),
            "Authorization does not match");
  EXPECT_EQ(Refusal(options, {{.name = "Authorization", .value = "YWR5ZW46cGFzczp3b3Jk"}}),
            "Authorization does not match");
}

TEST(GateTest, AHeaderWithASecretValue) {
  const GateOptions options{.header_name = "X-Secret", .header_value = "s3cret"};
  EXPECT_EQ(Refusal(options, {{.name = "x-secret", .value = "s3cret"}}), "");
  const std::string wrong = Refusal(options, {{.name = "x-secret", .value = "s3creT"}});
  EXPECT_EQ(wrong, "X-Secret does not match");
  EXPECT_EQ(Refusal(options, {{.name = "X-Secret2", .value = "s3cret"}}), "no X-Secret");
}

TEST(GateTest, ANameOfTheClientCertificate) {
  const GateOptions options{.client_names = {"hooks.provider.example"}};
  EXPECT_EQ(Refusal(options, {}, "", {"other", "hooks.provider.example"}), "");
  EXPECT_EQ(Refusal(options, {}), "no client certificate");
  EXPECT_THAT(Refusal(options, {}, "", {"other", "HOOKS.provider.example.evil"}),
              HasSubstr("client_names"));
}

TEST(GateTest, AllThatIsSetMustHold) {
  const GateOptions options{
      .allow_networks = {"192.0.2.1"}, .header_name = "X-Secret", .header_value = "s3cret"};
  const HeaderLine good{.name = "X-Secret", .value = "s3cret"};
  EXPECT_EQ(Refusal(options, {good}), "");
  EXPECT_NE(Refusal(options, {good}, "192.0.2.2"), "");
  EXPECT_NE(Refusal(options, {}), "");
}

TEST(GateTest, ConditionsThatCannotWorkAreRefusedWithoutTheSecret) {
  const auto status = [](GateOptions options) { return Gate::Create(std::move(options)).status(); };
  EXPECT_THAT(status({.allow_networks = {"192.0.2.1/24"}}).message(), HasSubstr("allow_networks"));
  EXPECT_THAT(status({.basic = "s3cret"}).message(), HasSubstr("user:password"));
  EXPECT_THAT(status({.basic = "user:s3cret "}).message(), HasSubstr("blank"));
  EXPECT_THAT(status({.header_name = "X-Secret"}).message(), HasSubstr("name and a value"));
  EXPECT_THAT(status({.basic = "user:s3cret "}).message(), testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace hookbridge
