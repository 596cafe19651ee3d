#include "client/hookctl/samples.h"

#include "client/hookctl/captured_request.h"
#include "client/hookctl/event_printer.h"
#include "server/base/encoding.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <variant>

namespace hookbridge::hookctl {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
const char kUrl[] = "https://hooks.example/hooks/x";

// A secret in the form that the recipe's first algorithm takes.
std::string SecretFor(const config::v1::Recipe& recipe) {
  const config::v1::Algorithm& algorithm = recipe.algorithms(0);
  if (algorithm.key_encoding() == config::v1::KEY_ENCODING_BASE64) {
    return algorithm.key_prefix() + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
  }
  if (algorithm.key_encoding() == config::v1::KEY_ENCODING_HEX) return "00112233445566778899aabb";
  return algorithm.key_prefix() + "s3cret-text-of-some-length";
}

// Presets that hookctl can sign.
std::vector<std::string> SignablePresets() {
  std::vector<std::string> names;
  for (const Preset& preset : Presets()) {
    const auto recipe = *LoadPreset(preset.name);
    const auto kind = recipe.algorithms(0).kind();
    if (!recipe.jwt().has_key_set() && kind != config::v1::ALGORITHM_KIND_ED25519 &&
        kind != config::v1::ALGORITHM_KIND_ECDSA_P256 &&
        kind != config::v1::ALGORITHM_KIND_RSA_PKCS1 &&
        kind != config::v1::ALGORITHM_KIND_AWS_SNS &&
        kind != config::v1::ALGORITHM_KIND_BRAINTREE &&
        kind != config::v1::ALGORITHM_KIND_MOLLIE_CLASSIC) {
      names.emplace_back(preset.name);
    }
  }
  return names;
}

// The value that the rules find in the sample, or in its first element at `split`; `-` when none
// does.
std::string Extract(const google::protobuf::RepeatedPtrField<config::v1::ValueSource>& places,
                    const v1::Event& event, const std::vector<HeaderField>& headers,
                    const std::string& split) {
  for (const config::v1::ValueSource& place : places) {
    std::string text = "-";
    if (place.has_json_pointer()) text = FieldText(event, place.json_pointer());
    if (place.has_item_pointer()) text = FieldText(event, split + "/0" + place.item_pointer());
    if (place.has_join()) text = Extract(place.join().parts(), event, headers, split);
    if (text != "-") return text;
    const std::vector<std::string> names = absl::StrSplit(place.header(), '|');
    for (const auto& header : headers) {
      const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& one) {
        return absl::EqualsIgnoreCase(header.first, one);
      });
      if (place.has_header() && named) return header.second;
    }
  }
  return "-";
}

class PresetSampleTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto recipe = LoadPreset(GetParam());
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    recipe_ = *recipe;
    secret_ = SecretFor(recipe_);
    sample_ = MakeSample(GetParam(), NewSeed(kNow));
    auto done = Sign(recipe_, secret_,
                     {.body = sample_.body,
                      .headers = sample_.headers,
                      .public_url = kUrl,
                      .query = sample_.query,
                      .event_id = sample_.event_id,
                      .time = kNow});
    ASSERT_TRUE(done.ok()) << done.status();
    signed_ = *std::move(done);
    sample_.body = signed_.body;
  }

  // Whether the bridge's own engine takes the request.
  bool IsAuthentic(const std::string& body, absl::Time now) {
    const auto verifier = Verifier::Create({.recipe = recipe_,
                                            .keys = {{.id = "1", .secret = secret_}},
                                            .url_token = "",
                                            .handshake_token = "verify-token",
                                            .public_url = kUrl});
    EXPECT_TRUE(verifier.ok()) << verifier.status();
    std::string target = signed_.url_token.empty() ? "/hooks/x" : "/hooks/x/" + signed_.url_token;
    if (!signed_.query.empty()) target += "?" + signed_.query;
    return std::holds_alternative<VerifiedWebhook>(
        (*verifier)->Verify(MakeRequest(target, signed_.headers, body), now));
  }

  config::v1::Recipe recipe_;
  std::string secret_;
  Sample sample_;
  Signed signed_;
};

// What hookctl signs, the bridge takes, for every preset; its rejected siblings it does not.
TEST_P(PresetSampleTest, SignerAndVerifierAgree) {
  EXPECT_TRUE(IsAuthentic(sample_.body, kNow));
  if (recipe_.algorithms(0).kind() == config::v1::ALGORITHM_KIND_HMAC &&
      !recipe_.body_not_signed()) {
    EXPECT_FALSE(IsAuthentic(sample_.body + " ", kNow));
  }
  const config::v1::TimestampRule& time = recipe_.timestamp();
  if (recipe_.has_timestamp() && (!time.has_max_age() || time.max_age().seconds() > 0)) {
    EXPECT_FALSE(IsAuthentic(sample_.body, kNow + absl::Hours(10)));
  }
  secret_.back() = secret_.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(IsAuthentic(sample_.body, kNow));
}

// A sample is what the preset's rules expect: JSON, with an id and a type where the rules look.
TEST_P(PresetSampleTest, HoldsWhatTheRulesExtract) {
  const bool is_form =
      std::any_of(sample_.headers.begin(), sample_.headers.end(), [](const HeaderField& field) {
        return field.first == "Content-Type" && field.second.find("form") != std::string::npos;
      });
  if (is_form) {
    const config::v1::EventRules& rules = recipe_.event();
    const auto& id = rules.synthetic_id().empty() ? rules.id(0) : rules.synthetic_id(0);
    const std::string field = (id.has_join() ? id.join().parts(0) : id).form_field();
    EXPECT_NE(sample_.body.find(field.empty() ? recipe_.json_field() : field), std::string::npos);
    return;
  }
  v1::Event event;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(sample_.body, event.mutable_json());
  ASSERT_TRUE(parsed.ok()) << parsed.ToString();
  const config::v1::EventRules& rules = recipe_.event();
  const auto& id = rules.id().empty() ? rules.synthetic_id() : rules.id();
  if (!id.empty()) {
    EXPECT_NE(Extract(id, event, signed_.headers, recipe_.split().array()), "-");
  }
  const auto& type = rules.has_type_table() ? rules.type_table().inputs() : rules.type();
  EXPECT_NE(Extract(type, event, signed_.headers, recipe_.split().array()), "-");
}

// Two samples are two events.
TEST_P(PresetSampleTest, SamplesDiffer) {
  const Sample other = MakeSample(GetParam(), NewSeed(kNow));
  EXPECT_TRUE(other.body != sample_.body || other.event_id != sample_.event_id);
}

INSTANTIATE_TEST_SUITE_P(All, PresetSampleTest, ::testing::ValuesIn(SignablePresets()),
                         [](const auto& test) { return test.param; });

// A seed gives one sample, so that a failing one can be made again.
TEST(SamplesTest, SeedDecides) {
  const SampleSeed seed{.unique = "0123456789abcdef0123456789abcdef", .time = kNow};
  EXPECT_EQ(MakeSample("github", seed).event_id, "01234567-89ab-4def-a123-456789abcdef");
  EXPECT_EQ(MakeSample("stripe", seed).event_id, "evt_0123456789abcdef01234567");
  EXPECT_EQ(MakeSample("stripe", seed).body, MakeSample("stripe", seed).body);
}

// A key pair: the private key as PEM and the public one as the preset takes it.
std::pair<std::string, std::string> MakeKeyPair(config::v1::AlgorithmKind kind) {
  const bool is_ed25519 = kind == config::v1::ALGORITHM_KIND_ED25519;
  EVP_PKEY* const key =
      is_ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen("P-256");
  BIO* const file = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(file, &text);
  std::string pem(text, static_cast<size_t>(bytes));
  BIO_free(file);
  std::string shown;
  if (is_ed25519) {
    std::string raw(32, '\0');
    size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    shown = HexEncode(raw);
  } else {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    shown = Base64Encode({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
    OPENSSL_free(der);
  }
  EVP_PKEY_free(key);
  return {std::move(pem), std::move(shown)};
}

// Schemes that verify with a public key are signed with the private one.
TEST(PublicKeySampleTest, APrivateKeySignsWhatItsPublicKeyVerifies) {
  for (const std::string preset : {"discord", "sendgrid"}) {
    const config::v1::Recipe recipe = *LoadPreset(preset);
    const auto [pem, shown] = MakeKeyPair(recipe.algorithms(0).kind());
    const Sample sample = MakeSample(preset, NewSeed(kNow));
    Unsigned webhook{.body = sample.body,
                     .headers = sample.headers,
                     .public_url = kUrl,
                     .query = "",
                     .event_id = sample.event_id,
                     .time = kNow};
    const auto done = Sign(recipe, pem, webhook);
    ASSERT_TRUE(done.ok()) << preset << done.status();
    const auto verifier = Verifier::Create({.recipe = recipe,
                                            .keys = {{.id = "1", .secret = shown}},
                                            .url_token = "",
                                            .public_url = kUrl});
    ASSERT_TRUE(verifier.ok()) << verifier.status();
    const auto is_authentic = [&](const std::string& body) {
      return std::holds_alternative<VerifiedWebhook>(
          (*verifier)->Verify(MakeRequest("/hooks/x", done->headers, body), kNow));
    };
    EXPECT_TRUE(is_authentic(sample.body)) << preset;
    EXPECT_FALSE(is_authentic(sample.body + " ")) << preset;
    EXPECT_FALSE(Sign(recipe, shown, webhook).ok()) << "the public key cannot sign";
  }
}

}  // namespace
}  // namespace hookbridge::hookctl
