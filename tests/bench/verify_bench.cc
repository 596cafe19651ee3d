// Verification of a 1.8 kB webhook by preset, beside OpenSSL's HMAC over the same bytes.
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

namespace hookbridge {
namespace {

constexpr int64_t kNow = 1'700'000'000;
const char kKey[] = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTE=";

std::string Body() { return std::string(1'800, 'b'); }

std::string Mac(const std::string& key, const std::string& message) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  return {reinterpret_cast<const char*>(mac), size};
}

void BM_OpenSslHmac(benchmark::State& state) {
  const std::string message = StrCat(kNow, ".", Body());
  for (auto _ : state) benchmark::DoNotOptimize(Mac(kKey, message));
}
BENCHMARK(BM_OpenSslHmac);

// Explain decides as Verify does and leaves the request where it is.
void Decide(benchmark::State& state, const char* preset, const RequestBuilder& builder) {
  VerifierOptions options;
  options.recipe = *LoadPreset(preset);
  options.keys.push_back({.id = "k", .secret = kKey});
  const auto verifier = *Verifier::Create(std::move(options));
  const WebhookRequest request = builder.Build();
  if (!verifier->Explain(request, absl::FromUnixSeconds(kNow)).back().ok)
    state.SkipWithError("refused");
  for (auto _ : state) {
    benchmark::DoNotOptimize(verifier->Explain(request, absl::FromUnixSeconds(kNow)));
  }
}

void BM_Stripe(benchmark::State& state) {
  const std::string mac = HexEncode(Mac(kKey, StrCat(kNow, ".", Body())));
  Decide(state, "stripe",
         RequestBuilder().Header("Stripe-Signature", StrCat("t=", kNow, ",v1=", mac)).Body(Body()));
}
BENCHMARK(BM_Stripe);

void BM_GitHub(benchmark::State& state) {
  const std::string mac = HexEncode(Mac(kKey, Body()));
  Decide(state, "github",
         RequestBuilder().Header("X-Hub-Signature-256", "sha256=" + mac).Body(Body()));
}
BENCHMARK(BM_GitHub);

void BM_StandardWebhooks(benchmark::State& state) {
  const std::string key = *Base64Decode(kKey, Base64Padding::kOptional);
  const std::string mac = Base64Encode(Mac(key, StrCat("msg_1.", kNow, ".", Body())));
  Decide(state, "standard_webhooks",
         RequestBuilder()
             .Header("webhook-id", "msg_1")
             .Header("webhook-timestamp", StrCat(kNow))
             .Header("webhook-signature", "v1," + mac)
             .Body(Body()));
}
BENCHMARK(BM_StandardWebhooks);

void BM_PaymentOptions(benchmark::State& state) {
  VerifierOptions options;
  options.recipe = *LoadPreset("payment_options");
  options.keys.push_back({.id = "k", .secret = "po-0123456789abcdef"});
  const auto verifier = *Verifier::Create(std::move(options));
  const WebhookRequest request = RequestBuilder().Token("po-0123456789abcdef").Body(Body()).Build();
  for (auto _ : state) benchmark::DoNotOptimize(verifier->Explain(request, absl::UnixEpoch()));
}
BENCHMARK(BM_PaymentOptions);

}  // namespace
}  // namespace hookbridge
