// What Recipe.jwt asks of a token's claims, where the token is, and which rules are refused.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/recipe_use.h"
#include "tests/support/recipes.h"
#include "tests/support/test_jwt.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kSecret[] = "a secret of thirty-two characters";
constexpr char kBody[] = R"({"id":"evt_1"})";
constexpr char kHs256[] = R"({"alg":"HS256"})";

// A recipe of HS256 tokens; `jwt` and `more` are YAML.
class JwtRuleTest : public testing::Test {
 protected:
  void Rule(std::string_view jwt, std::string_view more = "") {
    recipe_ = RecipeOf(StrCat("algorithms: [{kind: jwt}]\n", more, "\njwt: {", jwt, "}\n"));
    verifier_.reset();
  }
  std::string Problem() {
    VerifierOptions options;
    options.recipe = recipe_;
    options.values = values_;
    options.public_url = public_url_;
    if (!recipe_.jwt().has_key_set()) options.keys.push_back({.id = "k1", .secret = kSecret});
    auto made = Verifier::Create(std::move(options));
    if (!made.ok()) return std::string(ToStd(made.status().message()));
    verifier_ = *std::move(made);
    return "";
  }
  std::string WordOf(const RequestBuilder& request, absl::Time now = kNow) {
    if (verifier_ == nullptr) {
      EXPECT_EQ(Problem(), "");
    }
    return VerdictOf(*verifier_, request, now);
  }
  // The verdict on claims that hold `text` beside the hash of the body.
  std::string Word(std::string_view text, absl::Time now = kNow) {
    const std::string claims = StrCat(R"({"request_body_sha256":")", Sha256Hex(kBody), "\"",
                                      text.empty() ? "" : ",", text, "}");
    return WordOf(Bearer(MakeToken(kHs256, claims, kSecret)), now);
  }
  static RequestBuilder Bearer(std::string_view token) {
    return RequestBuilder().Header("Authorization", StrCat("Bearer ", token)).Body(kBody);
  }

  config::v1::Recipe recipe_;
  std::map<std::string, std::string, std::less<>> values_;
  std::string public_url_ = "https://hooks.example/hooks/test";
  std::unique_ptr<Verifier> verifier_;
};

std::string At(std::string_view name, absl::Time time) {
  return StrCat("\"", name, "\":", absl::ToUnixSeconds(time));
}

TEST_F(JwtRuleTest, TimesHaveTheirWindows) {
  Rule("max_age: 100s, leeway: 10s");
  const auto s = [](int64_t seconds) { return absl::Seconds(seconds); };
  EXPECT_EQ(Word(At("iat", kNow - s(110))), "ok:k1");
  EXPECT_EQ(Word(At("iat", kNow - s(111))), "timestamp_stale");
  EXPECT_EQ(Word(At("iat", kNow + s(10))), "ok:k1");
  EXPECT_EQ(Word(At("iat", kNow + s(11))), "timestamp_future");
  EXPECT_EQ(Word(""), "timestamp_missing");
  const std::string iat = At("iat", kNow) + ",";
  EXPECT_EQ(Word(iat + At("exp", kNow - s(9))), "ok:k1");
  EXPECT_EQ(Word(iat + At("exp", kNow - s(10))), "timestamp_stale");
  EXPECT_EQ(Word(iat + At("nbf", kNow + s(10))), "ok:k1");
  EXPECT_EQ(Word(iat + At("nbf", kNow + s(11))), "timestamp_future");
  EXPECT_EQ(Word(R"("iat":1699999999.5)"), "ok:k1");
  for (const char* const bad :
       {R"("iat":"1700000000")", R"("iat":null)", R"("iat":-1)", R"("iat":1e12)", R"("iat":[1])",
        R"("iat":1700000000,"exp":"1800000000")", R"("iat":1700000000,"nbf":true)"}) {
    EXPECT_EQ(Word(bad), "timestamp_malformed") << bad;
  }
}

TEST_F(JwtRuleTest, TimesHaveDefaults) {
  Rule("issuers: []");
  const absl::Duration most = limits::kJwtMaxAge + limits::kJwtLeeway;
  EXPECT_EQ(Word(At("iat", kNow - most)), "ok:k1");
  EXPECT_EQ(Word(At("iat", kNow - most - absl::Seconds(1))), "timestamp_stale");
  EXPECT_EQ(Word(At("iat", kNow + limits::kJwtLeeway)), "ok:k1");
  EXPECT_EQ(Word(At("iat", kNow + limits::kJwtLeeway + absl::Seconds(1))), "timestamp_future");
}

TEST_F(JwtRuleTest, WithoutAnAgeNoIatIsAskedForAndAReplayIsToldByTheToken) {
  Rule("max_age: 0s", "event: {id: [{header: X-Id}]}");
  EXPECT_EQ(Word(""), "ok:k1");
  EXPECT_EQ(Word(At("iat", kNow - absl::Hours(9))), "ok:k1");
  EXPECT_EQ(Word(At("exp", kNow - absl::Hours(9))), "timestamp_stale");
  EXPECT_TRUE(CanSuspectReplays(recipe_));
  Rule("max_age: 10s", "event: {id: [{header: X-Id}]}");
  EXPECT_FALSE(CanSuspectReplays(recipe_));
  Rule("max_age: 0s", "event: {id: [{json_pointer: /id}]}");
  EXPECT_FALSE(CanSuspectReplays(recipe_)) << "the id is in the body, which is covered";
}

TEST_F(JwtRuleTest, PartiesAreThoseOfTheRule) {
  values_ = {{"us", "me@example"}};
  Rule(
      "max_age: 0s, issuers: [a, b], audiences: ['config:us', other], claims: {email: x, ok: "
      "'true'}");
  const std::string rest = R"(,"email":"x","ok":true)";
  const auto word = [&](std::string_view claims) { return Word(StrCat(claims, rest)); };
  EXPECT_EQ(word(R"("iss":"a","aud":"me@example")"), "ok:k1");
  EXPECT_EQ(word(R"("iss":"b","aud":["x","other"])"), "ok:k1");
  for (const char* const bad :
       {R"("iss":"c","aud":"other")", R"("aud":"other")", R"("iss":["a"],"aud":"other")",
        R"("iss":"a")", R"("iss":"a","aud":"config:us")", R"("iss":"a","aud":[])",
        R"("iss":"a","aud":["x"])", R"("iss":"a","aud":{"x":"other"})",
        R"("iss":"a","aud":["other",1])", R"("iss":"a","aud":"othe")"}) {
    EXPECT_EQ(word(bad), "claim_mismatch") << bad;
  }
  const std::string parties = R"("iss":"a","aud":"other")";
  for (const char* const bad :
       {R"(,"email":"y","ok":true)", R"(,"ok":true)", R"(,"email":"x","ok":false)",
        R"(,"email":["x"],"ok":true)", R"(,"email":null,"ok":true)"}) {
    EXPECT_EQ(Word(parties + bad), "claim_mismatch") << bad;
  }
  values_.clear();
  EXPECT_THAT(Problem(), HasSubstr("values.us: is missing"));
}

TEST_F(JwtRuleTest, AudiencesAreBounded) {
  Rule("max_age: 0s, audiences: [us]");
  const auto with = [](size_t count) {
    std::string list = R"("aud":["us")";
    for (size_t i = 1; i < count; ++i) list += R"(,"x")";
    return list + "]";
  };
  EXPECT_EQ(Word(with(limits::kJwtAudiencesMax)), "ok:k1");
  EXPECT_EQ(Word(with(limits::kJwtAudiencesMax + 1)), "claim_mismatch");
  auto& audiences = *recipe_.mutable_jwt()->mutable_audiences();
  while (static_cast<size_t>(audiences.size()) < limits::kJwtAudiencesMax) audiences.Add("x");
  EXPECT_EQ(Problem(), "");
  audiences.Add("x");
  EXPECT_THAT(Problem(), HasSubstr("more than 16"));
}

TEST_F(JwtRuleTest, HashesHaveTheirClaimHashAndEncoding) {
  Rule("max_age: 0s, body_hash_claim: h, body_hash: sha512, body_hash_encoding: base64");
  const auto word = [&](std::string_view claims) {
    return WordOf(Bearer(MakeToken(kHs256, claims, kSecret)));
  };
  // printf '{"id":"evt_1"}' | openssl dgst -sha512 -binary | base64 -w0
  const std::string good =
      "Y2jVhs81wT0BDnAvfziTyoOsv7COJ+dn9pQGIFigkicvTyPZI8e3eTejchy4domCIuENc9stG7f1Uy4rmdLWsg==";
  EXPECT_EQ(word(StrCat(R"({"h":")", good, "\"}")), "ok:k1");
  EXPECT_EQ(word(StrCat(R"({"h":")", good.substr(0, good.size() - 2), "\"}")), "claim_mismatch");
  EXPECT_EQ(word(StrCat(R"({"h":")", Base64Encode(std::string(64, 'x')), "\"}")),
            "signature_mismatch");
  EXPECT_EQ(word(StrCat(R"({"h":")", Base64Encode(std::string(32, 'x')), "\"}")),
            "signature_mismatch");
  EXPECT_EQ(word(StrCat(R"({"h":[")", good, "\"]}")), "claim_mismatch");
  EXPECT_EQ(word(R"({"h":""})"), "claim_mismatch");
  EXPECT_EQ(word("{}"), "claim_mismatch");
}

TEST_F(JwtRuleTest, TheUrlsHashCoversTheQuery) {
  Rule("max_age: 0s, url_hash_claim: u");
  const auto with = [&](const std::string& url, std::string_view query) {
    return WordOf(Bearer(MakeToken(kHs256,
                                   StrCat(R"({"u":")", Sha256Hex(url),
                                          R"(","request_body_sha256":")", Sha256Hex(kBody), "\"}"),
                                   kSecret))
                      .Query(query));
  };
  EXPECT_EQ(with(public_url_ + "?a=b", "a=b"), "ok:k1");
  EXPECT_EQ(with(public_url_, ""), "ok:k1");
  EXPECT_EQ(with(public_url_ + "?a=b", "a=c"), "signature_mismatch");
  EXPECT_EQ(with(public_url_, "a=b"), "signature_mismatch");
  EXPECT_EQ(Word(""), "claim_mismatch");
  public_url_.clear();
  EXPECT_THAT(Problem(), HasSubstr("jwt.url_hash_claim: needs the source's public_url"));
}

TEST_F(JwtRuleTest, TheTokenIsWhereTheRecipeSays) {
  const std::string token =
      MakeToken(kHs256, StrCat(R"({"request_body_sha256":")", Sha256Hex(kBody), "\"}"), kSecret);
  const auto with = [&](std::string_view name, std::string_view before) {
    return WordOf(RequestBuilder().Header(name, StrCat(before, token)).Body(kBody));
  };
  Rule("max_age: 0s");
  EXPECT_EQ(with("Authorization", "bearer "), "ok:k1");
  EXPECT_EQ(with("Authorization", "Bearer   "), "ok:k1");
  EXPECT_EQ(with("Authorization", ""), "credential_malformed");
  EXPECT_EQ(with("Authorization", "Basic "), "credential_malformed");
  EXPECT_EQ(with("X-Token", ""), "credential_missing");
  Rule("max_age: 0s", "signature: {headers: [X-Token, authorization]}");
  EXPECT_EQ(with("X-Token", ""), "ok:k1");
  EXPECT_EQ(with("X-Token", "Bearer "), "credential_malformed");
  EXPECT_EQ(with("Authorization", "Bearer "), "ok:k1");
  Rule("max_age: 0s",
       "signature: {headers: [X-Token], syntax: prefix, prefix: 'JWT ', prefix_optional: true}");
  EXPECT_EQ(with("X-Token", "JWT "), "ok:k1");
  EXPECT_EQ(with("X-Token", ""), "ok:k1");
  recipe_.mutable_signature()->clear_prefix_optional();
  verifier_.reset();
  EXPECT_EQ(with("X-Token", ""), "credential_malformed");
}

// Whoever names a secret shows its id to nobody; of public keys the id chooses.
TEST(JwtKeyTest, AKeyIdChoosesAmongKeys) {
  const auto header = [](std::string_view alg, std::string_view kid) {
    return StrCat(R"({"alg":")", alg, R"(","kid":")", kid, "\"}");
  };
  const std::string claims =
      StrCat(R"({"iat":1700000000,"request_body_sha256":")", Sha256Hex(kBody), "\"}");
  const auto request = [](const std::string& token) {
    return RequestBuilder().Header("Authorization", "Bearer " + token).Body(kBody);
  };
  const auto secrets =
      *VerifierOf(RecipeOf("algorithms: [{kind: jwt}]\n"), {"first secret", kSecret});
  const auto hs = [&](std::string_view kid) {
    return VerdictOf(*secrets, request(MakeToken(header("HS256", kid), claims, kSecret)), kNow);
  };
  EXPECT_EQ(hs("4ca2"), "ok:k2");
  EXPECT_EQ(hs("k2"), "ok:k2");
  EXPECT_EQ(hs("k1"), "signature_mismatch") << "it names the other key";

  const ProviderKey first(KeyType::kP256);
  const ProviderKey second(KeyType::kP256);
  const auto keys = *VerifierOf(RecipeOf("algorithms: [{kind: jwt}]\njwt: {algorithm: es256}\n"),
                                {first.PublicPem(), second.Jwk("named")});
  const auto es = [&](const ProviderKey& key, const std::string& head) {
    return VerdictOf(*keys, request(MakeToken(head, claims, key, config::v1::JWT_ALGORITHM_ES256)),
                     kNow);
  };
  EXPECT_EQ(es(first, header("ES256", "k1")), "ok:k1");
  EXPECT_EQ(es(second, header("ES256", "k2")), "ok:k2");
  EXPECT_EQ(es(second, header("ES256", "named")), "ok:k2");
  EXPECT_EQ(es(second, R"({"alg":"ES256"})"), "ok:k2");
  EXPECT_EQ(es(first, header("ES256", "named")), "signature_mismatch");
  EXPECT_EQ(es(first, header("ES256", "k3")), "unknown_key_id");
  for (const std::string& bad :
       {std::string(), std::string(".."), std::string("a b"), std::string("a\\u0000"),
        std::string("\xc3\xa9"), std::string(limits::kJwtKeyIdBytesMax + 1, 'a')}) {
    EXPECT_EQ(es(first, header("ES256", bad)), "signature_malformed") << bad;
  }
  EXPECT_EQ(es(first, header("ES256", std::string(limits::kJwtKeyIdBytesMax, 'a'))),
            "unknown_key_id");
  EXPECT_EQ(es(first, R"({"alg":"ES256","kid":7})"), "signature_malformed");
}

TEST_F(JwtRuleTest, AKeyThatIsNotValidNowIsNone) {
  VerifierOptions options;
  options.recipe = RecipeOf("algorithms: [{kind: jwt}]\n");
  options.keys.push_back({.id = "k1", .secret = kSecret, .not_after = kNow});
  verifier_ = *Verifier::Create(std::move(options));
  EXPECT_EQ(Word(At("iat", kNow)), "no_active_key");
  EXPECT_EQ(Word(At("iat", kNow), kNow - absl::Seconds(1)), "ok:k1");
}

TEST_F(JwtRuleTest, WhatCannotWorkIsSaid) {
  const auto problem = [&](std::string_view jwt, std::string_view more = "") {
    Rule(jwt, more);
    return Problem();
  };
  EXPECT_THAT(problem("body_hash: sha1"), HasSubstr("recipe.jwt.body_hash: is broken"));
  EXPECT_THAT(problem("body_hash: md5"), HasSubstr("recipe.jwt.body_hash: is broken"));
  EXPECT_THAT(problem("issuers: ['']"), HasSubstr("recipe.jwt.issuers"));
  EXPECT_THAT(problem("audiences: ['']"), HasSubstr("recipe.jwt.audiences"));
  EXPECT_THAT(problem("claims: {email: ''}"), HasSubstr("recipe.jwt.claims"));
  EXPECT_THAT(problem("claims: {email: 'config:none'}"), HasSubstr("values.none: is missing"));
  EXPECT_THAT(problem("key_set: {url: 'https://a.example/k'}"),
              HasSubstr("holds public keys, and HS256 is by a secret"));
  EXPECT_THAT(problem("algorithm: es256, key_set: {}"), HasSubstr("jwt.key_set.url: is empty"));
  EXPECT_THAT(problem("algorithm: es256, key_set: {url: 'https://a.example/k', pointer: x}"),
              HasSubstr("jwt.key_set.pointer"));
  EXPECT_THAT(
      problem("algorithm: es256, key_set: {url: 'https://a.example/k'}", "body_not_signed: true"),
      HasSubstr("recipe.jwt.audiences: is empty"));
  EXPECT_THAT(problem("detached: true"), HasSubstr("must contain {body: true}"));
  EXPECT_THAT(problem("detached: true", "message: [{body: true}, {secret: true}]"),
              HasSubstr("for kind digest"));
  EXPECT_THAT(problem("", "message: [{body: true}]"), HasSubstr("recipe.message: is signed in"));
  EXPECT_THAT(problem("", "timestamp: {header: X-Time}"), HasSubstr("recipe.timestamp"));
  EXPECT_THAT(problem("", "signature: {headers: [X-*]}"), HasSubstr("write its whole name"));
  EXPECT_THAT(problem("", "signature: {headers: [X], syntax: list}"),
              HasSubstr("a token is bare or has a prefix"));
  EXPECT_THAT(problem("", "signature: {headers: [X], syntax: prefix}"),
              HasSubstr("signature.prefix: is empty"));
  EXPECT_THAT(problem("", "signature: {json_pointer: /x}"), HasSubstr("signature.json_pointer"));
  EXPECT_THAT(problem("", "signature: {encoding: base64}"), HasSubstr("signature.encoding"));
  EXPECT_THAT(problem("", "key_id_header: X-Key"), HasSubstr("key_id_header"));
}

// Each field of the rule is read, or refused.
TEST_F(JwtRuleTest, WhatNothingReadsIsRefused) {
  const auto unread = [](std::string_view yaml) {
    const auto fields = UnreadFields(RecipeOf(yaml));
    return fields.empty() ? std::string() : fields.front().field;
  };
  EXPECT_EQ(unread("algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\njwt: {max_age: 1s}\n"),
            "jwt");
  for (const char* const field :
       {"issuers: [x]", "audiences: [x]", "claims: {a: b}", "body_hash_claim: x",
        "body_hash: sha512", "body_hash_encoding: base64", "url_hash_claim: x", "max_age: 1s",
        "leeway: 1s"}) {
    const std::string name = std::string(field).substr(0, std::string_view(field).find(':'));
    EXPECT_EQ(unread(StrCat("algorithms: [{kind: jwt}]\nmessage: [{body: true}]\n",
                            "jwt: {detached: true, ", field, "}\n")),
              "jwt." + name);
    EXPECT_EQ(unread(StrCat("algorithms: [{kind: jwt}]\njwt: {", field, "}\n")), "");
  }
  for (const char* const field : {"body_hash_claim: x", "body_hash: sha512"}) {
    const std::string name = std::string(field).substr(0, std::string_view(field).find(':'));
    EXPECT_EQ(
        unread(StrCat("algorithms: [{kind: jwt}]\nbody_not_signed: true\njwt: {", field, "}\n")),
        "jwt." + name);
  }
  EXPECT_EQ(unread("algorithms: [{kind: jwt}]\nbody_not_signed: true\n"
                   "jwt: {body_hash: sha512, url_hash_claim: u}\n"),
            "");
}

}  // namespace
}  // namespace hookbridge
