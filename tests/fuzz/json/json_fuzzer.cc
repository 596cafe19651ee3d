// Any bytes are a body: the transcoder agrees with other readers, what is skimmed of any text is
// JSON and of a good one what its reader finds, and the converter makes an event that parses, whose
// data can be made again from its raw run.
#include "server/base/json_tape.h"
#include "server/base/limits.h"
#include "server/convert/converter.h"
#include "server/convert/internal/json_skim.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/json_oracle.h"
#include "tests/support/request_builder.h"

#include "hookbridge/v1/event.pb.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

void Require(bool holds) {
  if (!holds) std::abort();
}

// The scalar there; empty without one.
std::string_view ScalarAt(const JsonTape& tape, const JsonPointer& pointer) {
  const JsonNode* const node = pointer.Find(tape);
  if (node == nullptr || node->type == JsonType::kObject || node->type == JsonType::kArray)
    return "";
  return tape.Text(*node);
}

void RequireSoundSkim(std::string_view body) {
  constexpr JsonLimits kLimits{.depth_max = limits::kJsonDepthMaxHard,
                               .elements_max = limits::kJsonElementsMax};
  static const auto* const pointers = new std::vector<JsonPointer>{
      *JsonPointer::Parse(""),   *JsonPointer::Parse("/a"),   *JsonPointer::Parse("/a/b"),
      *JsonPointer::Parse("/0"), *JsonPointer::Parse("/1/a"), *JsonPointer::Parse("/id")};
  WantedPlaces wanted;
  for (const JsonPointer& pointer : *pointers) wanted.Want(pointer);
  const std::string text = SoundJson(body, wanted);
  JsonTape sound;
  Require(sound.Parse(text, kLimits).ok());
  JsonTape whole;
  if (!whole.Parse(body, kLimits).ok()) return;
  for (const JsonPointer& pointer : *pointers) {
    Require(ScalarAt(sound, pointer) == ScalarAt(whole, pointer));
  }
  const size_t split = SkimElements(body, pointers->front(), limits::kSplitItemsMax).size();
  Require(split == 0 || whole.nodes().front().type == JsonType::kArray);
}

struct Bridge {
  Bridge() {
    config::v1::Recipe recipe = *LoadPreset("payment_options");
    recipe.clear_algorithms();
    recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_NONE);
    verifier = *Verifier::Create({.recipe = recipe, .keys = {}, .url_token = {}, .public_url = {}});
    converter =
        *Converter::Create({.source = "fuzz", .recipe = recipe, .public_url = {}, .limits = {}});
  }
  std::unique_ptr<Verifier> verifier;
  std::unique_ptr<Converter> converter;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const bridge = new Bridge;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::string difference = CompareWithOtherReaders(body);
  if (!difference.empty()) std::fprintf(stderr, "%s\n", difference.c_str());
  Require(difference.empty());
  RequireSoundSkim(body);

  auto verdict = bridge->verifier->Verify(RequestBuilder().Body(body).Build(), absl::UnixEpoch());
  const ConvertedEvent made =
      bridge->converter->Convert(std::get<VerifiedWebhook>(verdict)).events[0];
  v1::Event event;
  Require(event.ParseFromString(made.runs.envelope + made.runs.data + made.runs.raw));
  Require(event.raw().body() == body);
  Require((event.data_case() != v1::Event::DATA_NOT_SET) ==
          (!body.empty() && event.conversion_error().empty()));
  Require(RemakeDataRun(made.runs, {}) == made.runs.data);
  return 0;
}
