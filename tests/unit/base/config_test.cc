#include "server/base/config.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace hookbridge {
namespace {

using config::v1::Config;
using config::v1::Secret;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kSource = "sources: [{name: a, preset: p, keys: [{secret: 'env:A'}]}]\n";

std::string WriteFile(const std::string& name, std::string_view text) {
  const std::string path = testing::TempDir() + "/hookbridge_config_test_" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string WithSource(std::string_view yaml) { return StrCat(kSource, yaml); }

// A source in flow form, with `fields` in front of what every source needs.
std::string Source(std::string_view fields) {
  return StrCat("sources:\n - {name: a, ", fields, "}\n");
}

std::string Recipe(std::string_view fields) {
  return Source(StrCat("preset: p, recipe: {", fields, "}"));
}

// The smallest file gets every documented default.
TEST(LoadConfig, FillsInDefaults) {
  Config config;
  EXPECT_THAT(LoadConfig(kSource, &config), IsEmpty());
  EXPECT_EQ(config.ingress().listen(), "127.0.0.1:8080");
  EXPECT_EQ(config.ingress().threads(), 1u);
  EXPECT_EQ(config.ingress().body_bytes_max(), limits::kBodyBytesMax);
  EXPECT_EQ(ToDuration(config.ingress().handler_timeout()), absl::Seconds(8));
  EXPECT_EQ(config.grpc().listen(), "127.0.0.1:9090");
  EXPECT_EQ(config.journal().engine(), config::v1::JOURNAL_ENGINE_ROCKSDB);
  EXPECT_EQ(config.journal().directory(), "./hookbridge-data");
  EXPECT_EQ(ToDuration(config.journal().max_age()), absl::Hours(30 * 24));
  EXPECT_EQ(config.journal().max_bytes(), 0u);
  EXPECT_EQ(config.convert().json_depth_max(), 24u);
  EXPECT_EQ(config.delivery().streams_max(), 1'000u);
  EXPECT_EQ(config.sources(0).body_bytes_max(), limits::kBodyBytesMax);
  EXPECT_EQ(config.sources(0).keys(0).id(), "1");
  EXPECT_EQ(config.log().level(), config::v1::LOG_LEVEL_INFO);
  EXPECT_EQ(ToDuration(config.shutdown_deadline()), absl::Seconds(10));
  EXPECT_FALSE(config.sources(0).has_recipe());
}

// What the file says stays, and applying defaults again changes nothing.
TEST(LoadConfig, KeepsWhatIsWritten) {
  Config config;
  EXPECT_THAT(LoadConfig(WithSource("ingress: {body_bytes_max: 2MiB, threads: 4}\n"
                                    "shutdown_deadline: 1500ms\n"),
                         &config),
              IsEmpty());
  EXPECT_EQ(config.ingress().threads(), 4u);
  EXPECT_EQ(config.sources(0).body_bytes_max(), 2u << 20);
  EXPECT_EQ(ToDuration(config.shutdown_deadline()), absl::Milliseconds(1500));
  Config again = config;
  ApplyDefaults(&again);
  EXPECT_EQ(again.SerializeAsString(), config.SerializeAsString());
}

struct GoodCase {
  std::string name;
  std::string yaml;
};
class LoadConfigGood : public testing::TestWithParam<GoodCase> {};

// The siblings of the refused files below, just inside the rule.
TEST_P(LoadConfigGood, IsAccepted) {
  Config config;
  EXPECT_EQ(FormatProblems("f", LoadConfig(GetParam().yaml, &config)), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, LoadConfigGood,
    testing::Values(
        GoodCase{"LongestName", "sources: [{name: " + std::string(63, 'a') + ", preset: p}]"},
        GoodCase{"ThreadsMost", WithSource("ingress: {threads: 64}")},
        GoodCase{"BodyMost", WithSource("ingress: {body_bytes_max: 25MiB}")},
        GoodCase{"DepthMost", WithSource("convert: {json_depth_max: 30}")},
        GoodCase{"ParsedMost", WithSource("convert: {parsed_bytes_max: 3MiB}")},
        GoodCase{"AgeLeast", WithSource("journal: {max_age: 1m}")},
        GoodCase{"GrpcLoopback6", WithSource("grpc: {listen: '[::1]:9090'}")},
        GoodCase{"GrpcLocalhost", WithSource("grpc: {listen: 'localhost:0'}")},
        GoodCase{"GrpcInsecure",
                 WithSource("grpc: {listen: '0.0.0.0:9090', insecure_network: true}")},
        GoodCase{"IngressWide", WithSource("ingress: {listen: '0.0.0.0:8080'}")},
        GoodCase{"Statuses", Recipe("responses: {ok: 202, duplicate: 204, bad_signature: 403, "
                                    "malformed: 422}")},
        GoodCase{"EmptyAnswer", Recipe("responses: {body: {empty: true}}")},
        GoodCase{"AnswerMost",
                 Recipe("responses: {body: {fixed: {content_type: text/plain, text: " +
                        std::string(4096, 'x') + "}}}")},
        GoodCase{"UrlWithQuery", Source("preset: p, public_url: 'https://x/a?tenant=7'")},
        GoodCase{"KindNone", Source("recipe: {algorithms: [{kind: none}]}, "
                                    "i_understand_anyone_can_post: true")},
        GoodCase{"UrlToken", Source("recipe: {algorithms: [{kind: url_token}]}, "
                                    "url_token: 'env:T'")},
        GoodCase{"OwnRecipe",
                 Source("recipe: {algorithms: [{kind: hmac}]}, keys: [{secret: 'env:K'}]")},
        GoodCase{"KeyTimes", Source("preset: p, keys: [{secret: 'env:K', not_before: "
                                    "'2026-01-01T00:00:00Z', not_after: "
                                    "'2026-01-01T00:00:00.5Z'}]")},
        GoodCase{"InflightQuarter", WithSource("ingress: {inflight_body_bytes_max: 4MiB}")},
        GoodCase{"Budgets", WithSource("ingress: {inflight_body_bytes_max: 2MiB, "
                                       "inflight_body_bytes_per_address_max: 1MiB}\n"
                                       "journal: {append_queue_bytes_max: 2MiB}")},
        GoodCase{"HeaderNames",
                 Recipe("keep_headers: [X-Shop-*, '*', \"x!#$%&'+.^_`~-1\"], "
                        "timestamp: {header: X-A|X-B}, required_headers: {X-Algorithm: a}, "
                        "event: {type_table: {inputs: [{header: X-T}], "
                        "rows: [{when: [''], type: t}]}, id: [{json_pointer: ''}]}")},
        GoodCase{"HeaderNameLongest",
                 Recipe("key_id_header: " + std::string(limits::kHeaderNameBytesMax, 'x'))},
        GoodCase{"SignedUrl", Source("preset: p, public_url: 'https://x/', "
                                     "recipe: {message: [{url: true}]}")}),
    [](const auto& param) { return param.param.name; });

struct BadCase {
  std::string name;
  std::string yaml;
  int line;
  std::string path;
  std::string message;
};
class LoadConfigBad : public testing::TestWithParam<BadCase> {};

// Each rule of the proto is told once, at its field's line, with a fix.
TEST_P(LoadConfigBad, IsToldOnce) {
  const BadCase& c = GetParam();
  Config config;
  EXPECT_THAT(LoadConfig(c.yaml, &config),
              ElementsAre(AllOf(Field("line", &ConfigProblem::line, c.line),
                                Field("path", &ConfigProblem::path, c.path),
                                Field("message", &ConfigProblem::message, HasSubstr(c.message)),
                                Field("fix", &ConfigProblem::fix, Not(IsEmpty())))));
}

INSTANTIATE_TEST_SUITE_P(
    Top, LoadConfigBad,
    testing::Values(
        BadCase{"NoSource", "log: {}\n", 0, "sources", "no source"},
        BadCase{"Threads", WithSource("ingress: {threads: 65}"), 2, "ingress.threads", "too much"},
        BadCase{"Body", WithSource("ingress: {body_bytes_max: 26214401}"), 2,
                "ingress.body_bytes_max", "too much"},
        BadCase{"Header", WithSource("ingress:\n  header_bytes_max: 257KiB"), 3,
                "ingress.header_bytes_max", "too much"},
        BadCase{"ZeroTimeout", WithSource("ingress: {idle_timeout: 0s}"), 2, "ingress.idle_timeout",
                "too short"},
        BadCase{"Listen", WithSource("ingress: {listen: '8080'}"), 2, "ingress.listen",
                "HOST:PORT"},
        BadCase{"ClientNamesWithoutCa",
                "sources:\n- name: a\n  preset: stripe\n  keys: [{secret: 'env:A'}]\n"
                "  gate: {client_names: [x]}\n",
                5, "sources[0].gate.client_names", "certificate"},
        BadCase{"GateNetwork",
                "sources:\n- name: a\n  preset: stripe\n  keys: [{secret: 'env:A'}]\n"
                "  gate: {allow_networks: [10.0.0.1/8]}\n",
                5, "sources[0].gate.allow_networks[0]", "no network"},
        BadCase{"GateHeader",
                "sources:\n- name: a\n  preset: stripe\n  keys: [{secret: 'env:A'}]\n"
                "  gate: {header: {name: X}}\n",
                5, "sources[0].gate.header.value", "missing"},
        BadCase{"TrustedProxy", WithSource("ingress: {trusted_proxies: [proxy]}"), 2,
                "ingress.trusted_proxies[0]", "no network"},
        BadCase{"SmallAppendQueue", WithSource("journal: {append_queue_events_max: 1999}"), 2,
                "journal.append_queue_events_max", "too few"},
        BadCase{"TlsKeyMissing",
                WithSource("ingress: {tls: {certificate_chain_file: proto/buf.yaml}}"), 2,
                "ingress.tls.private_key_file", "missing"},
        BadCase{"TlsFileAbsent",
                WithSource("ingress: {tls: {certificate_chain_file: proto/buf.yaml, "
                           "private_key_file: /nonexistent}}"),
                2, "ingress.tls.private_key_file", "cannot read"},
        BadCase{"GrpcWide", WithSource("grpc: {listen: '0.0.0.0:9090'}"), 2, "grpc.listen",
                "without mutual TLS"},
        BadCase{"GrpcTlsOnly",
                WithSource("grpc: {listen: '[::]:1', tls: {certificate_chain_file: proto/buf.yaml, "
                           "private_key_file: proto/buf.yaml}}"),
                2, "grpc.listen", "without mutual TLS"},
        BadCase{"GrpcFakeLoopback", WithSource("grpc: {listen: '127.example.com:1'}"), 2,
                "grpc.listen", "without mutual TLS"},
        BadCase{"Age", WithSource("journal: {max_age: 59s}"), 2, "journal.max_age", "too short"},
        BadCase{"Depth", WithSource("convert: {json_depth_max: 31}"), 2, "convert.json_depth_max",
                "too much"},
        BadCase{"Parsed", WithSource("convert: {parsed_bytes_max: 4MiB}"), 2,
                "convert.parsed_bytes_max", "too much"},
        BadCase{"InflightBudget",
                WithSource("ingress: {body_bytes_max: 2MiB, inflight_body_bytes_max: 3MiB}"), 2,
                "ingress.inflight_body_bytes_max", "3MiB is too little for bodies of 2MiB"},
        BadCase{"InflightQuarter", WithSource("ingress: {inflight_body_bytes_max: 4095KiB}"), 2,
                "ingress.inflight_body_bytes_max", "too little"},
        BadCase{"AddressBudget",
                WithSource("ingress: {inflight_body_bytes_per_address_max: 1023KiB}"), 2,
                "ingress.inflight_body_bytes_per_address_max", "too little"},
        BadCase{"QueueBudget", WithSource("journal: {append_queue_bytes_max: 2097151}"), 2,
                "journal.append_queue_bytes_max", "too little"},
        BadCase{"Deadline", WithSource("shutdown_deadline: 0s"), 2, "shutdown_deadline",
                "too short"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Source, LoadConfigBad,
    testing::Values(
        BadCase{"NameMissing", "sources:\n - {preset: p}", 2, "sources[0].name", "missing"},
        BadCase{"NameUpper", "sources: [{name: A, preset: p}]", 1, "sources[0].name",
                "not a source name"},
        BadCase{"NameDash", "sources: [{name: -a, preset: p}]", 1, "sources[0].name",
                "not a source name"},
        BadCase{"NameLong", "sources: [{name: " + std::string(64, 'a') + ", preset: p}]", 1,
                "sources[0].name", "not a source name"},
        BadCase{"NameTwice", "sources:\n - {name: a, preset: p}\n - {name: a, preset: p}", 3,
                "sources[1].name", "another source"},
        BadCase{"NoRecipe", "sources:\n - {name: a}", 2, "sources[0]", "neither"},
        BadCase{"NoAlgorithm", Source("recipe: {}"), 2, "sources[0].recipe.algorithms",
                "needs an algorithm"},
        BadCase{"KindNone", Source("recipe: {algorithms: [{kind: none}]}"), 2,
                "sources[0].recipe.algorithms", "what anyone sends"},
        BadCase{"NoKey", Source("recipe: {algorithms: [{kind: hmac}]}"), 2, "sources[0].keys",
                "needs a key"},
        BadCase{"NoToken", Source("recipe: {algorithms: [{kind: url_token}]}"), 2,
                "sources[0].keys", "needs a key"},
        BadCase{"KeyWithoutSecret", Source("preset: p, keys: [{id: a}]"), 2,
                "sources[0].keys[0].secret", "needs its secret"},
        BadCase{"KeyIdTwice",
                Source("preset: p, keys: [{id: '2', secret: 'env:A'}, {secret: 'env:B'}]"), 2,
                "sources[0].keys[1].id", "another key"},
        BadCase{"KeyTime", Source("preset: p, keys: [{secret: 'env:K', not_before: tomorrow}]"), 2,
                "sources[0].keys[0].not_before", "not a time"},
        BadCase{"KeyTimeWord",
                Source("preset: p, keys: [{secret: 'env:K', not_after: infinite-future}]"), 2,
                "sources[0].keys[0].not_after", "not a time"},
        BadCase{"KeyTimesEqual",
                Source("preset: p, keys: [{secret: 'env:K', not_before: '2026-01-01T00:00:00Z', "
                       "not_after: '2026-01-01T01:00:00+01:00'}]"),
                2, "sources[0].keys[0].not_after", "not after"},
        BadCase{"PublicUrl", Source("preset: p, public_url: x.com"), 2, "sources[0].public_url",
                "not a URL"},
        BadCase{"UrlUnknown", Recipe("message: [{url: true}]"), 2, "sources[0].public_url",
                "signs the URL"},
        BadCase{"OkRedirect", Recipe("responses: {ok: 302}"), 2, "sources[0].recipe.responses.ok",
                "302"},
        BadCase{"DuplicateGone", Recipe("responses: {duplicate: 410}"), 2,
                "sources[0].recipe.responses.duplicate", "410"},
        BadCase{"BadSignatureOk", Recipe("responses: {bad_signature: 200}"), 2,
                "sources[0].recipe.responses.bad_signature", "200"},
        BadCase{"BadSignatureGone", Recipe("responses: {bad_signature: 410}"), 2,
                "sources[0].recipe.responses.bad_signature", "410"},
        BadCase{"MalformedRedirect", Recipe("responses: {malformed: 308}"), 2,
                "sources[0].recipe.responses.malformed", "308"},
        BadCase{"AnswerTooLong",
                Recipe("responses: {body: {fixed: {content_type: text/plain, text: " +
                       std::string(4097, 'x') + "}}}"),
                2, "sources[0].recipe.responses.body.fixed.text", "4096"},
        BadCase{"AnswerType",
                Recipe("responses: {body: {fixed: {content_type: \"text/x\\r\\nX: y\"}}}"), 2,
                "sources[0].recipe.responses.body.fixed.content_type", "media type"},
        BadCase{"AnswerEmptyFalse", Recipe("responses: {body: {empty: false}}"), 2,
                "sources[0].recipe.responses.body", "says nothing"},
        BadCase{"AnswerNeverSent",
                Recipe("responses: {ok: 204, duplicate: 204, body: {fixed: {content_type: a/b}}}"),
                2, "sources[0].recipe.responses.body.fixed", "never sent"},
        BadCase{"UrlFragment", Source("preset: p, public_url: 'https://x/#rc=2'"), 2,
                "sources[0].public_url", "fragment"},
        BadCase{"SourceBody", Source("preset: p, body_bytes_max: 26MiB"), 2,
                "sources[0].body_bytes_max", "too much"},
        BadCase{"KeepHeadersEmpty", Recipe("keep_headers: [X-A, '']"), 2,
                "sources[0].recipe.keep_headers[1]", "empty"},
        BadCase{"KeepHeadersBlank", Recipe("keep_headers: ['a b']"), 2,
                "sources[0].recipe.keep_headers[0]", "not the name of a header"},
        BadCase{"SignatureHeader", Recipe("signature: {headers: ['X-Sig:']}"), 2,
                "sources[0].recipe.signature.headers[0]", "not the name of a header"},
        BadCase{"TimestampAlternative", Recipe("timestamp: {header: 'X-A|'}"), 2,
                "sources[0].recipe.timestamp.header", "empty"},
        BadCase{"MessageHeader", Recipe("message: [{body: true}, {header: \"X\\r\"}]"), 2,
                "sources[0].recipe.message[1].header", "not the name of a header"},
        BadCase{"RequiredHeader", Recipe("required_headers: {'a b': x}"), 2,
                "sources[0].recipe.required_headers", "not the name of a header"},
        BadCase{"HeaderNameLong",
                Recipe("key_id_header: " + std::string(limits::kHeaderNameBytesMax + 1, 'x')), 2,
                "sources[0].recipe.key_id_header", "characters"},
        BadCase{"JoinedPlace", Recipe("event: {id: [{join: {parts: [{header: ''}]}}]}"), 2,
                "sources[0].recipe.event.id[0].join.parts[0].header", "empty"},
        BadCase{"AttributePlace", Recipe("event: {attributes: {a: {form_field: ''}}}"), 2,
                "sources[0].recipe.event.attributes.a.form_field", "empty"},
        BadCase{"CertificateHost", Recipe("certificate: {hosts: ['']}"), 2,
                "sources[0].recipe.certificate.hosts[0]", "empty"},
        BadCase{"Topic", Source("preset: p, topic_arns: ['']"), 2, "sources[0].topic_arns[0]",
                "empty"},
        BadCase{"ValueName", Source("preset: p, values: {'': x}"), 2, "sources[0].values",
                "a name is empty"},
        BadCase{"GateHeaderName", Source("preset: p, gate: {header: {name: a b, value: 'env:A'}}"),
                2, "sources[0].gate.header.name", "not the name of a header"},
        BadCase{"EchoIsNotTold", Source("preset: p, keys: [{secret: x}]"), 2,
                "sources[0].keys[0].secret", "does not say where"}),
    [](const auto& param) { return param.param.name; });

// Keys are bounded: sixteen are good, seventeen are not.
TEST(LoadConfig, CountsKeys) {
  const auto yaml = [](size_t count) {
    std::string keys;
    for (size_t i = 0; i < count; ++i) keys += "{secret: 'env:K'},";
    return Source(StrCat("preset: p, keys: [", keys, "]"));
  };
  Config config;
  EXPECT_THAT(LoadConfig(yaml(limits::kKeysMax), &config), IsEmpty());
  EXPECT_THAT(LoadConfig(yaml(limits::kKeysMax + 1), &config),
              ElementsAre(Field(&ConfigProblem::path, "sources[0].keys")));
}

// What is allowed and had better not be. A proxy that is trusted ends TLS.
TEST(ConfigWarnings, TellsWhatIsUnwise) {
  const auto warnings = [](std::string_view yaml) {
    Config config;
    EXPECT_EQ(FormatProblems("f", LoadConfig(yaml, &config)), "");
    std::string paths;
    for (const ConfigProblem& warning :
         ConfigWarnings(config, absl::FromUnixSeconds(1'800'000'000))) {
      StrAppend(&paths, warning.path, " ");
    }
    return paths;
  };
  EXPECT_EQ(warnings(kSource), "");
  EXPECT_EQ(warnings(WithSource("ingress: {listen: '0.0.0.0:80'}")), "ingress.listen ");
  EXPECT_EQ(warnings(WithSource("ingress: {listen: '[::]:80'}")), "ingress.listen ");
  EXPECT_EQ(warnings(WithSource("ingress: {listen: '[::1]:80'}")), "");
  EXPECT_EQ(warnings(WithSource("ingress: {listen: '0.0.0.0:80', trusted_proxies: [10.0.0.0/8]}")),
            "");
  EXPECT_EQ(warnings(Source("preset: p, url_token: 'inline:a', keys: [{secret: 'inline:b'}], "
                            "gate: {basic: 'inline:a:b'}")),
            "sources[0].keys[0].secret sources[0].url_token sources[0].gate.basic ");
  EXPECT_EQ(warnings(Source("preset: p, keys: [{secret: 'env:A', not_after: "
                            "'2020-01-01T00:00:00Z'}, {secret: 'env:B'}]")),
            "");
  EXPECT_EQ(warnings(Source("preset: p, keys: [{secret: 'env:A', not_after: "
                            "'2020-01-01T00:00:00Z'}, {secret: 'env:B', not_before: "
                            "'2040-01-01T00:00:00Z'}]")),
            "sources[0].keys ");
}

// Shape and rules are told together and in the order of the file.
TEST(LoadConfig, TellsAllAtOnce) {
  Config config;
  EXPECT_THAT(LoadConfig("ingress: {threads: 65}\nlog: {levle: info}\n"
                         "sources:\n  - {name: A, preset: p}\n",
                         &config),
              ElementsAre(Field(&ConfigProblem::path, "ingress.threads"),
                          Field(&ConfigProblem::path, "log.levle"),
                          Field(&ConfigProblem::path, "sources[0].name")));
}

// A file is read as its text is; one that is not there is a problem like others.
TEST(LoadConfigFile, ReadsFiles) {
  Config config;
  EXPECT_THAT(LoadConfigFile(WriteFile("good.yaml", kSource), &config), IsEmpty());
  EXPECT_EQ(config.sources_size(), 1);
  EXPECT_THAT(LoadConfigFile("/nonexistent/f.yaml", &config),
              ElementsAre(Field(&ConfigProblem::message, HasSubstr("No such file"))));
  EXPECT_THAT(LoadConfigFile(testing::TempDir(), &config),
              ElementsAre(Field(&ConfigProblem::message, HasSubstr("cannot read the file"))));
  EXPECT_THAT(LoadConfigFile(WriteFile("huge.yaml", std::string((4 << 20) + 1, '#')), &config),
              ElementsAre(Field(&ConfigProblem::message, "the file has more than 4194304 bytes")));
}

// Every kind of reference gives the secret; one line feed at a file's end is not part of it.
TEST(ResolveSecret, FindsSecrets) {
  Secret secret;
  setenv("HOOKBRIDGE_CONFIG_TEST", "from env", 1);
  secret.set_env("HOOKBRIDGE_CONFIG_TEST");
  EXPECT_EQ(*ResolveSecret(secret), "from env");
  secret.set_file(WriteFile("secret", "from file\n"));
  EXPECT_EQ(*ResolveSecret(secret), "from file");
  secret.set_inline_("in line");
  EXPECT_EQ(*ResolveSecret(secret), "in line");
}

// What is missing or cannot be meant is refused, and the message holds no secret.
TEST(ResolveSecret, RefusesBadSecrets) {
  Secret secret;
  EXPECT_EQ(ResolveSecret(secret).status().code(), absl::StatusCode::kInvalidArgument);
  unsetenv("HOOKBRIDGE_CONFIG_TEST_ABSENT");
  secret.set_env("HOOKBRIDGE_CONFIG_TEST_ABSENT");
  EXPECT_EQ(ResolveSecret(secret).status().code(), absl::StatusCode::kNotFound);
  secret.set_file("/nonexistent/secret");
  EXPECT_EQ(ResolveSecret(secret).status().code(), absl::StatusCode::kNotFound);
  for (const char* text : {"", " hunter2", "hunter2 ", "hunter2\t", "hunter2\r\n", "hunter2\n\n"}) {
    secret.set_file(WriteFile("bad_secret", text));
    const auto result = ResolveSecret(secret);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(result.status().message()), Not(HasSubstr("hunter2")));
  }
}

// Where the name of a variable or a file belongs, a secret may stand.
TEST(ResolveSecret, ShowsOnlyWhatLooksLikeAName) {
  Secret secret;
  secret.set_env("whsec_hunter2");
  EXPECT_EQ(ResolveSecret(secret).status().message(), "the variable named here is not set");
  secret.set_file("/dev/zero");
  EXPECT_EQ(ResolveSecret(secret).status().message(), "file:/dev/zero has more than 65536 bytes");
}

// Editors of one system write a mark before the text, which nobody sees.
TEST(ResolveSecret, RefusesByteOrderMarks) {
  Secret secret;
  for (const std::string& text :
       {std::string("\xef\xbb\xbfhunter2\n"), std::string("\xff\xfeh\0u\0", 6),
        std::string("\xfe\xff\0h", 4)}) {
    secret.set_file(WriteFile("marked_secret", text));
    EXPECT_THAT(std::string(ResolveSecret(secret).status().message()),
                HasSubstr("byte order mark"));
  }
}

// The size of a secret is bounded, the file's line feed apart.
TEST(ResolveSecret, BoundsTheSize) {
  const std::string most(limits::kSecretBytesMax, 'x');
  Secret secret;
  secret.set_file(WriteFile("most", most + "\n"));
  EXPECT_TRUE(ResolveSecret(secret).ok());
  secret.set_file(WriteFile("more", most + "x"));
  EXPECT_EQ(ResolveSecret(secret).status().code(), absl::StatusCode::kInvalidArgument);
  secret.set_inline_(most + "x");
  EXPECT_EQ(ResolveSecret(secret).status().code(), absl::StatusCode::kInvalidArgument);
}

// Names, IPv4 and bracketed IPv6 are addresses.
TEST(ParseHostPort, Splits) {
  const auto text = [](std::string_view address) {
    const auto parsed = ParseHostPort(address);
    return parsed.ok() ? StrCat(parsed->host, " ", parsed->port) : "bad";
  };
  EXPECT_EQ(text("127.0.0.1:8080"), "127.0.0.1 8080");
  EXPECT_EQ(text("localhost:0"), "localhost 0");
  EXPECT_EQ(text("[::1]:65535"), "::1 65535");
  for (const char* bad : {"", ":", ":80", "a", "a:", "a:65536", "a:-1", "a:08", "a: 1", "::1:80",
                          "[::1]", "[a]:1", "[]:1", "a b:1", "http://a:1", "[::1:1", "::1]:1"}) {
    EXPECT_EQ(text(bad), "bad") << bad;
  }
}

// Every level of the file has its level of the log.
TEST(ToLogLevel, MapsLevels) {
  EXPECT_EQ(ToLogLevel(config::v1::LOG_LEVEL_UNSPECIFIED), LogLevel::kInfo);
  EXPECT_EQ(ToLogLevel(config::v1::LOG_LEVEL_DEBUG), LogLevel::kDebug);
  EXPECT_EQ(ToLogLevel(config::v1::LOG_LEVEL_WARNING), LogLevel::kWarning);
  EXPECT_EQ(ToLogLevel(config::v1::LOG_LEVEL_ERROR), LogLevel::kError);
}

}  // namespace
}  // namespace hookbridge
