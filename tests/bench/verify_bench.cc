// Verification of a 1.8 kB webhook by each preset that hookctl signs, beside OpenSSL's HMAC over
// the same bytes.
#include "client/hookctl/samples.h"
#include "client/hookctl/signer.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
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

// A key in the form that the recipe asks for.
std::string KeyFor(const config::v1::Recipe& recipe) {
  const auto& algorithm = recipe.algorithms(0);
  if (algorithm.key_encoding() == config::v1::KEY_ENCODING_HEX) return "00112233445566778899aabb";
  return algorithm.key_prefix() + std::string(kKey);
}

// The preset's sample, blown up to the size of Body: what follows a JSON text may be blank.
hookctl::Unsigned SampleOf(std::string_view preset, const config::v1::Recipe& recipe) {
  const absl::Time now = absl::FromUnixSeconds(kNow);
  hookctl::Sample sample = hookctl::MakeSample(preset, hookctl::NewSeed(now));
  const size_t missing = Body().size() - std::min(Body().size(), sample.body.size());
  if (recipe.body_format() == config::v1::BODY_FORMAT_FORM) {
    sample.body += "&Pad=" + std::string(missing, 'x');
  } else {
    sample.body += std::string(missing, ' ');
  }
  return {.body = sample.body,
          .headers = sample.headers,
          .public_url = "https://hooks.example/hooks/x",
          .query = "",
          .event_id = sample.event_id,
          .time = now};
}

// Explain decides as Verify does and leaves the request where it is. With HOOKBRIDGE_REQUEST_US,
// the CPU of a whole stored request in µs (tests/bench/run.sh prints it), also its share of that.
void Decide(benchmark::State& state, std::string_view preset) {
  VerifierOptions options;
  options.recipe = *LoadPreset(preset);
  options.keys.push_back({.id = "1", .secret = KeyFor(options.recipe)});
  options.public_url = "https://hooks.example/hooks/x";
  options.handshake_token = "verify-token";
  const auto webhook =
      hookctl::Sign(options.recipe, KeyFor(options.recipe), SampleOf(preset, options.recipe));
  if (!webhook.ok()) return state.SkipWithError(webhook.status().ToString().c_str());
  const auto verifier = *Verifier::Create(std::move(options));
  RequestBuilder builder;
  builder.Body(webhook->body).Token(webhook->url_token);
  for (const auto& [name, value] : webhook->headers) builder.Header(name, value);
  const WebhookRequest request = builder.Build();
  const auto steps = verifier->Explain(request, absl::FromUnixSeconds(kNow));
  if (!steps.back().ok) return state.SkipWithError(steps.back().detail.c_str());
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    benchmark::DoNotOptimize(verifier->Explain(request, absl::FromUnixSeconds(kNow)));
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  const char* const whole = std::getenv("HOOKBRIDGE_REQUEST_US");
  if (whole == nullptr) return;
  state.counters["share"] =
      took.count() / static_cast<double>(state.iterations()) / std::strtod(whole, nullptr);
}

const bool kRegistered = [] {
  for (const Preset& preset : Presets()) {
    const auto recipe = *LoadPreset(preset.name);
    const auto signed_sample = hookctl::Sign(recipe, KeyFor(recipe), SampleOf(preset.name, recipe));
    if (!signed_sample.ok()) continue;  // only the provider has the private key
    benchmark::RegisterBenchmark(
        std::string(preset.name).c_str(),
        [name = preset.name](benchmark::State& state) { Decide(state, name); });
  }
  return true;
}();

}  // namespace
}  // namespace hookbridge
