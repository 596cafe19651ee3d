// Signatures in several places, over form fields and queries, in more hashes and encodings, and
// tokens in bodies.
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/recipes.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hookbridge {
namespace {

constexpr int64_t kSeconds = 1'700'000'000;
constexpr absl::Time kNow = absl::FromUnixSeconds(kSeconds);
constexpr char kBody[] = R"({"a":1})";

std::string Mac(const std::string& key, const std::string& text, const char* hash = "SHA256") {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_get_digestbyname(hash), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return {reinterpret_cast<const char*>(mac), size};
}

std::string Hex(const std::string& key, const std::string& text, const char* hash = "SHA256") {
  return HexEncode(Mac(key, text, hash));
}

std::unique_ptr<const Verifier> Make(std::string_view yaml) {
  auto made = VerifierOf(RecipeOf(yaml), {"key"});
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

std::string Try(const Verifier& verifier, const RequestBuilder& request) {
  return VerdictOf(verifier, request, kNow);
}

TEST(SeveralSignatures, OfAllHeadersAnyMayMatch) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac}]
signature: {headers: [X-Sig-*, X-Primary, X-Secondary|X-Spare], encoding: base64}
message: [{body: true}]
)");
  const std::string good = Base64Encode(Mac("key", kBody));
  const std::string other = Base64Encode(Mac("other", kBody));
  const auto with = [&](std::vector<std::pair<std::string, std::string>> headers) {
    RequestBuilder request;
    request.Body(kBody);
    for (const auto& [name, value] : headers) request.Header(name, value);
    return Try(*verifier, request);
  };
  EXPECT_EQ(with({{"X-Primary", other}, {"X-Secondary", good}}), "ok:k1");
  EXPECT_EQ(with({{"X-Primary", other}, {"X-Spare", good}}), "ok:k1");
  EXPECT_EQ(with({{"x-sig-1", other}, {"X-Sig-12", good}}), "ok:k1");
  EXPECT_EQ(with({{"X-Primary", other}, {"X-Secondary", other}}), "signature_mismatch");
  EXPECT_EQ(with({{"X-Primary", "!"}, {"X-Secondary", good}}), "ok:k1");
  EXPECT_EQ(with({{"X-Primary", good}, {"X-Primary", good}}), "duplicate_header");
  EXPECT_EQ(with({{"X-Sig-1", good}, {"x-sig-1", good}}), "duplicate_header");
  for (const char* const name : {"X-Sig-", "X-Sig-a", "X-Sig-1a", "X-Sig"}) {
    EXPECT_EQ(with({{name, good}}), "signature_missing") << name;
  }
}

TEST(SeveralSignatures, ThereMayBeSixteenInAll) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac}]
signature: {headers: [X-Sig-*]}
message: [{body: true}]
)");
  const auto with = [&](size_t count) {
    RequestBuilder request;
    request.Body(kBody);
    for (size_t i = 1; i <= count; ++i) {
      request.Header(StrCat("X-Sig-", i), Hex(i == count ? "key" : "other", kBody));
    }
    return Try(*verifier, request);
  };
  EXPECT_EQ(with(limits::kSignaturesMax), "ok:k1");
  EXPECT_EQ(with(limits::kSignaturesMax + 1), "signature_mismatch") << "the last is not looked at";
}

TEST(SeveralSignatures, EachTimeBeginsAGroup) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac, label: "v0|v1"}]
signature: {headers: [X-Sig], syntax: key_value}
timestamp: {label: t}
message: [{timestamp: true}, {literal: "."}, {body: true}]
)");
  const auto with = [&](const std::string& value) {
    return Try(*verifier, RequestBuilder().Header("X-Sig", value).Body(kBody));
  };
  const auto group = [](int64_t time, const std::string& label, const std::string& key) {
    return StrCat("t=", time, ",", label, "=", Hex(key, StrCat(time, ".", kBody)));
  };
  const std::string good = group(kSeconds, "v1", "key");
  EXPECT_EQ(with(good), "ok:k1");
  EXPECT_EQ(with(group(kSeconds, "v0", "key")), "ok:k1");
  EXPECT_EQ(with(group(kSeconds, "v2", "key")), "signature_missing");
  EXPECT_EQ(with(group(kSeconds - 1, "v1", "other") + "," + good), "ok:k1");
  EXPECT_EQ(with(group(kSeconds - 900, "v1", "key") + "," + good), "ok:k1") << "the first is stale";
  EXPECT_EQ(with(good + "," + group(kSeconds - 900, "v1", "key")), "ok:k1");
  EXPECT_EQ(with(group(kSeconds - 900, "v1", "key") + StrCat(",t=", kSeconds)), "timestamp_stale")
      << "a fresh time without a signature of its own";
  const std::string other = group(kSeconds, "v1", "other");
  EXPECT_EQ(with(other + "," + other + "," + other + "," + good), "ok:k1");
  EXPECT_EQ(with(other + "," + other + "," + other + "," + other + "," + good),
            "signature_malformed")
      << "five groups";
  const std::string mac = Hex("key", StrCat(kSeconds, ".", kBody));
  EXPECT_EQ(with(StrCat("v1=", mac, ",t=", kSeconds)), "ok:k1") << "the time may come last";
  EXPECT_EQ(with(StrCat("v1=", mac, ",t=", kSeconds, ",t=", kSeconds, ",v1=", mac)),
            "signature_malformed");
}

TEST(SeveralSignatures, APairMayHoldAList) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac, label: v0}]
signature: {headers: [X-Sig], syntax: key_value}
timestamp: {label: t}
message: [{timestamp: true}, {literal: "."}, {body: true}]
)");
  const std::string text = StrCat(kSeconds, ".", kBody);
  for (const std::string& list :
       {Hex("key", text) + "," + Hex("other", text), Hex("other", text) + "," + Hex("key", text)}) {
    EXPECT_EQ(
        Try(*verifier,
            RequestBuilder().Header("X-Sig", StrCat("t=", kSeconds, ",v0=", list)).Body(kBody)),
        "ok:k1");
  }
}

TEST(SignedFields, OfAFormSortedAndAsSentAndListed) {
  const std::string form = "b=2+%26&a=1&sig={sig}&c=x%3Dy&a=0";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"{except: [sig]}", "a=1&a=0&b=2 &&c=x=y"},
      {"{except: [sig], order: as_sent, encoded: true}", "b=2+%26&a=1&c=x%3Dy&a=0"},
      {"{except: [sig], between: '', assign: ''}", "a1a0b2 &cx=y"},
      {"{except: [sig], values_only: true, between: '|'}", "1|0|2 &|x=y"},
      {"{except: [sig], replace: {'&': _, '=': _}}", "a=1&a=0&b=2 _&c=x_y"},
      {"{order: listed, names: [c, b, missing]}", "c=x=y&b=2 &"},
  };
  for (const auto& [fields, text] : table) {
    const bool listed = fields.find("listed") != std::string::npos;
    const auto verifier = Make(StrCat("algorithms: [{kind: hmac}]\nbody_format: form\n",
                                      "signature: {form_field: sig}\nmessage: [{fields: ", fields,
                                      "}]\n", listed ? "body_not_signed: true\n" : ""));
    const auto with = [&](const std::string& signature) {
      std::string body = form;
      body.replace(body.find("{sig}"), 5, signature);
      return Try(*verifier, RequestBuilder().Body(body));
    };
    EXPECT_EQ(with(Hex("key", text)), "ok:k1") << fields;
    EXPECT_EQ(with(Hex("key", text + " ")), "signature_mismatch") << fields;
    EXPECT_EQ(with("&sig=" + Hex("key", text)), "duplicate_header") << fields;
  }
}

TEST(SignedFields, OneByOneAndInTheQuery) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac, hash: sha384}]
signature: {query: hmac}
timestamp: {query: ts}
message: [{query: data.id, lower_case: true}, {literal: ";"}, {timestamp: true}, {body: true}]
)");
  const auto with = [&](const std::string& query) {
    return Try(*verifier, RequestBuilder().Query(query).Body(kBody));
  };
  const std::string good = Hex("key", StrCat("a b;", kSeconds, kBody), "SHA384");
  const std::string time = StrCat("&ts=", kSeconds);
  EXPECT_EQ(with("data.id=A+b&hmac=" + good + time), "ok:k1");
  EXPECT_EQ(with("data.id=A%20B" + time + "&hmac=" + good), "ok:k1");
  EXPECT_EQ(with("data.id=A+c&hmac=" + good + time), "signature_mismatch");
  EXPECT_EQ(with("hmac=" + good + time), "signed_header_missing");
  EXPECT_EQ(with("data.id=A+b&data.id=A+b&hmac=" + good + time), "duplicate_header");
  EXPECT_EQ(with("data.id=A+b" + time), "signature_missing");
  EXPECT_EQ(with("data.id=A+b&hmac=" + good), "timestamp_missing");
  EXPECT_EQ(with("data.id=A+b&ts=1&hmac=" + good), "timestamp_stale");
}

TEST(SignedFields, AFormThatCannotBeReadIsRefused) {
  const auto verifier = Make(R"(
algorithms: [{kind: hmac}]
body_format: form
signature: {headers: [S]}
message: [{fields: {order: as_sent}}]
)");
  EXPECT_EQ(Try(*verifier, RequestBuilder().Header("S", Hex("key", "a=1")).Body("a=1&b=%zz")),
            "signature_mismatch");
}

TEST(HashesAndEncodings, Md5Sha384AndBase64Url) {
  for (const auto& [recipe, hash] : std::vector<std::pair<std::string, const char*>>{
           {"hash: md5, i_understand_md5_is_broken: true", "MD5"}, {"hash: sha384", "SHA384"}}) {
    const auto verifier = Make(StrCat("algorithms: [{kind: hmac, ", recipe,
                                      "}]\nsignature: {headers: [S], encoding: base64url}\n",
                                      "message: [{body: true}]"));
    const std::string text = Base64UrlEncode(Mac("key", kBody, hash));
    const auto with = [&](const std::string& signature) {
      return Try(*verifier, RequestBuilder().Header("S", signature).Body(kBody));
    };
    EXPECT_EQ(with(text), "ok:k1") << hash;
    EXPECT_EQ(with(text + std::string((4 - text.size() % 4) % 4, '=')), "ok:k1") << hash;
    EXPECT_EQ(with(text + "===="), "signature_malformed");
    EXPECT_EQ(with(text.substr(1)), text.size() % 4 == 1 ? "signature_mismatch" : with(text + "="))
        << "another text";
  }
}

// What a verified request holds, or the reason.
std::string BodyAfter(const Verifier& verifier, const RequestBuilder& request) {
  const auto verdict = verifier.Verify(request.Build(), kNow);
  if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict)) {
    return good->request().body + "?" + good->request().query;
  }
  return std::string(ReasonName(std::get<Rejection>(verdict).reason));
}

TEST(TokenInTheBody, IsLeftOutOfWhatIsKept) {
  const auto json = Make("algorithms: [{kind: static_token}]\nsignature: {json_pointer: /pass}");
  const auto with = [&](const std::string& body) {
    return BodyAfter(*json, RequestBuilder().Body(body));
  };
  EXPECT_EQ(with(R"({"x":"\"key","pass":"key","key":"pass"})"),
            R"({"x":"\"key","pass":"***","key":"pass"}?)");
  EXPECT_EQ(with(R"({"p\u0061ss" : "\u006bey"})"), R"({"p\u0061ss" : "***"}?)");
  EXPECT_EQ(with(R"({"pass":"kez"})"), "credential_mismatch");
  EXPECT_EQ(with(R"({"pass":["key"]})"), "credential_missing");
  EXPECT_EQ(with(R"({"pass":"key","pass":"key"})"), "credential_missing") << "is no JSON";
  EXPECT_EQ(with("key"), "credential_missing");
}

TEST(TokenInTheBody, EachItemOfABatchShowsIt) {
  const auto batch = Make(R"(
algorithms: [{kind: static_token}]
signature: {json_pointer: /state}
split: {array: /value}
event: {id: [{item_pointer: /id}]}
)");
  const auto with = [&](const std::string& items) {
    return BodyAfter(*batch, RequestBuilder().Body(R"({"value":[)" + items + "]}"));
  };
  EXPECT_EQ(with(R"({"id":1,"state":"key"},{"state":"key"})"),
            R"({"value":[{"id":1,"state":"***"},{"state":"***"}]}?)");
  EXPECT_EQ(with(R"({"state":"key"},{"state":"kez"})"), "credential_mismatch");
  EXPECT_EQ(with(R"({"state":"key"},{"id":2})"), "credential_missing");
  EXPECT_EQ(with(""), "credential_missing");
}

TEST(TokenInTheBody, OrInAFormOrTheQuery) {
  const auto form =
      Make("algorithms: [{kind: static_token}]\nbody_format: form\nsignature: {form_field: token}");
  EXPECT_EQ(BodyAfter(*form, RequestBuilder().Body("a=key&token=%6bey&b=1")),
            "a=key&token=***&b=1?");
  EXPECT_EQ(BodyAfter(*form, RequestBuilder().Body("token=key&token=key")), "duplicate_header");
  const auto query = Make("algorithms: [{kind: static_token}]\nsignature: {query: k}");
  EXPECT_EQ(BodyAfter(*query, RequestBuilder().Body("b").Query("k=key&x=1")), "b?k=***&x=1");
  EXPECT_EQ(BodyAfter(*query, RequestBuilder().Body("b").Query("k=kez")), "credential_mismatch");
}

}  // namespace
}  // namespace hookbridge
