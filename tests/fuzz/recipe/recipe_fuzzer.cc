// Any header values and body: a preset with a secret that nobody knows never verifies them, and the
// explanation agrees with the verdict. Input: lines `Header: value`, an empty line, the body.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/verify/internal/signature_syntax.h"
#include "server/verify/internal/timestamp.h"
#include "server/verify/presets.h"
#include "server/verify/recipe_use.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

void Require(bool holds) {
  if (!holds) std::abort();
}

// Decodes as base64 and as text; unknown to the fuzzer's inputs.
constexpr char kSecret[] = "bm90IGEgc2VjcmV0IHRoYXQgYW55Ym9keSB1c2VzISE=";

// Public keys whose private ones nobody has kept.
constexpr char kHexKey[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr char kP256Key[] =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/BJlceDTifRnAkjLqsE4coAOoGkitiPCl2n4"
    "qSEFcazskjHhjlUkSN74C5UUqmyMxYrKdL67ee4zkmThB5kQTg==";

constexpr char kRsaKey[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjq/Dvczen57ZxHw5htR3\n"
    "lAWbPZf1g2bKdPH+8unY8EeLc37vEzt+GhAxBq3b/qSqP5gpfQCF5bkevPM2xnxu\n"
    "96UkLr40wOXTFrF+vlJjrBUrsa+fr6gavusEPfWKh/5hrN0I6uFwyFafEL7BefZq\n"
    "VhD43rJu9SZajDqjBn49eqxgdYCiLFlvVduxj2vk6djE/BabSkPDljqjihfmvlRX\n"
    "7rYTAHmZfZjq1lfuviP/vdZv1us/ej/PFvIV62UonZI0Eoj3r1+rN5R3hMbBklc9\n"
    "EOrmmdQZEriKQQsgbfmRfo+GIKyPgDAWMp+AKqg0C5jXbE6YBJM2Cf+9E0tTtBLu\n"
    "jQIDAQAB\n"
    "-----END PUBLIC KEY-----";

std::string KeyFor(const config::v1::Algorithm& algorithm) {
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_ECDSA_P256) return kP256Key;
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_RSA_PKCS1) return kRsaKey;
  if (algorithm.kind() == config::v1::ALGORITHM_KIND_BRAINTREE) {
    return std::string("public|") + kSecret;
  }
  return algorithm.key_encoding() == config::v1::KEY_ENCODING_HEX ? kHexKey : kSecret;
}

std::vector<std::unique_ptr<Verifier>> MakeVerifiers() {
  std::vector<std::unique_ptr<Verifier>> verifiers;
  for (const Preset& preset : Presets()) {
    VerifierOptions options;
    options.recipe = *LoadPreset(preset.name);
    const std::string key = KeyFor(options.recipe.algorithms(0));
    if (HasConfiguredKeys(options.recipe)) {
      options.keys.push_back(KeyMaterial{.id = "k", .secret = key});
    }
    if (options.recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_AWS_SNS) {
      options.topic_arns = {"arn:aws:sns:us-east-1:123456789012:orders"};
    }
    options.values = {{"webhook_id", "WH-1"},
                      {"client_id", "c"},
                      {"host", "auth.example.com"},
                      {"audience", "a"},
                      {"email", "e"}};
    options.handshake_token = "verify-me";
    options.public_url = "https://hooks.example/hooks/test";
    auto verifier = Verifier::Create(std::move(options));
    Require(verifier.ok());
    verifiers.push_back(*std::move(verifier));
  }
  return verifiers;
}

RequestBuilder ReadInput(std::string_view input) {
  RequestBuilder builder;
  while (!input.empty()) {
    const size_t end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
    if (line.empty()) break;
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 2);
    if (name == "token") {
      builder.Token(value);
    } else if (name == "query") {
      builder.Query(value);
    } else {
      builder.Header(name, value);
    }
  }
  builder.Body(input);
  return builder;
}

void CheckSyntaxes(std::string_view value) {
  for (int syntax = 0; syntax <= config::v1::SignatureSyntax_MAX; ++syntax) {
    config::v1::SignatureLocation location;
    location.set_syntax(static_cast<config::v1::SignatureSyntax>(syntax));
    location.set_prefix("sha256=");
    const auto entries = ParseSignatures(location, value);
    if (!entries) continue;
    Require(!entries->empty() && entries->size() <= limits::kSignaturesMax);
    for (const SignatureEntry& entry : *entries) {
      Require(entry.text.data() >= value.data() &&
              entry.text.data() + entry.text.size() <= value.data() + value.size());
      const auto hex = DecodeSignature(config::v1::SIGNATURE_ENCODING_HEX, entry.text);
      if (hex) Require(hex->size() * 2 == entry.text.size());
      const auto base64 = DecodeSignature(config::v1::SIGNATURE_ENCODING_BASE64, entry.text);
      if (base64) Require(Base64Encode(*base64) == entry.text);
    }
  }
  for (int unit = 0; unit <= config::v1::TimestampUnit_MAX; ++unit) {
    const auto time = ParseTimestamp(static_cast<config::v1::TimestampUnit>(unit), value);
    if (time) Require(*time != absl::InfiniteFuture() && *time != absl::InfinitePast());
  }
}

// Whatever is asked, an answer is bounded and of harmless characters.
void CheckHandshakes(const Verifier& verifier, RequestBuilder builder) {
  const auto is_printable = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  };
  for (const char* const method : {"GET", "HEAD", "OPTIONS", "POST"}) {
    const WebhookRequest request = builder.Method(method).Build();
    const auto answer = verifier.AnswerUnverified(HandshakeOf(request), kNow);
    if (!answer) continue;
    if (answer->refused) {
      Require(answer->status >= 400 && answer->body.empty() && !answer->detail.empty());
      continue;
    }
    Require(answer->status >= 200 && answer->status < 300);
    Require(answer->body.size() <= limits::kAnswerTextBytesMax && is_printable(answer->body));
    for (const auto& [name, value] : answer->headers) Require(is_printable(value));
    Require(answer->learned_secret.size() <= limits::kHandshakeEchoBytesMax);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const verifiers = new std::vector<std::unique_ptr<Verifier>>(MakeVerifiers());
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CheckSyntaxes(input);
  const RequestBuilder builder = ReadInput(input);
  for (const auto& verifier : *verifiers) {
    CheckHandshakes(*verifier, builder);
    Verdict verdict = verifier->Verify(builder.Build(), kNow);
    if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
      Require(needed->need.host.ends_with(".com"));
      const FetchAnswer answer{.error = {}, .status = 200, .body = std::string(input)};
      verdict = verifier->VerifyFetched(std::move(*needed), answer, kNow);
    }
    // A payment that "Mollie" says to be the one that was asked for would be one.
    if (std::holds_alternative<VerifiedWebhook>(verdict)) {
      Require(std::get<VerifiedWebhook>(verdict).request().body == input);
      continue;
    }
    Require(std::holds_alternative<Rejection>(verdict));
    const Rejection& rejection = std::get<Rejection>(verdict);
    Require(!rejection.detail.empty());
    Require(rejection.detail.find(kSecret) == std::string::npos);
    const auto steps = verifier->Explain(rejection.request, kNow);
    Require(!steps.empty() && !steps.back().ok);
    // A resource that was fetched is not at hand for an explanation.
    Require(verifier->MayFetch() || steps.back().what == ReasonName(rejection.reason));
  }
  return 0;
}
