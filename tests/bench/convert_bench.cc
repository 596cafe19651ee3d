// The transcoder beside Protobuf's JSON reader on the same bodies, and a whole conversion.
#include "server/base/json_tape.h"
#include "server/convert/converter.h"
#include "server/convert/internal/value_writer.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>

namespace hookbridge {
namespace {

constexpr JsonLimits kLimits{.depth_max = 24, .elements_max = 100'000};

// 0: the Stripe sample of the corpus; 1: 1.8 kB of line items; 2: 64 kB of them.
std::string Body(int64_t kind) {
  if (kind == 0) {
    std::ifstream in(HOOKBRIDGE_SOURCE_DIR "/tests/fuzz/json/corpus/y_stripe.json");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  std::string body = R"({"id":"evt_1","type":"invoice.paid","livemode":false,"items":[)";
  const size_t bytes = kind == 1 ? 1'800 : 64'000;
  for (int i = 0; body.size() < bytes; ++i) {
    if (i > 0) body += ',';
    body += R"({"id":)" + std::to_string(i) + R"(,"amount":)" + std::to_string(1999 + i) +
            R"(,"rate":0.19,"currency":"EUR","name":"item number )" + std::to_string(i) +
            R"(","url":"https://shop.example/items/)" + std::to_string(i) + R"(","note":null})";
  }
  return body + "]}";
}

void SetRate(benchmark::State& state, const std::string& body) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
  state.SetLabel(std::to_string(body.size()) + " B");
}

void BM_Transcode(benchmark::State& state) {
  const std::string body = Body(state.range(0));
  JsonTape tape;
  std::string wire;
  for (auto _ : state) {
    wire.clear();
    if (!tape.Parse(body, kLimits).ok()) state.SkipWithError("does not parse");
    AppendValue(tape, wire);
    benchmark::DoNotOptimize(wire.data());
  }
  SetRate(state, body);
}
BENCHMARK(BM_Transcode)->Arg(0)->Arg(1)->Arg(2);

void BM_ProtobufJsonReader(benchmark::State& state) {
  const std::string body = Body(state.range(0));
  std::string wire;
  for (auto _ : state) {
    google::protobuf::Value value;
    if (!google::protobuf::util::JsonStringToMessage(body, &value).ok()) {
      state.SkipWithError("does not parse");
    }
    value.SerializeToString(&wire);
    benchmark::DoNotOptimize(wire.data());
  }
  SetRate(state, body);
}
BENCHMARK(BM_ProtobufJsonReader)->Arg(0)->Arg(1)->Arg(2);

void BM_ConvertWebhook(benchmark::State& state) {
  const std::string body = Body(state.range(0));
  config::v1::Recipe open;
  open.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_NONE);
  const config::v1::Recipe recipe = MergeRecipe(*LoadPreset("stripe"), open);
  const auto verifier =
      *Verifier::Create({.recipe = recipe, .keys = {}, .url_token = {}, .public_url = {}});
  const auto converter =
      *Converter::Create({.source = "bench", .recipe = recipe, .public_url = {}, .limits = {}});
  auto verdict = verifier->Verify(
      RequestBuilder().Header("Content-Type", "application/json").Body(body).Build(),
      absl::UnixEpoch());
  const auto& webhook = std::get<VerifiedWebhook>(verdict);
  for (auto _ : state) benchmark::DoNotOptimize(converter->Convert(webhook));
  SetRate(state, body);
}
BENCHMARK(BM_ConvertWebhook)->Arg(0)->Arg(1)->Arg(2);

}  // namespace
}  // namespace hookbridge
