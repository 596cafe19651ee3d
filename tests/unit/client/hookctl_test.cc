#include "client/hookctl/command.h"
#include "tests/support/signed_samples.h"
#include "tests/support/test_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace hookbridge::hookctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FixedClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
};

class HookctlTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string_view> arguments) {
    out_.str("");
    err_.str("");
    Environment environment{.out = out_,
                            .err = err_,
                            .color = false,
                            .clock = clock_,
                            .variable = [](const std::string&) { return std::string(); }};
    return RunHookctl(arguments, environment);
  }

  // A file of this test with the content; its path.
  std::string WriteFile(const std::string& name, const std::string& content) {
    const std::string path = ::testing::TempDir() + "hookctl_test_" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  FixedClock clock_;
  std::ostringstream out_;
  std::ostringstream err_;
};

// Help teaches: all commands, where to begin, and the exit codes.
TEST_F(HookctlTest, HelpTeaches) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  for (const char* word : {"send", "tail", "events list", "events get", "sources", "return-url",
                           "verify", "presets list", "Exit codes", "HOOKBRIDGE_GRPC"}) {
    EXPECT_THAT(out_.str(), HasSubstr(word));
  }
}

// Each command explains itself with an example.
TEST_F(HookctlTest, EveryCommandHasHelpWithAnExample) {
  const std::vector<std::vector<std::string_view>> commands = {
      {"send"},   {"tail"},       {"events", "list"},  {"events", "get"},  {"sources"},
      {"verify"}, {"return-url"}, {"presets", "list"}, {"presets", "show"}};
  for (std::vector<std::string_view> command : commands) {
    command.push_back("--help");
    EXPECT_EQ(Run(command), kExitOk) << command[0];
    EXPECT_THAT(out_.str(), HasSubstr("\n  hookctl ")) << command[0];
  }
}

// A mistyped command is a usage error that names the near one.
TEST_F(HookctlTest, UnknownCommandIsAUsageError) {
  EXPECT_EQ(Run({"tial"}), kExitUsage);
  EXPECT_EQ(Run({"sned", "stripe"}), kExitUsage);
  EXPECT_EQ(Run({"sour"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean 'sources'?"));
  EXPECT_EQ(Run({}), kExitUsage);
}

// The block is what Payment Options takes, with the token in the webhook URL alone.
TEST_F(HookctlTest, ReturnUrlPrintsTheBlock) {
  EXPECT_EQ(Run({"return-url", "--source", "po", "--base", "https://hooks.shop.example/", "--token",
                 "inline:t0ken", "--shop", "https://shop.example/pay"}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(out_.str(), R"({
  "return_url": {
    "webhook_url": "https://hooks.shop.example/hooks/po/t0ken",
    "success_url": "https://shop.example/pay/success",
    "decline_url": "https://shop.example/pay/decline",
    "cancel_url": "https://shop.example/pay/cancel"
  }
}
)");
}

// A token in a URL without TLS, one that a path would escape, and a URL over the limit of Payment
// Options are refused; the one at the limit is not.
TEST_F(HookctlTest, ReturnUrlRefusesWhatWouldNotWork) {
  const auto run = [this](std::string_view base, std::string_view token) {
    return Run({"return-url", "--source", "po", "--base", base, "--token", token});
  };
  EXPECT_EQ(run("http://hooks.shop.example", "inline:t"), kExitUsage);
  EXPECT_EQ(run("https://hooks.shop.example", "inline:a/b"), kExitUsage);
  EXPECT_EQ(run("https://hooks.shop.example", "t0ken"), kExitUsage);
  EXPECT_THAT(err_.str(), Not(HasSubstr("t0ken")));
  const std::string fixed = "https://h.example/hooks/po/";
  const std::string fits = "inline:" + std::string(255 - fixed.size(), 'a');
  EXPECT_EQ(run("https://h.example", fits), kExitOk) << err_.str();
  EXPECT_EQ(run("https://h.example", fits + "a"), kExitUsage);
}

// An address without a listener has an exit code of its own.
TEST_F(HookctlTest, NoConnectionIsToldApart) {
  EXPECT_EQ(Run({"sources", "--grpc", "127.0.0.1:1"}), kExitNoConnection);
  EXPECT_EQ(Run({"tail", "--grpc", "127.0.0.1:1"}), kExitNoConnection);
  EXPECT_EQ(Run({"send", "stripe", "--url", "http://127.0.0.1:1/hooks/s", "--secret", "inline:x"}),
            kExitNoConnection)
      << err_.str();
}

// Flags that exclude each other, and faults that a scheme cannot show, are usage errors.
TEST_F(HookctlTest, RefusesContradictions) {
  EXPECT_EQ(Run({"tail", "--count", "1", "--until-caught-up"}), kExitUsage);
  EXPECT_EQ(Run({"tail", "--view", "everything"}), kExitUsage);
  EXPECT_EQ(Run({"send", "github", "--secret", "inline:x", "--stale"}), kExitUsage);
  EXPECT_EQ(Run({"send", "stripe", "--url", "http://127.0.0.1:1/hooks/s"}), kExitUsage);
  EXPECT_EQ(Run({"send", "no_such_preset", "--secret", "inline:x"}), kExitUsage);
  EXPECT_EQ(Run({"verify", "--preset", "github", "--secret", "inline:x"}), kExitUsage);
}

constexpr char kCapture[] =
    "POST /hooks/gh HTTP/1.1\r\n"
    "Content-Length: 7\r\n"
    "X-GitHub-Event: push\r\n"
    "X-GitHub-Delivery: d1\r\n"
    "X-Hub-Signature-256: sha256="
    "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d\r\n"
    "\r\n"
    "{\"a\":1}\n";

// A captured request is explained, and the secret shows nowhere, whether it verifies or not.
TEST_F(HookctlTest, VerifyExplainsWithoutTheSecret) {
  const std::string capture = WriteFile("capture", kCapture);
  EXPECT_EQ(
      Run({"verify", "--preset", "github", "--secret", "inline:s3cret", "--request", capture}),
      kExitOk)
      << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("authentic"));
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("s3cret")));

  EXPECT_EQ(Run({"verify", "--preset", "github", "--secret", "inline:0ther", "--request", capture}),
            kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("refused: signature_mismatch"));
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("0ther")));
  std::remove(capture.c_str());
}

// A preset with a handshake that wants a token is explained without it.
TEST_F(HookctlTest, VerifyNeedsNoHandshakeToken) {
  const std::string capture = WriteFile("capture", kCapture);
  EXPECT_EQ(Run({"verify", "--preset", "meta", "--secret", "inline:s3cret", "--request", capture}),
            kExitOk)
      << out_.str() << err_.str();
  std::remove(capture.c_str());
}

// The same request from its parts.
TEST_F(HookctlTest, VerifyTakesParts) {
  const std::string body = WriteFile("body", "{\"a\":1}");
  EXPECT_EQ(
      Run({"verify", "--preset", "github", "--secret", "inline:s3cret", "--body", body, "--header",
           "X-Hub-Signature-256: sha256="
           "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d",
           "--header", "X-GitHub-Delivery: d1"}),
      kExitOk)
      << out_.str() << err_.str();
  std::remove(body.c_str());
}

// What the bridge would fetch comes from a file, or is asked for.
TEST_F(HookctlTest, VerifyTakesACertificateFromAFile) {
  CertificateSpec spec{.names = {},
                       .not_before = clock_.Now() - absl::Hours(1),
                       .not_after = clock_.Now() + absl::Hours(1)};
  spec.authority = true;
  const TestCertificate authority(spec);
  spec.authority = false;
  spec.names = {"sns.amazonaws.com"};
  const TestCertificate certificate(spec, &authority);
  const std::string body = WriteFile("sns", SnsSample(clock_.Now()).Sign(certificate).Body());
  const std::string pem = WriteFile("pem", certificate.pem());
  const std::vector<std::string_view> command = {"verify", "--preset", "aws_sns", "--topic-arn",
                                                 kTopic,   "--body",   body};
  EXPECT_EQ(Run(command), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("refused: certificate_unavailable"));
  EXPECT_THAT(out_.str(), HasSubstr("--certificate"));
  auto with = command;
  with.insert(with.end(), {"--certificate", pem});
  EXPECT_EQ(Run(with), kExitOk) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("authentic, key certificate"));
  with.back() = body;
  EXPECT_EQ(Run(with), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("refused: certificate_untrusted"));
  with.back() = "/no/such/file";
  EXPECT_NE(Run(with), kExitOk);
  std::remove(body.c_str());
  std::remove(pem.c_str());
}

TEST_F(HookctlTest, VerifyTakesAResourceFromAFile) {
  const std::string body = WriteFile("mollie", "id=tr_1");
  const std::string resource = WriteFile("payment", R"({"resource":"payment","id":"tr_1"})");
  const std::vector<std::string_view> command = {
      "verify", "--preset", "mollie_classic", "--secret", "inline:live_s3cret", "--body", body};
  EXPECT_EQ(Run(command), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("--resource"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("s3cret")));
  auto with = command;
  with.insert(with.end(), {"--resource", resource});
  EXPECT_EQ(Run(with), kExitOk) << out_.str();
  with.back() = body;
  EXPECT_EQ(Run(with), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("refused: resource_unavailable"));
  std::remove(body.c_str());
  std::remove(resource.c_str());
}

TEST_F(HookctlTest, VerifyTakesAKeySetFromAFile) {
  const std::string body = WriteFile("plaid", "{}");
  const std::string keys =
      WriteFile("keys", R"({"key":{"kty":"EC","crv":"P-256","kid":"k",)"
                        R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}})");
  // {"alg":"ES256","kid":"k"} and {"iat":1700000000,"request_body_sha256": SHA-256 of {}}.
  const std::string header =
      "Plaid-Verification: eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ."
      "eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI0NDEzNmZhMzU1YjM2NzhhMTE0"
      "NmFkMTZmN2U4NjQ5ZTk0ZmI0ZmMyMWZlNzdlODMxMGMwNjBmNjFjYWFmZjhhIn0.AAAA";
  const std::vector<std::string_view> command = {"verify",
                                                 "--preset",
                                                 "plaid",
                                                 "--secret",
                                                 "inline:api_s3cret",
                                                 "--value",
                                                 "client_id=c",
                                                 "--body",
                                                 body,
                                                 "--header",
                                                 header,
                                                 "--now",
                                                 "2023-11-14T22:13:20Z"};
  EXPECT_EQ(Run(command), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("--key-set"));
  EXPECT_THAT(out_.str(), HasSubstr("refused: key_set_unavailable"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("s3cret")));
  auto with = command;
  with.insert(with.end(), {"--key-set", keys});
  EXPECT_EQ(Run(with), kExitRefused);
  EXPECT_THAT(out_.str(), HasSubstr("1 keys at hand"));
  EXPECT_THAT(out_.str(), HasSubstr("refused: signature_mismatch"));
  std::remove(body.c_str());
  std::remove(keys.c_str());
}

// An editor's line end at the end of a saved body is the usual cause of a mismatch.
TEST_F(HookctlTest, VerifyHintsAtALineEndThatAnEditorAdded) {
  // HMAC-SHA256 of `{}` with the key `s3cret`, by Python's hmac.
  const std::string header =
      "X-Hub-Signature-256: "
      "sha256=adbde1ce40c89c14215687d5d762a47df6dfaefcfad61e2e86718ffc8498571b";
  const auto verify = [&](const std::string& body) {
    return Run({"verify", "--preset", "github", "--secret", "inline:s3cret", "--body",
                WriteFile("body", body), "--header", header});
  };
  EXPECT_EQ(verify("{}"), kExitOk) << out_.str();
  EXPECT_THAT(out_.str(), Not(HasSubstr("hint")));
  for (const char* const body : {"{}\n", "{}\r\n"}) {
    EXPECT_EQ(verify(body), kExitRefused);
    EXPECT_THAT(out_.str(), HasSubstr("hint: authentic without the line end"));
  }
  EXPECT_EQ(verify("[]\n"), kExitRefused);
  EXPECT_THAT(out_.str(), Not(HasSubstr("hint")));
}

// A wrong secret of the right form can be signed with: what fails is the way to nobody.
TEST_F(HookctlTest, BadSignaturesAreMadeForEveryFormOfKey) {
  for (const auto& [preset, secret] : std::map<std::string, std::string>{
           {"adyen_payments", "inline:44782DEF547AAA06C910C43932B1EB0C"},
           {"adyen_platforms", "inline:00ff"},
           {"standard_webhooks", "inline:whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
           {"gitlab_token", "inline:token"},
           {"mailgun", "inline:s3cret"}}) {
    EXPECT_EQ(Run({"send", preset, "--url", "http://127.0.0.1:1/hooks/s", "--secret", secret,
                   "--bad-signature"}),
              kExitNoConnection)
        << preset << err_.str();
  }
}

// hookctl has no provider's private key, and says so.
TEST_F(HookctlTest, SendSaysWhatItCannotSign) {
  for (const char* const preset : {"aws_sns", "paypal"}) {
    EXPECT_NE(Run({"send", preset, "--url", "http://127.0.0.1:1/hooks/s", "--secret", "inline:x"}),
              kExitOk);
    EXPECT_THAT(err_.str(), HasSubstr("private key of its certificate")) << preset;
  }
}

}  // namespace
}  // namespace hookbridge::hookctl
