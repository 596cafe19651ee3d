// Handshakes: which request is one, and exactly what it is answered.
#include "server/verify/internal/handshake.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/handshake_rule.h"
#include "tests/support/recipes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr std::string_view kHmac =
    "algorithms: [{kind: hmac, hash: sha256}]\nsignature: {headers: [X-Sign]}\nmessage: [{body: "
    "true}]\n";

// A source of one handshake, `fields` in YAML's flow form.
std::unique_ptr<Verifier> Made(std::string_view fields, std::string_view recipe = kHmac,
                               std::vector<KeyMaterial> keys = {{.id = "1", .secret = "key"}},
                               std::string url_token = {}) {
  VerifierOptions options;
  options.recipe = RecipeOf(StrCat(recipe, "handshakes: [{kind: template, ", fields, "}]\n"));
  options.keys = std::move(keys);
  options.url_token = std::move(url_token);
  options.handshake_token = "verify-me";
  options.public_url = "https://hooks.example/hooks/test";
  auto made = Verifier::Create(std::move(options));
  EXPECT_TRUE(made.ok()) << fields << "\n" << made.status();
  return made.ok() ? *std::move(made) : nullptr;
}

std::optional<HandshakeAnswer> Ask(const Verifier& verifier, const RequestBuilder& builder,
                                   absl::Time now = absl::UnixEpoch()) {
  const WebhookRequest request = builder.Build();
  return verifier.AnswerUnverified(HandshakeOf(request), now);
}

// `status content-type body`, or `none`.
std::string Said(const std::optional<HandshakeAnswer>& answer) {
  if (!answer) return "none";
  if (answer->refused) return StrCat(answer->status, " ", ReasonName(*answer->refused));
  return StrCat(answer->status, " ", answer->content_type, " ", answer->body);
}

RequestBuilder Get(std::string_view query) { return RequestBuilder().Method("GET").Query(query); }
RequestBuilder Post(std::string_view body) { return RequestBuilder().Method("POST").Body(body); }

TEST(HandshakeTest, AGetIsAnsweredFromItsQuery) {
  const auto verifier = Made(
      "methods: [GET], match: [{query: hub.mode, equals: subscribe}, {query: hub.verify_token, "
      "equals_token: true}], challenge: {query: hub.challenge}, reply: {content_type: "
      "application/json, body: '{\"hub.challenge\":\"{challenge}\"}'}");
  const std::string good = "hub.mode=subscribe&hub.challenge=a1&hub.verify_token=verify-me";
  EXPECT_EQ(Said(Ask(*verifier, Get(good))), "200 application/json {\"hub.challenge\":\"a1\"}");
  EXPECT_EQ(Said(Ask(*verifier, Get("hub.mode=subscribe&hub.challenge=a1&hub.verify_token=x"))),
            "401 challenge_refused");
  EXPECT_EQ(Said(Ask(*verifier, Get("hub.mode=subscribe&hub.challenge=a1"))),
            "401 challenge_refused");
  EXPECT_EQ(Said(Ask(*verifier, Get("hub.mode=other&hub.challenge=a1&hub.verify_token=verify-me"))),
            "none");
  EXPECT_EQ(Said(Ask(*verifier, Get("hub.mode=subscribe&hub.verify_token=verify-me"))), "none")
      << "without a challenge it is no handshake";
  EXPECT_EQ(Said(Ask(*verifier, Get(good + "&hub.challenge=b2"))), "none") << "there twice";
  EXPECT_EQ(Said(Ask(*verifier, Get("hub.mode=subscribe&hub.challenge=%3Cb&hub.verify_token="
                                    "verify-me"))),
            "400 challenge_refused");
  EXPECT_EQ(Said(Ask(*verifier, Post("{}").Query(good))), "none") << "another method";
  EXPECT_EQ(Said(Ask(*verifier, RequestBuilder().Method("HEAD").Query(good))), "none");
}

TEST(HandshakeTest, ATextIsDecodedAndEchoedWhenItIsHarmless) {
  const auto verifier = Made(
      "methods: [GET, POST], unsigned: true, challenge: {query: validationToken, text: true}, "
      "reply: {body: '{challenge}'}");
  const std::string query = "validationToken=Validation%3a+Testing%20id%3A+42%2b";
  EXPECT_EQ(Said(Ask(*verifier, Post("").Query(query))),
            "200 text/plain Validation: Testing id: 42+");
  EXPECT_EQ(Said(Ask(*verifier, Get(query))), "200 text/plain Validation: Testing id: 42+");
  for (const char* const bad :
       {"%3C", "%3E", "%26", "%22", "%27", "%5C", "%0A", "%0D", "%00", "%7F", "%C3%A9", ""}) {
    EXPECT_EQ(Said(Ask(*verifier, Get(StrCat("validationToken=a", bad)))),
              *bad == 0 ? "200 text/plain a" : "400 challenge_refused")
        << bad;
  }
  EXPECT_EQ(Said(Ask(*verifier, Get("validationToken="))), "400 challenge_refused") << "empty";
  const std::string most(limits::kHandshakeEchoBytesMax, 'a');
  EXPECT_EQ(Said(Ask(*verifier, Get("validationToken=" + most))), "200 text/plain " + most);
  EXPECT_EQ(Said(Ask(*verifier, Get("validationToken=a" + most))), "400 challenge_refused");
  EXPECT_EQ(Said(Ask(*verifier, Get("validationToken=%zz"))), "none");
}

TEST(HandshakeTest, APostIsAnsweredBeforeVerificationWhenItIsUnsigned) {
  const std::string fields =
      "methods: [POST], match: [{header: Aeg-Event-Type, equals: Validation}], challenge: "
      "{json_pointer: /0/data/code}, reply: {content_type: application/json, body: "
      "'{\"validationResponse\":\"{challenge}\"}'}";
  const auto open = Made("unsigned: true, " + fields);
  const RequestBuilder request =
      Post(R"([{"data":{"code":"c-1"}}])").Header("aeg-event-type", "Validation");
  EXPECT_EQ(Said(Ask(*open, request)), "200 application/json {\"validationResponse\":\"c-1\"}");
  EXPECT_EQ(Said(Ask(*open, Post(R"([{"data":{"code":"c-1"}}])"))), "none") << "no header";
  EXPECT_EQ(Said(Ask(*open, Post("not json").Header("Aeg-Event-Type", "Validation"))), "none");
  EXPECT_EQ(
      Said(Ask(*open, Post(R"([{"data":{"code":["c"]}}])").Header("Aeg-Event-Type", "Validation"))),
      "none");
  EXPECT_EQ(Said(Ask(*open, Post(R"([{"data":{"code":"c-1"}}])")
                                .Header("Aeg-Event-Type", "Validation")
                                .Header("Aeg-Event-Type", "Validation"))),
            "none")
      << "there twice";
  const WebhookRequest whole = request.Build();
  HandshakeRequest head = HandshakeOf(whole);
  head.whole = nullptr;
  EXPECT_EQ(Said(open->AnswerUnverified(head, absl::UnixEpoch())), "none") << "no body yet";

  EXPECT_EQ(Said(Ask(*Made(fields), request)), "none") << "it has to be verified first";
}

TEST(HandshakeTest, ASignedPostIsAnsweredAfterVerification) {
  const std::string fields =
      "methods: [POST], match: [{json_pointer: /type, equals: ping}], challenge: {json_pointer: "
      "/c}, reply: {status: 202, body: '{challenge}'}";
  const std::string token = "algorithms: [{kind: static_token}]\nsignature: {headers: [X-Token]}\n";
  const auto verifier = Made(fields, token);
  const auto answer = [&](std::string_view body) {
    Verdict verdict =
        verifier->Verify(Post(body).Header("X-Token", "key").Build(), absl::UnixEpoch());
    return Said(verifier->AnswerHandshake(std::get<VerifiedWebhook>(verdict), absl::UnixEpoch()));
  };
  EXPECT_EQ(answer(R"({"type":"ping","c":"x"})"), "202 text/plain x");
  EXPECT_EQ(answer(R"({"type":"pong","c":"x"})"), "none") << "an event";
  EXPECT_EQ(answer(R"({"type":"ping"})"), "none");
  EXPECT_EQ(answer(R"({"type":"ping","c":"<x>"})"), "none") << "stored rather than echoed";
}

TEST(HandshakeTest, HeadersOfTheReplyAreFilled) {
  const auto verifier = Made(
      "methods: [OPTIONS], challenge: {header: WebHook-Request-Origin}, reply: {headers: "
      "{WebHook-Allowed-Rate: '*', WebHook-Allowed-Origin: '{challenge}'}}");
  const auto answer = Ask(*verifier, RequestBuilder().Method("OPTIONS").Header(
                                         "WebHook-Request-Origin", "events.example.com"));
  EXPECT_EQ(Said(answer), "200  ");
  EXPECT_THAT(answer->headers, ElementsAre(Pair("WebHook-Allowed-Origin", "events.example.com"),
                                           Pair("WebHook-Allowed-Rate", "*")));
  EXPECT_EQ(Said(Ask(*verifier, RequestBuilder().Method("OPTIONS").Header("WebHook-Request-Origin",
                                                                          "a b\xc3\xa9"))),
            "400 challenge_refused");
}

// Figures of OpenSSL's command line.
TEST(HandshakeTest, HashesAreOverTheirParts) {
  const auto hash = [](std::string_view fields) {
    const auto verifier = Made(StrCat(
        "methods: [GET], challenge: {query: c}, reply: {body: '{hash}'}, hash: {", fields, "}"));
    return AnswerGet(*verifier, "c=a71b")->body;
  };
  EXPECT_EQ(hash("over: [{challenge: true}, {token: true}, {url: true}]"),
            "23689c7e1f851493ece01652ff59cce7ded19f92cf904bcd25ef6957bedafb68");
  EXPECT_EQ(hash("hash: sha1"), "acbabf4ef80cca9a1d8391e36bb9041a62e12ab9");
  EXPECT_EQ(hash("hash: sha384, encoding: base64"),
            "wtNszOe+Fpu/tN1I8XJOEXuxCM1r8hEY0mnNp57clEkhqWeQ8sArGEr06pecQ+Np");
  EXPECT_EQ(
      hash("hash: sha512, encoding: base64url"),
      "70lJLuC2_s1aRHXel8TqozF4Zq7rYlYXrlFEm5-xdRWMQxOx6v5bvM4vZP7842MmrUrdmL0KefYugDnFxx1JlQ");
  EXPECT_EQ(hash("hmac: true"), "b9d809eba0aed4e7fd38d61c29fdac98cc2b9aedf37b3ea18fcc530219c26275");
  EXPECT_EQ(hash("hmac: true, over: [{literal: 'v0:'}, {challenge: true}], encoding: base64"),
            "KT6jJ2sUAo+nBZobIK2Uy39UgQD3s+1EorExIdA3eCs=");
}

// public_url is in events, so it may leave the token out that the provider's URL ends with.
TEST(HandshakeTest, TheUrlInAHashHasItsToken) {
  const auto answer = [](std::string public_url) {
    VerifierOptions options;
    options.recipe = RecipeOf(
        "algorithms: [{kind: url_token}]\nhandshakes: [{kind: template, methods: [GET], challenge: "
        "{query: c}, reply: {body: '{hash}'}, hash: {over: [{url: true}]}}]");
    options.keys = {{.id = "1", .secret = "right"}};
    options.public_url = std::move(public_url);
    const auto verifier = *Verifier::Create(std::move(options));
    return Ask(*verifier, Get("c=x").Token("right"))->body;
  };
  EXPECT_EQ(answer("https://a.example/hooks/t"),
            "99914caddb1200e50996d9543b918deb0a2c57c1e505123258e59ce7ea8cf92a");
  EXPECT_EQ(answer("https://a.example/hooks/t/right"), answer("https://a.example/hooks/t"));
  EXPECT_EQ(answer("https://a.example/hooks/t?q=1"),
            "1517628042a37ae2e7dc6593da0f877435d24e160d1753f672118e794d3bd653");
}

TEST(HandshakeTest, AnHmacTakesTheFirstKeyThatIsValid) {
  const absl::Time then = absl::UnixEpoch() + absl::Hours(1);
  const auto verifier = Made(
      "methods: [GET], challenge: {query: c}, reply: {body: '{hash}'}, hash: {hmac: true}", kHmac,
      {{.id = "old", .secret = "old", .not_after = absl::UnixEpoch()},
       {.id = "now", .secret = "key", .not_after = then}});
  EXPECT_EQ(AnswerGet(*verifier, "c=a71b")->body,
            "b9d809eba0aed4e7fd38d61c29fdac98cc2b9aedf37b3ea18fcc530219c26275");
  EXPECT_EQ(Said(Ask(*verifier, Get("c=a71b"), then)), "503 no_active_key");
}

// The URL token is asked for by every handshake, and a wrong one looks as it does for a webhook.
TEST(HandshakeTest, TheUrlTokenIsAskedFor) {
  const std::string fields =
      "methods: [GET, HEAD, POST, OPTIONS], unsigned: true, challenge: {query: c}, reply: {body: "
      "'{challenge}'}";
  const auto beside = Made(fields, kHmac, {{.id = "1", .secret = "key"}}, "right");
  const auto kind =
      Made(fields, "algorithms: [{kind: url_token}]\n", {{.id = "1", .secret = "right"}});
  for (const Verifier* const verifier : {beside.get(), kind.get()}) {
    for (const char* const method : {"GET", "HEAD", "OPTIONS", "POST"}) {
      const bool post = std::string_view(method) == "POST";
      const RequestBuilder request = RequestBuilder().Method(method).Query("c=x");
      EXPECT_EQ(Said(Ask(*verifier, RequestBuilder(request).Token("right"))), "200 text/plain x");
      EXPECT_EQ(Said(Ask(*verifier, RequestBuilder(request).Token("wrong"))),
                post ? "none" : "401 credential_mismatch")
          << "a POST is left to Verify, which refuses it";
      EXPECT_EQ(Said(Ask(*verifier, request)), post ? "none" : "401 credential_missing");
    }
    EXPECT_EQ(Said(Ask(*verifier, RequestBuilder().Method("PUT").Token("wrong"))),
              "401 credential_mismatch")
        << "a method that no handshake takes tells nothing either";
  }
  const auto none = Made(fields);
  EXPECT_EQ(Said(Ask(*none, Get("c=x").Token("any"))), "401 credential_mismatch");
}

TEST(HandshakeTest, TheFirstRuleThatMatchesAnswers) {
  VerifierOptions options;
  options.recipe = RecipeOf(StrCat(kHmac, R"(handshakes:
  - {kind: head}
  - {kind: template, methods: [GET], challenge: {query: a}, reply: {body: "a {challenge}"}}
  - {kind: template, methods: [GET, HEAD], challenge: {query: b}, reply: {body: "b {challenge}"}}
)"));
  options.keys = {{.id = "1", .secret = "key"}};
  const auto verifier = *Verifier::Create(std::move(options));
  EXPECT_EQ(Said(AnswerGet(*verifier, "b=2&a=1")), "200 text/plain a 1");
  EXPECT_EQ(Said(AnswerGet(*verifier, "b=2")), "200 text/plain b 2");
  EXPECT_EQ(Said(Ask(*verifier, RequestBuilder().Method("HEAD").Query("b=2"))), "200  ");
  EXPECT_EQ(Said(AnswerGet(*verifier, "c=3")), "none");
}

TEST(HandshakeTest, BracesThatAreNoPlaceholderStay) {
  const auto filled = [](std::string_view body) {
    const auto verifier =
        Made(StrCat("methods: [GET], challenge: {query: c}, reply: {body: '", body, "'}"));
    return AnswerGet(*verifier, "c=x")->body;
  };
  EXPECT_EQ(filled(R"({"a":{"b":{}},"c":"{challenge}{challenge}"})"), R"({"a":{"b":{}},"c":"xx"})");
  EXPECT_EQ(filled("{{challenge}}"), "{x}");
  EXPECT_EQ(filled("{"), "{");
  EXPECT_EQ(filled("{challenge"), "{challenge");
  for (const char* const text : {"{Challenge}", "{token}", "a{secret}b"}) {
    EXPECT_THAT(std::string(ParseReplyText(text).status().message()), HasSubstr("neither")) << text;
  }
  EXPECT_THAT(*ParseReplyText(""), IsEmpty());
}

// What could never be answered, or would take what it must not, is refused with what to write.
TEST(HandshakeCheckTest, NamesWhatCannotWork) {
  const std::string get = "methods: [GET], ";
  const std::string post = "methods: [POST], unsigned: true, challenge: {header: X-Secret}, ";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"challenge: {query: c}", "methods: is empty"},
      {"methods: [PUT]", "methods: `PUT`"},
      {"methods: [get]", "methods: `get`"},
      {"methods: [GET, GET]", "methods: `GET` is there twice"},
      {get + "unsigned: true", "unsigned: is about POST"},
      {"methods: [POST]", "takes every POST"},
      {get + "match: [{equals: x}]", "match[0]: names no place"},
      {get + "match: [{json_pointer: /a}]", "match[0].json_pointer: looks into the body"},
      {get + "challenge: {json_pointer: /a}", "challenge.json_pointer: looks into the body"},
      {"methods: [POST], challenge: {json_pointer: a}", "challenge.json_pointer"},
      {get + "challenge: {header: 'a b'}", "challenge.header: is no header name"},
      {get + "challenge: {query: ''}", "challenge.query: is empty"},
      {get + "match: [{query: a, equals: x, equals_token: true}]", "write one of them"},
      {get + "match: [{query: a, equals_token: true}, {query: b, equals_token: true}]",
       "match[1].equals_token: is there twice"},
      {get + "reply: {status: 301}", "reply.status: is not 2xx"},
      {get + "reply: {status: 204, body: x}", "reply.body"},
      {get + "reply: {content_type: text/plain}", "reply.content_type"},
      {get + "reply: {body: '{token}'}", "reply.body: `{token}`"},
      {get + "reply: {headers: {X: '{secret}'}}", "reply.headers.X: `{secret}`"},
      {get + "reply: {headers: {'a b': x}}", "is no header name"},
      {get + "reply: {headers: {content-LENGTH: '0'}}", "has of its own"},
      {get + "reply: {headers: {X: \"a\\r\\nb\"}}", "reply.headers.X: is not printable"},
      {get + "reply: {body: x, content_type: \"a\\nb\"}", "content_type: is not printable"},
      {get + "reply: {body: '{challenge}'}", "challenge: is missing"},
      {get + "reply: {headers: {X: '{challenge}'}}", "challenge: is missing"},
      {get + "reply: {body: '{hash}'}", "hash: is missing"},
      {get + "challenge: {query: c}, hash: {hash: sha1}", "hash: is not read"},
      {get + "reply: {body: '{hash}'}, hash: {hash: sha1}", "challenge: is missing"},
      {get + "reply: {body: '{hash}'}, hash: {over: [{challenge: true}]}", "challenge: is missing"},
      {get + "challenge: {query: c}, reply: {body: '{hash}'}, hash: {hash: md5}", "hash.hash"},
      {get + "challenge: {query: c}, reply: {body: '{hash}'}, hash: {hmac: true, hash: sha1}",
       "hash.hash: is that of the key's"},
      {get + "challenge: {query: c}, reply: {body: '{hash}'}, hash: {over: [{}]}", "over[0]"},
      {get + "challenge: {query: c}, reply: {body: '{hash}'}, hash: {over: [{token: false}]}",
       "over[0]: is false"},
      {post + "learn_key: true, query_parameter: c", "query_parameter: is not read"},
      {"methods: [POST], challenge: {header: X}, learn_key: true", "learn_key: needs methods"},
      {"methods: [POST], unsigned: true, match: [{header: X}], learn_key: true",
       "challenge: is missing"},
  };
  for (const auto& [fields, problem] : table) {
    VerifierOptions options;
    options.recipe = RecipeOf(StrCat(kHmac, "handshakes: [{kind: template, ", fields, "}]\n"));
    options.keys = {{.id = "1", .secret = "key"}};
    options.handshake_token = "verify-me";
    EXPECT_THAT(std::string(Verifier::Create(std::move(options)).status().message()),
                HasSubstr(problem))
        << fields;
  }
}

TEST(HandshakeCheckTest, NamesWhatTheSourceLacks) {
  const auto problem = [](std::string_view recipe, std::string_view fields) {
    VerifierOptions options;
    options.recipe = RecipeOf(StrCat(recipe, "handshakes: [{kind: template, ", fields, "}]\n"));
    options.keys = {{.id = "1", .secret = "key"}};
    return std::string(Verifier::Create(std::move(options)).status().message());
  };
  const std::string hash = "methods: [GET], challenge: {query: c}, reply: {body: '{hash}'}, hash: ";
  EXPECT_THAT(problem(kHmac, hash + "{over: [{url: true}]}"), HasSubstr("public_url"));
  EXPECT_THAT(problem(kHmac, hash + "{over: [{token: true}]}"), HasSubstr("handshake_token"));
  EXPECT_THAT(problem(kHmac, "methods: [GET], match: [{query: t, equals_token: true}]"),
              HasSubstr("handshake_token"));
  EXPECT_THAT(problem("algorithms: [{kind: url_token}]\n", hash + "{hmac: true}"),
              HasSubstr("hash.hmac"));
  EXPECT_THAT(problem("algorithms: [{kind: url_token}]\n",
                      "methods: [POST], unsigned: true, challenge: {header: X}, learn_key: true"),
              HasSubstr("not for kind url_token"));
  EXPECT_THAT(problem(kHmac, "methods: [GET], answer: x"), HasSubstr("answer: is not read"));
}

// Of older kinds, each field of a template is refused.
TEST(HandshakeCheckTest, OtherKindsReadNoTemplate) {
  for (const char* const field :
       {"methods: [GET]", "match: [{query: a}]", "challenge: {query: a}", "reply: {status: 200}",
        "hash: {hmac: true}", "unsigned: true", "learn_key: true"}) {
    VerifierOptions options;
    options.recipe = RecipeOf(StrCat(kHmac, "handshakes: [{kind: head, ", field, "}]\n"));
    options.keys = {{.id = "1", .secret = "key"}};
    EXPECT_THAT(std::string(Verifier::Create(std::move(options)).status().message()),
                HasSubstr("is not read by this kind of handshake"))
        << field;
  }
}

TEST(HandshakeCheckTest, AReplyHasABound) {
  const auto problem = [](size_t literal) {
    VerifierOptions options;
    options.recipe = RecipeOf(StrCat(
        kHmac, "handshakes: [{kind: template, methods: [GET], challenge: {query: c}, reply: ",
        "{headers: {X: '{challenge}'}, body: '{challenge}", std::string(literal, 'a'), "'}}]\n"));
    options.keys = {{.id = "1", .secret = "key"}};
    return std::string(Verifier::Create(std::move(options)).status().message());
  };
  const size_t most = limits::kAnswerTextBytesMax - 2 * limits::kHandshakeEchoBytesMax - 1;
  EXPECT_EQ(problem(most), "");
  EXPECT_THAT(problem(most + 1), HasSubstr("reply: can have 4097 bytes"));
}

}  // namespace
}  // namespace hookbridge
