// Tokens and key sets from strangers: nobody has the keys, so no token verifies, what is read of
// one can be written back as it came, and the explanation agrees with the verdict. Input: a token,
// a line feed, and what is body, key set and one key at once.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/jws.h"
#include "server/verify/internal/key_set.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace {

using namespace hookbridge;
using config::v1::JwtAlgorithm;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kSecret[] = "not a secret that anybody uses!!";

// RFC 7515 appendix A.3; its private key signs nothing that the rules below take.
constexpr char kSet[] = R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k",)"
                        R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckToken(std::string_view token) {
  for (int i = 0; i <= config::v1::JwtAlgorithm_MAX; ++i) {
    for (const bool detached : {false, true}) {
      Jws jws;
      if (ReadJws(token, static_cast<JwtAlgorithm>(i), detached, jws)) continue;
      Require(token.size() <= limits::kJwtBytesMax && jws.payload.empty() == detached);
      Require(jws.key_id.empty() || IsKeyId(jws.key_id));
      Require(StrCat(jws.header, ".", Base64UrlEncode(jws.payload), ".",
                     Base64UrlEncode(jws.signature)) == token);
      Require(StrCat(jws.signing_input, ".", Base64UrlEncode(jws.signature)) == token);
    }
  }
}

void CheckKeys(std::string_view json) {
  for (int i = 0; i <= config::v1::JwtAlgorithm_MAX; ++i) {
    const auto algorithm = static_cast<JwtAlgorithm>(i);
    for (const char* const pointer : {"", "/key", "/0"}) {
      const auto set = ReadKeySet(json, pointer, algorithm);
      if (!set.ok()) continue;
      Require(set->size() <= limits::kKeySetKeysMax);
      Require(set->empty() || !IsHmac(algorithm));
      for (const WebKey& key : *set) Require(key.id.empty() || IsKeyId(key.id));
    }
  }
}

std::unique_ptr<Verifier> MakeVerifier(bool fetches, bool claims) {
  VerifierOptions options;
  config::v1::Recipe& recipe = options.recipe;
  recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_JWT);
  if (claims) {
    recipe.mutable_jwt()->add_issuers("i");
    recipe.mutable_jwt()->add_audiences("a");
    (*recipe.mutable_jwt()->mutable_claims())["c"] = "t";
    recipe.mutable_jwt()->set_url_hash_claim("u");
  } else {
    recipe.add_message()->set_body(true);
    recipe.mutable_jwt()->set_detached(true);
  }
  if (fetches) {
    recipe.mutable_jwt()->set_algorithm(config::v1::JWT_ALGORITHM_ES256);
    recipe.mutable_jwt()->mutable_key_set()->set_url("https://keys.example/{kid}");
    recipe.mutable_jwt()->mutable_key_set()->set_body(R"({"k":"{kid}","s":"{secret}"})");
  }
  options.keys.push_back({.id = "k", .secret = kSecret});
  options.public_url = "https://hooks.example/hooks/test";
  auto verifier = Verifier::Create(std::move(options));
  Require(verifier.ok());
  return *std::move(verifier);
}

void CheckVerdict(const Verifier& verifier, std::string_view token, std::string_view body) {
  const RequestBuilder builder =
      RequestBuilder().Header("Authorization", StrCat("Bearer ", token)).Body(body);
  Verdict verdict = verifier.Verify(builder.Build(), kNow);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
    Require(needed->need.host == "keys.example" && needed->need.url.size() <= limits::kUrlBytesMax);
    Require(needed->need.url.starts_with("https://keys.example/"));
    Require(needed->need.body.size() <= limits::kFetchBodyBytesMax);
    verdict = verifier.VerifyFetched(std::move(*needed), {.status = 200, .body = kSet}, kNow);
  }
  Require(std::holds_alternative<Rejection>(verdict));
  const Rejection& rejection = std::get<Rejection>(verdict);
  Require(!rejection.detail.empty() && rejection.detail.find(kSecret) == std::string::npos);
  const auto steps = verifier.Explain(rejection.request, kNow);
  Require(!steps.empty() && steps.back().what == ReasonName(rejection.reason));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view token = input.substr(0, input.find('\n'));
  const std::string_view rest = input.substr(std::min(token.size() + 1, input.size()));
  CheckToken(token);
  CheckKeys(rest);
  for (const bool fetches : {false, true}) {
    for (const bool claims : {false, true}) {
      // Made anew, so that an input does the same whatever came before it.
      CheckVerdict(*MakeVerifier(fetches, claims), token, rest);
    }
  }
  return 0;
}
