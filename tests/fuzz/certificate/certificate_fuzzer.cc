// SNS messages, certificate files, URLs and topics from strangers: nobody has the keys, so no
// message verifies, and what is read can be written back as it came.
#include "server/base/https_url.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/certificate.h"
#include "server/verify/internal/sns.h"
#include "server/verify/presets.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

// Within the validity of the certificates below.
constexpr absl::Time kNow = absl::FromUnixSeconds(1'893'456'000);
constexpr char kTopic[] = "arn:aws:sns:us-east-1:123456789012:orders";

// Their private keys are gone.
constexpr char kAuthority[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDIzCCAgugAwIBAgIUG1x7TZdtYRBbdTOdFsTefv9t+88wDQYJKoZIhvcNAQEL\n"
    "BQAwGTEXMBUGA1UEAwwOZnV6eiBhdXRob3JpdHkwHhcNMjYxMTI0MTc0MDA2WhcN\n"
    "NDYxMTE5MTc0MDA2WjAZMRcwFQYDVQQDDA5mdXp6IGF1dGhvcml0eTCCASIwDQYJ\n"
    "KoZIhvcNAQEBBQADggEPADCCAQoCggEBAKbUz+oE9KjCsMpkc/DSyJyeA1DLPCUD\n"
    "IREZvI+U/elurnIjeLkmqtU07EkYe0CeNEG8JziltizHgej3D9asrZJINN3ue2dM\n"
    "RvxaIFXFIlp16+F1d50Pg7RHbGTfK9m6C/aK/lKVyaamPyg55RlBvuCUIf0js7fL\n"
    "4dYKiE32FTMET4lnrvgFDCIBRl2DBWORjCYkyEt9fRAlizdnR94K8bj1Z3GdKpO+\n"
    "nbDPtGM8S1QH5eRnmSkZ+JI8cDw2pdJobwqLoamvwtN5woVXAuia13nDCfcRxBL2\n"
    "YFg55kL8/ADG7/fvxYR0/pABp/zGg8HLxMisZoPcsy8018fbWkwYJrECAwEAAaNj\n"
    "MGEwHQYDVR0OBBYEFIwZyi4axScqizGt0oblTMu4MLjMMB8GA1UdIwQYMBaAFIwZ\n"
    "yi4axScqizGt0oblTMu4MLjMMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD\n"
    "AgIEMA0GCSqGSIb3DQEBCwUAA4IBAQAY+hRnceV2ycPSZyRYAJ6BLCHmAK1dej+l\n"
    "KqtEGOAPVej56+6yecrn4003SynvesCsaQDV9Z/MMbEixpCMp5sRYOk6UAMyDJ6m\n"
    "tLsDJCap0rMuwwIurYRCTxh8KFnnpmdRx5tC9VcEW4AmpN6a9n3tqkijvMlWoD3t\n"
    "/9JmCVMsFNYIibiKZp7bqcI4cVlXRc2mWoWuSEv0ZQy22PSgUXbdARysUnD39OJx\n"
    "Kr2VIOzkuRzFmRmK/1WACIlVsB7pNOo/NLp3mS9lQbs5VzLtb1Wb1Pok0mMKJ2K4\n"
    "I0D0xWA4uBNSLOwqS5Flw6ODE+Mhh311gWSJWiebiEQAIwMOXeDd\n"
    "-----END CERTIFICATE-----\n";
constexpr char kLeaf[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDPjCCAiagAwIBAgIUMV3oV4EGrJ9gSHpvLulivhMKqdIwDQYJKoZIhvcNAQEL\n"
    "BQAwGTEXMBUGA1UEAwwOZnV6eiBhdXRob3JpdHkwHhcNMjYxMTI0MTc0MDA2WhcN\n"
    "NDYxMTE5MTc0MDA2WjAcMRowGAYDVQQDDBFzbnMuYW1hem9uYXdzLmNvbTCCASIw\n"
    "DQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANgB7kl2ox24uFfGyzCprZUJJVf+\n"
    "N/fcq8QmErbzJSUBI2TZ0QT4tFG+yxr/DfU7NyvJa4hRK/lFgdd5chsTRjoCQ912\n"
    "C7OgJpwYipJit/GLd2oRdnetueiOfVt56MxQSv/B0z7xx7SzsmJJ2BKiQOdn2p/i\n"
    "qpviVBcYqGR4/yayduEcWpo9KpSKDfKSI8GSmy84Qteu6hALvEUsuNRmqam6jCJQ\n"
    "A5QJs0bKmMfRa1KrarHDsz8dfTICf1561kt1/kSDfCroIPUHdJRI6NjxlWdqQqbd\n"
    "PPUtvbHKsAePcKh3R4UMNP21rvJ9Arxm3XtIjFUbBQi41rlZ9r5XPeydyNcCAwEA\n"
    "AaN7MHkwHAYDVR0RBBUwE4IRc25zLmFtYXpvbmF3cy5jb20wDgYDVR0PAQH/BAQD\n"
    "AgeAMAkGA1UdEwQCMAAwHQYDVR0OBBYEFIABLomC8KXz2M08P5m+JRL1LJyXMB8G\n"
    "A1UdIwQYMBaAFIwZyi4axScqizGt0oblTMu4MLjMMA0GCSqGSIb3DQEBCwUAA4IB\n"
    "AQBJVt5T6HCuA4dep/eQb0RjFhf23C1213/nExKFBLM0UO1fuQBeiAEW8J8uf720\n"
    "ED9F19NGTcqau3ahaQkwcT587QQswEcAOam8mraX5OoN91qb74OyscDz2MUG+imK\n"
    "KevpR5LOaM0sxWunC0C7pCBj1xSx/3S3yzRbBDlrarQeVi7dkZ8qUT6CWNVwGkbH\n"
    "qZLohDBsjF8h3RlYdLBiuVuz2zOfq5Ml2CR/VSfA4epuUWs6KGH+Jb6KFYOQWigq\n"
    "YrHT0nciMXoEBw3tx67kUf0Pz9s8GsyvOCfWcKk4BFOjOJ/DliJS4ZsgqecE+/26\n"
    "5pm/wBAGa3nawRRhlZMSaihz\n"
    "-----END CERTIFICATE-----\n";

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string Take(std::string_view& rest) {
  const size_t before = rest.rfind('\n');
  const std::string line(before == std::string_view::npos ? rest : rest.substr(before + 1));
  rest = before == std::string_view::npos ? std::string_view() : rest.substr(0, before);
  return line;
}

// Reads a signed text from its end and writes it again: what cannot be read so could stand for two
// messages.
void CheckText(const SnsText& made) {
  std::string_view rest = made.text;
  Require(rest.ends_with('\n'));
  rest.remove_suffix(1);
  const bool confirms = made.type != "Notification";
  const std::vector<std::string_view> keys =
      confirms ? std::vector<std::string_view>{"Type",      "TopicArn",     "Token",
                                               "Timestamp", "SubscribeURL", "MessageId"}
               : std::vector<std::string_view>{"Type", "TopicArn", "Timestamp", "MessageId"};
  std::string read;
  for (const std::string_view key : keys) {
    std::string value = Take(rest);
    std::string name = Take(rest);
    if (name == "Subject" && key == "MessageId") {
      read = StrCat(name, "\n", value, "\n", read);
      value = Take(rest);
      name = Take(rest);
    }
    Require(name == key);
    read = StrCat(name, "\n", value, "\n", read);
  }
  Require(rest.starts_with("Message\n"));
  Require(StrCat(rest, "\n", read) == made.text);
}

void CheckSns(std::string_view input) {
  static auto* const check =
      SnsCheck::Create(*LoadPreset("aws_sns"), {kTopic}, kAuthority)->release();
  WebhookRequest request;
  request.body = input;
  BodyValues values(request);
  const SnsText made = MakeSnsText(values);
  if (!made.refused) CheckText(made);
  const Decision first = check->Decide(request, kNow, Trace(nullptr));
  Require(first.refused.has_value() && !first.detail.empty());
  if (!first.need) return;
  Require(first.need->host == "sns.us-east-1.amazonaws.com");
  check->certificates().Take(*first.need, {.error = {}, .status = 200, .body = kLeaf}, kNow);
  const Decision second = check->Decide(request, kNow, Trace(nullptr));
  Require(second.refused == Reason::kSignatureMismatch && !second.need);
}

void CheckCertificate(std::string_view input) {
  static const auto* const authorities = new Authorities(*Authorities::Of(kAuthority));
  const std::vector<std::string> names = {"sns.amazonaws.com"};
  const auto strict = ReadCertificate(input, {.names = names}, *authorities, kNow);
  const auto by_host =
      ReadCertificate(input, {.names = names, .issuer_may_be_missing = true}, *authorities, kNow);
  Require(by_host.ok() || !strict.ok());
  if (!by_host.ok()) return;
  Require(by_host->ValidAt(kNow));
  const std::string_view message[] = {input};
  Require(!by_host->key.Verify(message, input));
}

void CheckUrl(std::string_view input) {
  if (const auto url = ParseHttpsUrl(input)) {
    Require(StrCat("https://", url->host, url->target) == input);
    Require(input.size() <= limits::kUrlBytesMax);
    Require(url->host.find_first_of("@:/?#%\\ \t\r\n") == std::string::npos);
    Require(url->target.find_first_of("#\\ \t\r\n") == std::string::npos);
  }
  if (const auto host = SnsHostOf(input)) {
    Require(host->starts_with("sns.") &&
            (host->ends_with(".amazonaws.com") || host->ends_with(".amazonaws.com.cn")));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CheckSns(input);
  CheckCertificate(input);
  CheckUrl(input);
  return 0;
}
