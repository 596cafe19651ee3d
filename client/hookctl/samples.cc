#include "client/hookctl/samples.h"

#include "client/hookctl/sample_templates.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"

#include "absl/strings/str_replace.h"
#include <openssl/rand.h>

#include <algorithm>
#include <array>

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kPlain =
    R"({"id":"evt_{hex}","type":"sample.created","event":"sample.created","created":{unix},)"
    R"("data":{"number":{number}}})";

SampleTemplate TemplateOf(std::string_view preset) {
  for (const auto group : {PaymentSamples, DeveloperSamples, MessagingSamples, BusinessSamples,
                           CheckingSamples, TokenSamples}) {
    const std::vector<SampleTemplate> samples = group();
    const auto found = std::ranges::find(samples, preset, &SampleTemplate::preset);
    if (found != samples.end()) return *found;
  }
  return {.preset = preset, .id = "evt_{hex}", .headers = {}, .body = kPlain};
}

std::string Uuid(const std::string& unique) {
  return StrCat(unique.substr(0, 8), "-", unique.substr(8, 4), "-4", unique.substr(13, 3), "-a",
                unique.substr(17, 3), "-", unique.substr(20, 12));
}

// Twelve digits, none of them a leading zero.
std::string Number(const std::string& unique) {
  std::string digits = "1";
  for (size_t i = 0; i < 11; ++i) digits += static_cast<char>('0' + unique[i] % 10);
  return digits;
}

std::string FillIn(std::string_view text, const SampleSeed& seed) {
  const auto utc = absl::UTCTimeZone();
  const std::string filled(text);
  return absl::StrReplaceAll(
      filled, {{"{uuid}", Uuid(seed.unique)},
               {"{hex}", seed.unique.substr(0, 24)},
               {"{number}", Number(seed.unique)},
               {"{iso}", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", seed.time, utc)},
               {"{millis}", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", seed.time, utc)},
               {"{unix}", StrCat(absl::ToUnixSeconds(seed.time))},
               {"{ms}", StrCat(absl::ToUnixMillis(seed.time))}});
}

}  // namespace

Sample MakeSample(std::string_view preset, const SampleSeed& seed) {
  const SampleTemplate sample = TemplateOf(preset);
  Sample result{.body = FillIn(sample.body, seed),
                .headers = {},
                .event_id = FillIn(sample.id, seed),
                .query = FillIn(sample.query, seed)};
  const bool has_type = std::ranges::any_of(
      sample.headers, [](const auto& header) { return header.first == "Content-Type"; });
  if (!has_type) result.headers.emplace_back("Content-Type", "application/json");
  for (const auto& [name, value] : sample.headers) {
    result.headers.emplace_back(name, FillIn(value, seed));
  }
  return result;
}

SampleSeed NewSeed(absl::Time time) {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return {.unique = HexEncode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}),
          .time = time};
}

}  // namespace hookbridge::hookctl
