// Kind jwt with configured keys: examples of the RFCs, and every part of a token tampered with.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/recipes.h"
#include "tests/support/test_jwt.h"

#include "gmock/gmock.h"
#include <openssl/bn.h>

namespace hookbridge {
namespace {

using testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kSecret[] = "a secret of thirty-two characters";
constexpr char kBody[] = R"({"id":"evt_1"})";
constexpr char kHs256[] = R"({"alg":"HS256","typ":"JWT"})";

// Claims about kBody, made `age` before now.
std::string Claims(absl::Duration age = absl::ZeroDuration(), std::string_view more = "",
                   std::string_view body = kBody) {
  return StrCat(R"({"iat":)", absl::ToUnixSeconds(kNow - age), R"(,"request_body_sha256":")",
                Sha256Hex(body), "\"", more, "}");
}

std::string HsToken(std::string_view claims, std::string_view header = kHs256) {
  return MakeToken(header, claims, kSecret);
}

RequestBuilder Bearer(std::string_view token, std::string_view body = kBody) {
  return RequestBuilder().Header("Authorization", StrCat("Bearer ", token)).Body(body);
}

// The recipe of one line, with these fields of `jwt`.
config::v1::Recipe JwtRecipe(std::string_view jwt = "", std::string_view more = "") {
  return RecipeOf(StrCat("algorithms: [{kind: jwt}]\n", more, "\n",
                         jwt.empty() ? std::string() : StrCat("jwt: {", jwt, "}\n")));
}

std::string WordWith(const config::v1::Recipe& recipe, std::string_view token,
                     const std::string& secret = kSecret) {
  const auto verifier = VerifierOf(recipe, {secret});
  if (!verifier.ok()) return std::string(ToStd(verifier.status().message()));
  return VerdictOf(**verifier, Bearer(token), kNow);
}

// One line of a recipe is a scheme, and a safe one.
TEST(JwtTest, TheKindAloneIsHs256OverTheBodysHash) {
  const auto verifier = *VerifierOf(JwtRecipe(), {"another secret", kSecret});
  const std::string token = HsToken(Claims());
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token), kNow), "ok:k2");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token, R"({"id":"evt_2"})"), kNow), "signature_mismatch");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(HsToken(R"({"iat":1700000000})")), kNow), "claim_mismatch");
  EXPECT_EQ(VerdictOf(*verifier, RequestBuilder().Body(kBody), kNow), "credential_missing");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token).Header("authorization", "x"), kNow),
            "duplicate_header");
}

TEST(JwtTest, TheTimeOfTheTokenIsTheSignedOne) {
  const auto verifier = *VerifierOf(JwtRecipe(), {kSecret});
  const auto verdict = verifier->Verify(Bearer(HsToken(Claims(absl::Seconds(7)))).Build(), kNow);
  ASSERT_TRUE(std::holds_alternative<VerifiedWebhook>(verdict));
  EXPECT_EQ(std::get<VerifiedWebhook>(verdict).signed_time(), kNow - absl::Seconds(7));
  EXPECT_FALSE(std::get<VerifiedWebhook>(verdict).signed_hash());
}

struct Published {
  const char* name;
  const char* algorithm;
  const char* key;
  const char* token;
};

// RFC 7515 appendix A.1 to A.3.
constexpr char kClaimsOfRfc7515[] =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
constexpr Published kPublished[] = {
    {"A1", "hs256",
     "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogIm"
     "h0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"A2", "rs256",
     R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q)"
     "PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg"
     "0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
     "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4L"
     "T6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":"
     "\"AQAB\"}",
     "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN"
     "vbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHI"
     "m4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h"
     "6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPq"
     "vhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"A3", "es256",
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN"
     "vbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQx"
     "fKTUJqPP3-Kg6NU1Q"},
};

class PublishedTest : public testing::TestWithParam<Published> {};

TEST_P(PublishedTest, VerifiesAsItIsAndWithItsPayloadDetached) {
  const bool hmac = GetParam().algorithm == std::string("hs256");
  const absl::Time before = absl::FromUnixSeconds(1300819379);
  config::v1::Recipe recipe = RecipeOf(
      StrCat("algorithms: [{kind: jwt", hmac ? ", key_encoding: base64" : "", "}]\n",
             "body_not_signed: true\njwt: {max_age: 0s, leeway: 0s, issuers: [joe], claims: "
             "{'http://example.com/is_root': 'true'}, algorithm: ",
             GetParam().algorithm, "}\n"));
  const auto verifier = *VerifierOf(recipe, {GetParam().key});
  EXPECT_EQ(VerdictOf(*verifier, Bearer(GetParam().token), before), "ok:k1");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(GetParam().token), before + absl::Seconds(1)),
            "timestamp_stale");

  // Appendix F: the payload is the body.
  recipe = RecipeOf(StrCat(
      "algorithms: [{kind: jwt", hmac ? ", key_encoding: base64" : "", "}]\n",
      "message: [{body: true}]\njwt: {detached: true, algorithm: ", GetParam().algorithm, "}\n"));
  const auto detached = *VerifierOf(recipe, {GetParam().key});
  std::string token = GetParam().token;
  const size_t first = token.find('.') + 1;
  token.erase(first, token.rfind('.') - first);
  EXPECT_EQ(VerdictOf(*detached, Bearer(token, kClaimsOfRfc7515), kNow), "ok:k1");
  EXPECT_EQ(VerdictOf(*detached, Bearer(token, "{}"), kNow), "signature_mismatch");
  EXPECT_EQ(VerdictOf(*detached, Bearer(GetParam().token, kClaimsOfRfc7515), kNow),
            "credential_malformed");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token, kClaimsOfRfc7515), before), "credential_malformed");
}

INSTANTIATE_TEST_SUITE_P(Rfc7515, PublishedTest, testing::ValuesIn(kPublished),
                         [](const auto& of) { return of.param.name; });

// RFC 8037 appendix A.4, whose payload is no object of claims.
TEST(JwtTest, ThePublishedEd25519SignatureVerifies) {
  const auto verifier = *VerifierOf(
      RecipeOf("algorithms: [{kind: jwt}]\nmessage: [{body: true}]\n"
               "jwt: {detached: true, algorithm: eddsa}\n"),
      {R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"});
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9..hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9"
      "g7sVvpAr_MuM0KAg";
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token, "Example of Ed25519 signing"), kNow), "ok:k1");
  EXPECT_EQ(VerdictOf(*verifier, Bearer(token, "Example of Ed25519 signinG"), kNow),
            "signature_mismatch");
}

struct Kind {
  const char* name;
  config::v1::JwtAlgorithm algorithm;
  KeyType type;
};
constexpr Kind kPublicKinds[] = {
    {"RS256", config::v1::JWT_ALGORITHM_RS256, KeyType::kRsa2048},
    {"RS384", config::v1::JWT_ALGORITHM_RS384, KeyType::kRsa2048},
    {"RS512", config::v1::JWT_ALGORITHM_RS512, KeyType::kRsa2048},
    {"PS256", config::v1::JWT_ALGORITHM_PS256, KeyType::kRsa2048},
    {"ES256", config::v1::JWT_ALGORITHM_ES256, KeyType::kP256},
    {"EdDSA", config::v1::JWT_ALGORITHM_EDDSA, KeyType::kEd25519},
};

class PublicKindTest : public testing::TestWithParam<Kind> {
 protected:
  std::string Header(std::string_view more = "") const {
    return StrCat(R"({"alg":")", GetParam().name, "\"", more, "}");
  }
  std::string Word(std::string_view token, const std::string& key) const {
    config::v1::Recipe recipe = JwtRecipe();
    recipe.mutable_jwt()->set_algorithm(GetParam().algorithm);
    return WordWith(recipe, token, key);
  }
};

TEST_P(PublicKindTest, VerifiesByPemAndByJsonKey) {
  const ProviderKey key(GetParam().type);
  const ProviderKey other(GetParam().type);
  const std::string token = MakeToken(Header(), Claims(), key, GetParam().algorithm);
  EXPECT_EQ(Word(token, key.PublicPem()), "ok:k1");
  EXPECT_EQ(Word(token, key.Jwk("")), "ok:k1");
  EXPECT_EQ(Word(token, other.PublicPem()), "signature_mismatch");
  EXPECT_EQ(Word(token, other.Jwk("")), "signature_mismatch");
  for (const std::string& wrong :
       {std::string("no key"), key.PrivatePem(), key.Jwk("", R"(,"d":"AA")"),
        key.Jwk("", R"(,"use":"enc")"), key.Jwk("", R"(,"alg":"HS256")"),
        ProviderKey(KeyType::kP384).PublicPem()}) {
    EXPECT_THAT(Word(token, wrong), HasSubstr("key `k1`: the secret ")) << wrong;
  }
}

// Every character of every part counts, and no other way to write the token is taken.
TEST_P(PublicKindTest, NoByteOfATokenMayChange) {
  const ProviderKey key(GetParam().type);
  config::v1::Recipe recipe = JwtRecipe();
  recipe.mutable_jwt()->set_algorithm(GetParam().algorithm);
  const auto verifier = *VerifierOf(recipe, {key.PublicPem()});
  const std::string token = MakeToken(Header(), Claims(), key, GetParam().algorithm);
  ASSERT_EQ(VerdictOf(*verifier, Bearer(token), kNow), "ok:k1");
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', '.', '=', '+'}) {
      std::string damaged = token;
      if (damaged[i] == c) continue;
      damaged[i] = c;
      EXPECT_NE(VerdictOf(*verifier, Bearer(damaged), kNow), "ok:k1") << i << c;
    }
  }
  for (size_t size = 0; size < token.size(); ++size) {
    EXPECT_NE(VerdictOf(*verifier, Bearer(token.substr(0, size)), kNow), "ok:k1") << size;
  }
  for (const char* const more : {".", "=", "A", ".A", " "}) {
    EXPECT_NE(VerdictOf(*verifier, Bearer(token + more), kNow), "ok:k1") << more;
  }
}

// The algorithm is the recipe's, whatever a token names: the classic ways in.
TEST_P(PublicKindTest, NoTokenChoosesItsAlgorithm) {
  const ProviderKey key(GetParam().type);
  const std::string pem = key.PublicPem();
  const std::string jwk = key.Jwk("");
  for (const std::string& secret : {pem, pem + "\n", jwk, std::string()}) {
    EXPECT_EQ(Word(MakeToken(kHs256, Claims(), secret), pem), "signature_malformed");
    EXPECT_EQ(Word(MakeToken(Header(), Claims(), secret), pem), "signature_mismatch");
  }
  for (const char* const header :
       {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":""})", R"({"alg":null})", "{}",
        R"({"alg":["HS256"]})", R"({"typ":"JWT"})"}) {
    const std::string unsigned_token =
        StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(Claims()), ".");
    EXPECT_EQ(Word(unsigned_token, pem), "credential_malformed") << header;
    EXPECT_EQ(Word(unsigned_token + "AA", pem), "signature_malformed") << header;
  }
  // A key that a token brings along is nobody's.
  const ProviderKey own(GetParam().type);
  for (const std::string& more :
       {StrCat(R"(,"jwk":)", own.Jwk("")), std::string(R"(,"jku":"https://evil.example/keys")"),
        std::string(R"(,"x5u":"https://evil.example/cert")")}) {
    EXPECT_EQ(Word(MakeToken(Header(more), Claims(), own, GetParam().algorithm), pem),
              "signature_mismatch");
  }
}

INSTANTIATE_TEST_SUITE_P(All, PublicKindTest, testing::ValuesIn(kPublicKinds),
                         [](const auto& of) { return of.param.name; });

TEST(JwtTest, TheLongerHmacsAreTheirOwn) {
  const auto token = [](const char* alg, config::v1::JwtAlgorithm algorithm) {
    return MakeToken(StrCat(R"({"alg":")", alg, "\"}"), Claims(), kSecret, algorithm);
  };
  const std::string hs384 = token("HS384", config::v1::JWT_ALGORITHM_HS384);
  const std::string hs512 = token("HS512", config::v1::JWT_ALGORITHM_HS512);
  EXPECT_EQ(WordWith(JwtRecipe("algorithm: hs384"), hs384), "ok:k1");
  EXPECT_EQ(WordWith(JwtRecipe("algorithm: hs512"), hs512), "ok:k1");
  EXPECT_EQ(WordWith(JwtRecipe("algorithm: hs384"), hs512), "signature_malformed");
  EXPECT_EQ(
      WordWith(JwtRecipe("algorithm: hs384"), token("HS384", config::v1::JWT_ALGORITHM_HS512)),
      "signature_mismatch");
  EXPECT_EQ(WordWith(JwtRecipe(), hs384), "signature_malformed");
}

// A secret is never a public key that somebody took for one.
TEST(JwtTest, APublicKeyIsNoSecret) {
  const ProviderKey key(KeyType::kRsa2048);
  EXPECT_THAT(WordWith(JwtRecipe(), "", key.PublicPem()), HasSubstr("is a PEM block"));
  EXPECT_THAT(WordWith(JwtRecipe(), "", key.Jwk("k")), HasSubstr("is a JSON Web Key"));
  EXPECT_THAT(
      WordWith(JwtRecipe("algorithm: rs256"), "", ProviderKey(KeyType::kRsa1024).PublicPem()),
      HasSubstr("has 1024 bits"));
}

// Of ECDSA the form of a signature is fixed; that there is a second one is in its nature, and a
// replay is told by what was signed.
TEST(JwtTest, EcdsaSignaturesAreTwoNumbersOf32Bytes) {
  const ProviderKey key(KeyType::kP256);
  const config::v1::Recipe recipe =
      JwtRecipe("algorithm: es256, max_age: 0s", "event: {id: [{header: X-Id}]}");
  const std::string text =
      StrCat(Base64UrlEncode(R"({"alg":"ES256"})"), ".", Base64UrlEncode(Claims()));
  const std::string good = key.Sign(config::v1::JWT_ALGORITHM_ES256, text);
  const auto verifier = *VerifierOf(recipe, {key.PublicPem()});
  const auto verdict = [&](const std::string& signature) {
    return verifier->Verify(Bearer(StrCat(text, ".", Base64UrlEncode(signature))).Build(), kNow);
  };
  const auto word = [&](const std::string& signature) {
    const Verdict decided = verdict(signature);
    const auto* const no = std::get_if<Rejection>(&decided);
    return no == nullptr ? std::string("ok") : std::string(ReasonName(no->reason));
  };
  EXPECT_EQ(word(good), "ok");
  const std::string zero(32, '\0');
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  for (const std::string& bad :
       {good.substr(1), good + '\0', std::string("\0", 1) + good, zero + s, r + zero, zero + zero,
        r, std::string(64, '\xff'), std::string(64, '\0'), s + r,
        key.Sign(config::v1::JWT_ALGORITHM_UNSPECIFIED, text)}) {
    EXPECT_EQ(word(bad), "signature_mismatch");
  }
  BIGNUM* order = nullptr;
  BN_hex2bn(&order, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
  BIGNUM* const low = BN_bin2bn(reinterpret_cast<const unsigned char*>(s.data()), 32, nullptr);
  BN_sub(low, order, low);
  std::string second(32, '\0');
  BN_bn2binpad(low, reinterpret_cast<unsigned char*>(second.data()), 32);
  BN_free(low);
  BN_free(order);
  ASSERT_EQ(word(r + second), "ok");
  const Verdict a = verdict(good);
  const Verdict b = verdict(r + second);
  ASSERT_TRUE(std::get<VerifiedWebhook>(a).signed_hash());
  EXPECT_EQ(std::get<VerifiedWebhook>(a).signed_hash(), std::get<VerifiedWebhook>(b).signed_hash());
}

TEST(JwtTest, WhatATokenMayNotHold) {
  const config::v1::Recipe recipe = JwtRecipe();
  const auto header = [&](std::string_view text) {
    return WordWith(recipe, HsToken(Claims(), text));
  };
  EXPECT_EQ(header(R"({"alg":"HS256","x":1})"), "ok:k1");
  EXPECT_EQ(header(R"({"alg":"HS256","crit":["exp"]})"), "signature_malformed");
  EXPECT_EQ(header(R"({"alg":"HS256","crit":[]})"), "signature_malformed");
  EXPECT_EQ(header(R"({"alg":"HS256","b64":false})"), "signature_malformed");
  EXPECT_EQ(header(R"({"alg":"HS256","alg":"HS256"})"), "credential_malformed");
  EXPECT_EQ(header(R"({"alg":"hs256"})"), "signature_malformed");
  EXPECT_EQ(header(R"(["HS256"])"), "credential_malformed");
  EXPECT_EQ(header(R"({"alg":"HS256"}x)"), "credential_malformed");
  EXPECT_EQ(header("x"), "credential_malformed");
  for (const char* const claims : {"[]", "x", R"("x")", R"({"iat":1700000000,"iat":1700000000})"}) {
    EXPECT_EQ(WordWith(recipe, HsToken(claims)), "credential_malformed") << claims;
  }
  const std::string good = HsToken(Claims());
  const size_t dot = good.find('.');
  EXPECT_EQ(WordWith(recipe, StrCat(good.substr(0, dot), "=", good.substr(dot))),
            "credential_malformed");
  EXPECT_EQ(WordWith(recipe, StrCat("x.", good)), "credential_malformed");
}

TEST(JwtTest, TheLongestTokenIsTaken) {
  const auto sized = [](size_t bytes) {
    std::string padding;
    while (true) {
      std::string token = HsToken(Claims(absl::ZeroDuration(), StrCat(R"(,"p":")", padding, "\"")));
      if (token.size() >= bytes) return token;
      padding.append(std::max<size_t>((bytes - token.size()) * 3 / 4, 1), 'x');
    }
  };
  const std::string most = sized(limits::kJwtBytesMax);
  ASSERT_EQ(most.size(), limits::kJwtBytesMax);
  EXPECT_EQ(WordWith(JwtRecipe(), most), "ok:k1");
  EXPECT_EQ(WordWith(JwtRecipe(), sized(limits::kJwtBytesMax + 1)), "credential_malformed");
}

}  // namespace
}  // namespace hookbridge
