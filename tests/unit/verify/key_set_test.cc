// Public keys that are fetched: what is read of a set, what is asked for, how often, and for how
// long an answer counts.
#include "server/verify/internal/key_set.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/recipes.h"
#include "tests/support/test_jwt.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr auto kEs256 = config::v1::JWT_ALGORITHM_ES256;
constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kBody[] = R"({"id":"evt_1"})";
constexpr char kUrl[] = "https://keys.example/jwks.json";

const ProviderKey& Key(KeyType type = KeyType::kP256) {
  static const auto* const p256 = new ProviderKey(KeyType::kP256);
  static const auto* const rsa = new ProviderKey(KeyType::kRsa2048);
  static const auto* const ed25519 = new ProviderKey(KeyType::kEd25519);
  if (type == KeyType::kRsa2048) return *rsa;
  return type == KeyType::kEd25519 ? *ed25519 : *p256;
}

std::string Set(std::initializer_list<std::string> keys) {
  return StrCat(R"({"keys":[)", StrJoin(std::vector<std::string>(keys), ","), "]}");
}

size_t CountOf(std::string_view json, config::v1::JwtAlgorithm algorithm = kEs256,
               std::string_view pointer = "") {
  const auto read = ReadKeySet(json, pointer, algorithm);
  EXPECT_TRUE(read.ok()) << read.status() << json;
  return read.ok() ? read->size() : 999;
}

TEST(KeySetTest, KeysForTheAlgorithmAreTakenAndOthersPassedOver) {
  const std::string set =
      Set({Key().Jwk("e"), Key(KeyType::kRsa2048).Jwk("r"), Key(KeyType::kEd25519).Jwk("d"),
           R"({"kty":"oct","k":"AAAA"})", R"({"kty":"new"})", "{}", "7", "null", "[]"});
  EXPECT_EQ(CountOf(set), 1u);
  EXPECT_EQ(CountOf(set, config::v1::JWT_ALGORITHM_RS256), 1u);
  EXPECT_EQ(CountOf(set, config::v1::JWT_ALGORITHM_PS256), 1u);
  EXPECT_EQ(CountOf(set, config::v1::JWT_ALGORITHM_EDDSA), 1u);
  EXPECT_EQ(CountOf(set, config::v1::JWT_ALGORITHM_HS256), 0u) << "a public key is no secret";
  EXPECT_EQ(CountOf(Set({Key().Jwk("a", R"(,"use":"sig","alg":"ES256","key_ops":["verify"])")})),
            1u);
  for (const char* const more :
       {R"(,"use":"enc")", R"(,"use":1)", R"(,"alg":"ES384")", R"(,"key_ops":["sign"])",
        R"(,"key_ops":"verify")", R"(,"d":"AAAA")", R"(,"expired_at":"soon")"}) {
    EXPECT_EQ(CountOf(Set({Key().Jwk("a", more)})), 0u) << more;
  }
  EXPECT_EQ(CountOf(Set({Key().Jwk("..")})), 0u);
  EXPECT_EQ(CountOf(Set({Key().Jwk("a b")})), 0u);
}

TEST(KeySetTest, DamagedKeysArePassedOver) {
  const std::string good = Key().Jwk("");
  const size_t x = good.find(R"("x":")") + 5;
  std::string off_curve = good;
  off_curve[x] = off_curve[x] == 'A' ? 'B' : 'A';
  EXPECT_EQ(CountOf(Set({off_curve})), 0u);
  std::string other_curve = good;
  other_curve.replace(other_curve.find("P-256"), 5, "P-384");
  EXPECT_EQ(CountOf(Set({other_curve})), 0u);
  std::string padded = good;
  padded.insert(x + 43, "=");
  EXPECT_EQ(CountOf(Set({padded})), 0u);
  const std::string rsa = Key(KeyType::kRsa2048).Jwk("");
  for (const char* const exponent : {"AQ", "AA", "Ag", "AQAAAAAAAAAB", ""}) {
    std::string changed = rsa;
    changed.replace(changed.find("AQAB"), 4, exponent);
    EXPECT_EQ(CountOf(Set({changed}), config::v1::JWT_ALGORITHM_RS256), 0u) << exponent;
  }
  EXPECT_EQ(CountOf(Set({ProviderKey(KeyType::kRsa1024).Jwk("")}), config::v1::JWT_ALGORITHM_RS256),
            0u);
  EXPECT_EQ(CountOf(Set({R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})",
                         R"({"kty":"OKP","crv":"X25519","x":"AAAA"})"}),
                    config::v1::JWT_ALGORITHM_EDDSA),
            0u);
}

TEST(KeySetTest, SetsAreBoundedAndFound) {
  const auto sized = [](size_t count) {
    std::vector<std::string> keys(count, "{}");
    keys.front() = Key().Jwk("a");
    return StrCat(R"({"keys":[)", StrJoin(keys, ","), "]}");
  };
  EXPECT_EQ(CountOf(sized(limits::kKeySetKeysMax)), 1u);
  EXPECT_THAT(ReadKeySet(sized(limits::kKeySetKeysMax + 1), "", kEs256).status().message(),
              HasSubstr("more than 64"));
  EXPECT_EQ(CountOf(R"({"keys":[]})"), 0u);
  EXPECT_EQ(CountOf(Key().Jwk("a")), 1u);
  EXPECT_EQ(CountOf(StrCat(R"({"key":)", Key().Jwk("a"), "}"), kEs256, "/key"), 1u);
  EXPECT_EQ(CountOf(StrCat(R"({"a":[)", sized(2), "]}"), kEs256, "/a/0"), 1u);
  for (const char* const bad : {"", "x", "[]", "{}", "7", R"({"keys":{}})", R"({"keys":7})",
                                R"({"key":{}})", R"({"keys":[],"keys":[]})"}) {
    EXPECT_FALSE(ReadKeySet(bad, "", kEs256).ok()) << bad;
  }
}

// A source whose keys are fetched, with a provider that counts what it is asked.
class KeySetSourceTest : public testing::Test {
 protected:
  void Source(std::string_view key_set = "url: 'https://keys.example/jwks.json'") {
    options_ = VerifierOptions();
    options_.recipe =
        RecipeOf(StrCat("algorithms: [{kind: jwt}]\njwt: {algorithm: es256, max_age: "
                        "0s, key_set: {",
                        key_set, "}}\n"));
    verifier_.reset();
  }
  std::string Problem() {
    auto made = Verifier::Create(options_);
    if (!made.ok()) return std::string(ToStd(made.status().message()));
    verifier_ = *std::move(made);
    return "";
  }
  static WebhookRequest Request(const ProviderKey& key, std::string_view kid,
                                std::string_view body = kBody) {
    const std::string header =
        kid.empty() ? R"({"alg":"ES256"})" : StrCat(R"({"alg":"ES256","kid":")", kid, "\"}");
    const std::string claims = StrCat(R"({"request_body_sha256":")", Sha256Hex(kBody), "\"}");
    return RequestBuilder()
        .Header("Authorization", StrCat("Bearer ", MakeToken(header, claims, key, kEs256)))
        .Body(body)
        .Build();
  }
  // The verdict at `now_`, with what the provider answers.
  std::string Word(const WebhookRequest& request) {
    if (verifier_ == nullptr) {
      EXPECT_EQ(Problem(), "");
    }
    Verdict verdict = verifier_->Verify(request, now_);
    if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
      ++asked_;
      need_ = needed->need;
      verdict = verifier_->VerifyFetched(std::move(*needed), answer_, now_);
    }
    if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict)) {
      return "ok:" + good->key_id();
    }
    detail_ = std::get<Rejection>(verdict).detail;
    return std::string(ReasonName(std::get<Rejection>(verdict).reason));
  }
  std::string Word(std::string_view kid, const ProviderKey& key = Key()) {
    return Word(Request(key, kid));
  }
  void Serve(const std::string& body, int status = 200) {
    answer_ = {.error = {}, .status = status, .body = body};
  }
  void Fail() { answer_ = {.error = "connect: refused", .status = 0, .body = {}}; }

  VerifierOptions options_;
  std::unique_ptr<Verifier> verifier_;
  absl::Time now_ = kNow;
  FetchAnswer answer_;
  FetchNeed need_;
  std::string detail_;
  int asked_ = 0;
};

TEST_F(KeySetSourceTest, KeysAreFetchedOnceAndKept) {
  Source();
  Serve(Set({Key(KeyType::kRsa2048).Jwk("other"), Key().Jwk("a")}));
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_TRUE(verifier_->MayFetch());
  EXPECT_EQ(need_.purpose, FetchPurpose::kKeySet);
  EXPECT_EQ(need_.url, kUrl);
  EXPECT_EQ(need_.host, "keys.example");
  EXPECT_EQ(need_.body, "");
  now_ += limits::kKeySetMaxAge - absl::Seconds(1);
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(Word(""), "ok:a") << "a token may name no key";
  EXPECT_EQ(Word("a", ProviderKey(KeyType::kP256)), "signature_mismatch");
  EXPECT_EQ(Word(Request(Key(), "a", "{}")), "signature_mismatch");
  EXPECT_EQ(asked_, 1);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(asked_, 2);
}

TEST_F(KeySetSourceTest, WhatNoKeyCouldSaveAsksForNone) {
  Source();
  EXPECT_EQ(Word(Request(Key(), "a", "{}")), "signature_mismatch");
  EXPECT_EQ(Word(RequestBuilder().Body(kBody).Build()), "credential_missing");
  EXPECT_EQ(Word(RequestBuilder().Header("Authorization", "Bearer a.b.c").Build()),
            "credential_malformed");
  EXPECT_EQ(asked_, 0);
}

// A new key is found at once, a removed one ends with the set that had it.
TEST_F(KeySetSourceTest, TheProviderRotates) {
  Source();
  const ProviderKey next(KeyType::kP256);
  Serve(Set({Key().Jwk("a")}));
  EXPECT_EQ(Word("a"), "ok:a");
  now_ += limits::kKeySetRefetchInterval;
  Serve(Set({Key().Jwk("a"), next.Jwk("b")}));
  EXPECT_EQ(Word("b", next), "ok:b");
  EXPECT_EQ(asked_, 2);
  Serve(Set({next.Jwk("b")}));
  now_ += limits::kKeySetMaxAge;
  EXPECT_EQ(Word("a"), "unknown_key_id");
  EXPECT_EQ(Word("b", next), "ok:b");
  EXPECT_EQ(asked_, 3);
  Serve(Set({}));
  now_ += limits::kKeySetMaxAge;
  EXPECT_EQ(Word("b", next), "unknown_key_id") << "a set may end with no key at all";
}

// Forged key ids do not become requests of the provider.
TEST_F(KeySetSourceTest, UnknownKeyIdsAskOnceInAnInterval) {
  Source();
  Serve(Set({Key().Jwk("a")}));
  EXPECT_EQ(Word("a"), "ok:a");
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Word(StrCat("forged", i)), "unknown_key_id");
  EXPECT_EQ(asked_, 1) << "the set has just come";
  now_ += limits::kKeySetRefetchInterval - absl::Milliseconds(1);
  EXPECT_EQ(Word("forged"), "unknown_key_id");
  EXPECT_EQ(asked_, 1);
  now_ += absl::Milliseconds(1);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Word(StrCat("forged", i)), "unknown_key_id");
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(Word("a"), "ok:a");
}

// While the provider cannot be asked, its known keys count on for a while, and unknown ones wait.
TEST_F(KeySetSourceTest, AFailureIsBridgedForAWhile) {
  Source();
  Serve(Set({Key().Jwk("a")}));
  EXPECT_EQ(Word("a"), "ok:a");
  Fail();
  now_ += limits::kKeySetRefetchInterval;
  EXPECT_EQ(Word("new"), "key_set_unavailable") << "it may be new";
  EXPECT_EQ(Word("new"), "key_set_unavailable");
  EXPECT_THAT(detail_, HasSubstr("connect: refused"));
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(asked_, 2);
  now_ = kNow + limits::kKeySetMaxAge;
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(asked_, 3);
  now_ += limits::kKeySetFailureMaxAge;
  EXPECT_EQ(Word("a"), "ok:a");
  EXPECT_EQ(asked_, 4);
  now_ = kNow + limits::kKeySetMaxAge + limits::kKeySetGrace - absl::Seconds(1);
  EXPECT_EQ(Word("a"), "ok:a");
  now_ += absl::Seconds(1);
  EXPECT_EQ(Word("a"), "key_set_unavailable");
  Serve(Set({Key().Jwk("a")}));
  now_ += limits::kKeySetFailureMaxAge;
  EXPECT_EQ(Word("a"), "ok:a");
}

TEST_F(KeySetSourceTest, AFailureAtFirstIsRememberedShortly) {
  Source();
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {404, ""}, {500, ""}, {301, ""}, {200, "no set"}, {200, Set({}) + "x"}}) {
    Serve(body, status);
    const int before = asked_;
    EXPECT_EQ(Word("a"), "key_set_unavailable") << status << body;
    EXPECT_EQ(Word("b"), "key_set_unavailable");
    EXPECT_EQ(asked_, before + 1);
    now_ += limits::kKeySetFailureMaxAge;
  }
  Serve(Set({Key().Jwk("a")}));
  EXPECT_EQ(Word("a"), "ok:a");
}

TEST_F(KeySetSourceTest, AKeyEndsWhenItSays) {
  Source();
  const auto with = [](absl::Time end) {
    return Key().Jwk("a", StrCat(R"(,"expired_at":)", absl::ToUnixSeconds(end)));
  };
  Serve(Set({with(kNow + absl::Seconds(1))}));
  EXPECT_EQ(Word("a"), "ok:a");
  now_ += absl::Seconds(1);
  EXPECT_EQ(Word("a"), "no_active_key");
  Source();
  Serve(Set({Key().Jwk("a", R"(,"expired_at":null)")}));
  EXPECT_EQ(Word("a"), "ok:a");
}

// Where each key is asked for by its id, as of Plaid.
class KeyByIdTest : public KeySetSourceTest {
 protected:
  KeyByIdTest() {
    Source(R"(url: 'https://keys.example/get?v={kid}', pointer: /key, body: )"
           R"('{"client": "{config:client}", "secret": "{secret}", "key_id": "{kid}"}')");
    options_.values = {{"client", "c\"1"}};
    options_.keys = {{.id = "k1", .secret = "s\\ecret{kid}"}};
  }
  void ServeKey(std::string_view kid) {
    Serve(StrCat(R"({"key":)", Key().Jwk(kid), R"(,"request_id":"r"})"));
  }
};

TEST_F(KeyByIdTest, TheQuestionHoldsWhatItsMarksSay) {
  ServeKey("a/b+c");
  EXPECT_EQ(Word("a/b+c"), "ok:a/b+c");
  EXPECT_EQ(need_.url, "https://keys.example/get?v=a%2fb%2bc");
  EXPECT_EQ(need_.host, "keys.example");
  EXPECT_EQ(need_.body, R"({"client": "c\"1", "secret": "s\\ecret{kid}", "key_id": "a/b+c"})");
}

// What a token writes in its id stays inside the text that it stands in, and is no mark.
TEST_F(KeyByIdTest, AKeyIdIsDataAlone) {
  Serve("", 400);
  EXPECT_EQ(Word(R"(\u0022,\u0022x\u0022:\u0022{secret}\\)"), "unknown_key_id");
  EXPECT_EQ(need_.body,
            R"({"client": "c\"1", "secret": "s\\ecret{kid}", "key_id": "\",\"x\":\"{secret}\\"})");
  EXPECT_EQ(need_.url, "https://keys.example/get?v=%22%2c%22x%22%3a%22%7bsecret%7d%5c");
  EXPECT_EQ(Word("@evil.example/"), "unknown_key_id");
  EXPECT_EQ(need_.url, "https://keys.example/get?v=%40evil.example%2f");
  EXPECT_EQ(detail_.find("ecret{kid}"), std::string::npos);
}

TEST_F(KeyByIdTest, ForgedIdsAreAskedForWithinABudgetAndHurtNoKnownKey) {
  ServeKey("a");
  EXPECT_EQ(Word("a"), "ok:a");
  Serve(R"({"error_code":"INVALID_FIELD"})", 400);
  for (size_t i = 0; i < limits::kNewKeySetsPerIntervalMax; ++i) {
    EXPECT_EQ(Word(StrCat("forged", i)), "unknown_key_id");
    EXPECT_EQ(Word(StrCat("forged", i)), "unknown_key_id") << "remembered";
  }
  const int most = static_cast<int>(limits::kNewKeySetsPerIntervalMax) + 1;
  EXPECT_EQ(asked_, most);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Word(StrCat("more", i)), "key_set_unavailable");
  EXPECT_EQ(asked_, most);
  EXPECT_EQ(Word("a"), "ok:a");
  now_ += limits::kKeySetRefetchInterval;
  ServeKey("b");
  EXPECT_EQ(Word("b"), "ok:b");
  EXPECT_EQ(asked_, most + 1);
}

TEST_F(KeyByIdTest, TheOldestOfTooManySetsGoes) {
  const auto ask = [this](size_t i) {
    ServeKey(StrCat("k", i));
    EXPECT_EQ(Word(StrCat("k", i)), StrCat("ok:k", i));
    now_ += absl::Milliseconds(1);
  };
  for (size_t round = 0; round < 2; ++round) {
    for (size_t i = 0; i < limits::kKeySetsMax; ++i) ask(i);
  }
  const int most = static_cast<int>(limits::kKeySetsMax);
  EXPECT_EQ(asked_, most) << "all are kept";
  ask(limits::kKeySetsMax);
  for (size_t i = 1; i <= limits::kKeySetsMax; ++i) ask(i);
  EXPECT_EQ(asked_, most + 1);
  ask(0);
  EXPECT_EQ(asked_, most + 2);
}

// A key that the provider no longer knows ends at once, not after a grace.
TEST_F(KeyByIdTest, AKeyThatIsGoneIsGone) {
  ServeKey("a");
  EXPECT_EQ(Word("a"), "ok:a");
  now_ += limits::kKeySetMaxAge;
  Serve("", 404);
  EXPECT_EQ(Word("a"), "unknown_key_id");
  Fail();
  now_ += limits::kKeySetRefetchInterval;
  EXPECT_EQ(Word("a"), "key_set_unavailable");
  for (const int status : {401, 403, 408, 429, 500}) {
    now_ += limits::kKeySetFailureMaxAge;
    Serve("", status);
    EXPECT_EQ(Word("a"), "key_set_unavailable") << status;
  }
}

TEST_F(KeyByIdTest, WhatItTakesToAskIsThereOrSaid) {
  EXPECT_EQ(Word(""), "unknown_key_id");
  EXPECT_EQ(asked_, 0);
  options_.keys.front().not_after = kNow;
  verifier_.reset();
  EXPECT_EQ(Word("a"), "no_active_key");
  options_.keys.clear();
  EXPECT_THAT(Problem(), HasSubstr("keys: none"));
  options_.keys = {{.id = "k1", .secret = "s"}};
  options_.values.clear();
  EXPECT_THAT(Problem(), HasSubstr("values.client: is missing"));
  Source();
  options_.keys = {{.id = "k1", .secret = "s"}};
  EXPECT_THAT(Problem(), HasSubstr("keys: the provider's own keys are fetched"));
}

TEST_F(KeySetSourceTest, QuestionsThatCannotBeAskedAreRefused) {
  const auto problem = [this](const std::string& key_set) {
    Source(key_set);
    options_.values = {{"host", "keys.example"}, {"port", "keys.example:8443"}};
    return Problem();
  };
  EXPECT_EQ(problem("url: 'https://{config:host}/jwks.json'"), "");
  for (const char* const url :
       {"http://keys.example/k", "https://keys.example", "https://{kid}/k", "https://a.{kid}/k",
        "https://keys.example:443/k", "https://u@keys.example/k", "https://keys.example/k#x",
        "https://{config:port}/k", "https://keys.example/k?s={secret}", "x"}) {
    EXPECT_THAT(problem(StrCat("url: '", url, "'")), HasSubstr("jwt.key_set.url: is no https URL"))
        << url;
  }
  EXPECT_THAT(problem("url: 'https://{config:none}/k'"), HasSubstr("values.none: is missing"));
  EXPECT_THAT(problem("url: 'https://keys.example/k', body: '{kid}'"),
              HasSubstr("jwt.key_set.body: is not JSON"));
  const std::string path(limits::kUrlBytesMax - 3 * limits::kJwtKeyIdBytesMax - 21, 'a');
  EXPECT_EQ(problem(StrCat("url: 'https://keys.example/", path, "{kid}'")), "");
  EXPECT_THAT(problem(StrCat("url: 'https://keys.example/", path, "a{kid}'")),
              HasSubstr("at most 2048"));
  const std::string text(limits::kFetchBodyBytesMax - 2 * limits::kJwtKeyIdBytesMax - 2, 'a');
  EXPECT_EQ(problem(StrCat("url: 'https://keys.example/k', body: '\"", text, "{kid}\"'")), "");
  EXPECT_THAT(problem(StrCat("url: 'https://keys.example/k', body: '\"", text, "a{kid}\"'")),
              HasSubstr("may have more than 8192"));
}

}  // namespace
}  // namespace hookbridge
