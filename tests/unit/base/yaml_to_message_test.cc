#include "server/base/yaml_to_message.h"

#include "hookbridge/config/v1/config.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace hookbridge {
namespace {

using config::v1::Config;
using config::v1::Recipe;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

auto Problem(int line, const std::string& path, const std::string& message,
             const std::string& fix) {
  return AllOf(Field("line", &ConfigProblem::line, line), Field("path", &ConfigProblem::path, path),
               Field("message", &ConfigProblem::message, HasSubstr(message)),
               Field("fix", &ConfigProblem::fix, HasSubstr(fix)));
}

// A whole recipe, as presets are written, arrives field by field.
TEST(YamlToMessage, ReadsARecipe) {
  Recipe recipe;
  EXPECT_THAT(YamlToMessage(R"(
algorithms:
  - {kind: hmac, hash: sha256, key_encoding: base64, key_prefix: whsec_, label: v1}
  - kind: ed25519
signature:
  headers: [webhook-signature]
  syntax: key_value
  entry_separator: " "
timestamp: {header: webhook-timestamp, unit: iso8601, max_age: 5m, max_future: 1500ms}
message:
  - header: webhook-id
  - literal: .
  - body: true
event:
  type:
    - json_pointer: /type
  type_table:
    inputs: [{form_field: a}]
    rows:
      - {when: [true, 200..299], type: paid}
  attributes:
    merchant: {json_pointer: /m}
    country:
      header: x-country
responses: {ok: 202}
dedup_window: 7d
description: A provider
)",
                            &recipe),
              IsEmpty());
  ASSERT_EQ(recipe.algorithms_size(), 2);
  EXPECT_EQ(recipe.algorithms(0).key_prefix(), "whsec_");
  EXPECT_EQ(recipe.algorithms(0).key_encoding(), config::v1::KEY_ENCODING_BASE64);
  EXPECT_EQ(recipe.algorithms(1).kind(), config::v1::ALGORITHM_KIND_ED25519);
  EXPECT_EQ(recipe.signature().syntax(), config::v1::SIGNATURE_SYNTAX_KEY_VALUE);
  EXPECT_EQ(recipe.signature().entry_separator(), " ");
  EXPECT_EQ(recipe.timestamp().header(), "webhook-timestamp");
  EXPECT_EQ(recipe.timestamp().max_age().seconds(), 300);
  EXPECT_EQ(recipe.timestamp().max_future().nanos(), 500'000'000);
  ASSERT_EQ(recipe.message_size(), 3);
  EXPECT_EQ(recipe.message(1).literal(), ".");
  EXPECT_TRUE(recipe.message(2).body());
  EXPECT_THAT(recipe.event().type_table().rows(0).when(), ElementsAre("true", "200..299"));
  ASSERT_EQ(recipe.event().attributes_size(), 2);
  EXPECT_EQ(recipe.event().attributes().at("country").header(), "x-country");
  EXPECT_EQ(recipe.event().attributes().at("merchant").json_pointer(), "/m");
  EXPECT_EQ(recipe.responses().ok(), 202u);
  EXPECT_EQ(recipe.dedup_window().seconds(), 7 * 86'400);
}

struct ValueCase {
  std::string name;
  std::string yaml;
  bool (*holds)(const Config&);
};

class YamlValue : public testing::TestWithParam<ValueCase> {};

// Every spelling that is accepted gives the value it names.
TEST_P(YamlValue, IsRead) {
  Config config;
  EXPECT_THAT(YamlToMessage(GetParam().yaml, &config), IsEmpty());
  EXPECT_TRUE(GetParam().holds(config)) << config.ShortDebugString();
}

INSTANTIATE_TEST_SUITE_P(
    All, YamlValue,
    testing::Values(
        ValueCase{"Empty", "", [](const Config& c) { return c.ByteSizeLong() == 0; }},
        ValueCase{"OnlyComment", "# nothing\n", [](const Config& c) { return !c.has_log(); }},
        ValueCase{"Mebibytes", "ingress: {body_bytes_max: 64MiB}",
                  [](const Config& c) { return c.ingress().body_bytes_max() == 64 << 20; }},
        ValueCase{"Kilobytes", "journal: {max_bytes: 10kB}",
                  [](const Config& c) { return c.journal().max_bytes() == 10'000; }},
        ValueCase{"BytesPerAddress", "ingress: {inflight_body_bytes_per_address_max: 1MiB}",
                  [](const Config& c) {
                    return c.ingress().inflight_body_bytes_per_address_max() == 1 << 20;
                  }},
        ValueCase{
            "BytesPerSecond", "ingress: {body_bytes_per_second_min: 2KiB}",
            [](const Config& c) { return c.ingress().body_bytes_per_second_min() == 2 << 10; }},
        ValueCase{"BareBytes", "journal: {max_bytes: 7}",
                  [](const Config& c) { return c.journal().max_bytes() == 7; }},
        ValueCase{"EmptyMessageIsPresent", "ingress: {tls: {}}",
                  [](const Config& c) { return c.ingress().has_tls(); }},
        ValueCase{"EnumDropOldest", "journal: {when_full: drop_oldest}",
                  [](const Config& c) {
                    return c.journal().when_full() == config::v1::WHEN_FULL_DROP_OLDEST;
                  }},
        ValueCase{"SecretEnv", "sources: [{url_token: 'env:TOKEN'}]",
                  [](const Config& c) { return c.sources(0).url_token().env() == "TOKEN"; }},
        ValueCase{"SecretInlineWithColon", "sources: [{url_token: inline:a:b}]",
                  [](const Config& c) { return c.sources(0).url_token().inline_() == "a:b"; }},
        ValueCase{"QuotedEscapes", R"(sources: [{public_url: "\u00e9"}])",
                  [](const Config& c) { return c.sources(0).public_url() == "\xc3\xa9"; }},
        ValueCase{
            "DurationMost", "shutdown_deadline: 36500d",
            [](const Config& c) { return c.shutdown_deadline().seconds() == 36'500ll * 86'400; }},
        ValueCase{"Uint32Max", "ingress: {threads: 4294967295}",
                  [](const Config& c) { return c.ingress().threads() == 4294967295u; }}),
    [](const auto& param) { return param.param.name; });

struct ProblemCase {
  std::string name;
  std::string yaml;
  int line;
  std::string path;
  std::string message;
  std::string fix;
};

class YamlProblem : public testing::TestWithParam<ProblemCase> {};

// Every mistake is told once, at its line, with what to write.
TEST_P(YamlProblem, IsTold) {
  const ProblemCase& c = GetParam();
  Config config;
  EXPECT_THAT(YamlToMessage(c.yaml, &config),
              ElementsAre(Problem(c.line, c.path, c.message, c.fix)));
}

INSTANTIATE_TEST_SUITE_P(
    All, YamlProblem,
    testing::Values(
        ProblemCase{"UnknownField", "ingress:\n  lisen: a", 2, "ingress.lisen", "unknown field",
                    "did you mean `listen`?"},
        ProblemCase{"UnknownFarField", "log: {zzzzzzzz: 1}", 1, "log.?", "left out",
                    "level, requests"},
        ProblemCase{"FieldOfAnother", "log: {secret: 1}", 1, "log.secret", "unknown field",
                    "level, requests"},
        ProblemCase{"RepeatedKey", "log: {}\nlog: {}", 2, "log", "twice", "keep one"},
        ProblemCase{"MergeKey", "log: {<<: {}}", 1, "log.<<", "merge", "write the fields out"},
        ProblemCase{"Alias", "log: &a {}\n", 1, "", "anchors", "write the value out"},
        ProblemCase{"UnknownAlias", "log: *a", 1, "", "alias", "quotes"},
        ProblemCase{"Tag", "log: !!map {}", 1, "", "tags", "remove"},
        ProblemCase{"TwoDocuments", "log: {}\n---\nlog: {}", 2, "", "second document", "one"},
        ProblemCase{"Syntax", "log: [", 1, "", "not YAML", "check"},
        ProblemCase{"NotUtf8", "log:\n \xff", 2, "", "UTF-8", "save"},
        ProblemCase{"NulByte", std::string("log:\n\0", 6), 2, "", "NUL byte", "save"},
        ProblemCase{"TabIndent", "log:\n\tlevel: info\n", 2, "", "a tab", "spaces"},
        ProblemCase{"CrAlone", "log: {}\rgrpc: {}\r", 1, "", "CR alone", "LF"},
        ProblemCase{"Unclosed", "sources: [{name: \"a\n", 1, "", "a key must be",
                    "bracket and quote"},
        ProblemCase{"Surrogate", R"(sources: [{name: "\ud800"}])", 1, "", "not YAML", "check"},
        ProblemCase{"KeyIsAList", "[a]: b", 1, "", "a key must be a name", "name: value"},
        ProblemCase{"RootIsAList", "- a", 1, "", "holds a list", "name: value"},
        ProblemCase{"ListForField", "log: []", 1, "log", "holds a list", "indented"},
        ProblemCase{"TextForList", "sources: x", 1, "sources", "holds a text", "- "},
        ProblemCase{"FieldsForValue", "shutdown_deadline: {a: b}", 1, "shutdown_deadline",
                    "holds fields", "one text"},
        ProblemCase{"Nothing", "log:", 1, "log", "holds nothing", "remove the line"},
        ProblemCase{"NothingInList", "sources:\n  -", 2, "sources[0]", "holds nothing", "fields"},
        ProblemCase{"NumberTooBig", "ingress: {threads: 4294967296}", 1, "ingress.threads",
                    "out of range", "0 to 4294967295"},
        ProblemCase{"NegativeNumber", "ingress: {threads: -1}", 1, "ingress.threads",
                    "not a whole number", "digits"},
        ProblemCase{"OctalNumber", "ingress: {threads: 010}", 1, "ingress.threads",
                    "not a whole number", "digits"},
        ProblemCase{"QuotedNumber", "ingress: {threads: '4'}", 1, "ingress.threads", "is a text",
                    "quotes"},
        ProblemCase{"UnitOnPlainNumber", "ingress: {threads: 4kB}", 1, "ingress.threads",
                    "not a whole number", "digits"},
        ProblemCase{"Yes", "log: {requests: yes}", 1, "log.requests", "not a boolean", "true"},
        ProblemCase{"EnumCase", "log: {level: INFO}", 1, "log.level", "values", "`info`"},
        ProblemCase{"EnumUnspecified", "log: {level: unspecified}", 1, "log.level", "values",
                    "debug, info, warning, error"},
        ProblemCase{"SizeUnit", "journal: {max_bytes: 64 mb}", 1, "journal.max_bytes", "not a size",
                    "`64MiB`"},
        ProblemCase{"SizeOverflow", "journal: {max_bytes: 99999999TiB}", 1, "journal.max_bytes",
                    "out of range", "smaller"},
        ProblemCase{"NumberOverflow", "ingress: {threads: 99999999999999999999}", 1,
                    "ingress.threads", "out of range", "0 to 4294967295"},
        ProblemCase{"DurationTooLong", "shutdown_deadline: 36501d", 1, "shutdown_deadline",
                    "too long", "36500d"},
        ProblemCase{"DurationOverflow", "shutdown_deadline: 999999999999d", 1, "shutdown_deadline",
                    "too long", "36500d"},
        ProblemCase{"DurationBare", "shutdown_deadline: 30", 1, "shutdown_deadline",
                    "not a duration", "`30s`"},
        ProblemCase{"DurationWord", "shutdown_deadline: 5 minutes", 1, "shutdown_deadline",
                    "not a duration", "`5m`"},
        ProblemCase{"DurationFraction", "shutdown_deadline: 1.5s", 1, "shutdown_deadline",
                    "not a duration", "ms, s, m, h, d"},
        ProblemCase{"DurationNegative", "shutdown_deadline: -1s", 1, "shutdown_deadline",
                    "not a duration", "ms, s, m, h, d"},
        ProblemCase{"SecretWithoutKind", "sources: [{url_token: hunter2}]", 1,
                    "sources[0].url_token", "does not say where", "env:NAME"},
        ProblemCase{"SecretEmpty", "sources: [{url_token: 'env:'}]", 1, "sources[0].url_token",
                    "nothing stands", "env:NAME"},
        ProblemCase{"SecretFields", "sources: [{url_token: {inline: hunter2}}]", 1,
                    "sources[0].url_token", "holds fields", "env:NAME"},
        ProblemCase{"SecretNul", "sources: [{url_token: \"env:\\0A\"}]", 1, "sources[0].url_token",
                    "control character", "env:NAME"},
        ProblemCase{"TwoOfOneof", "sources: [{recipe: {timestamp: {header: a,\n label: b}}}]", 2,
                    "sources[0].recipe.timestamp.label", "`header`", "keep one"},
        ProblemCase{
            "MapKeyTwice",
            "sources: [{recipe: {event: {attributes: {a: {header: b},\n a: {header: c}}}}}]", 2,
            "sources[0].recipe.event.attributes.a", "twice", "keep one"}),
    [](const auto& param) { return param.param.name; });

// A file is mended in one go: all problems come together, and what is good is still read.
TEST(YamlToMessage, TellsAllProblemsAtOnce) {
  Config config;
  EXPECT_THAT(
      YamlToMessage("log: {level: loud}\ngrpc: {listen: a}\nsources:\n  - {nam: b}\n", &config),
      ElementsAre(Problem(1, "log.level", "", ""), Problem(4, "sources[0].nam", "", "`name`")));
  EXPECT_EQ(config.grpc().listen(), "a");
}

// A secret that was written without its kind, or where a name belongs, must not reach the terminal
// or a log.
TEST(YamlToMessage, NeverEchoesASecret) {
  for (const std::string_view yaml :
       {"sources: [{keys: [{secret: hunter2}]}]", "sources: [{keys: [{hunter2: 'env:A'}]}]",
        "sources: [{keys: [{secret_hunter2: 'env:A'}]}]", "hunter2: {}\nhunter2: {}\n",
        "sources: [{keys: [{secret: *hunter2}]}]", "sources: [{keys: {hunter2: a}}]",
        "sources: [{values: {hunter2: []}}]", "sources: [{url_token: \"env:\\nhunter2\"}]"}) {
    Config config;
    const auto problems = YamlToMessage(yaml, &config);
    EXPECT_THAT(problems, Not(IsEmpty())) << yaml;
    EXPECT_EQ(FormatProblems("f", problems).find("hunter2"), std::string::npos)
        << FormatProblems("f", problems);
  }
}

// Hostile nesting stops at the limit and never reaches the end of the stack.
TEST(YamlToMessage, StopsDeepNesting) {
  for (const std::string_view open : {"[", "{a: ", "- ", "? "}) {
    for (const size_t depth : {33u, 1'000u, 100'000u}) {
      Config config;
      EXPECT_THAT(YamlToMessage(Repeat(open, depth), &config), SizeIs(1)) << open << depth;
    }
  }
}

// At the limit the depth is no problem, one more is.
TEST(YamlToMessage, CountsLevels) {
  Config config;
  EXPECT_THAT(YamlToMessage(Repeat("[", 32) + Repeat("]", 32), &config),
              ElementsAre(Problem(1, "", "holds a list", "")));
  EXPECT_THAT(YamlToMessage(Repeat("[", 33) + Repeat("]", 33), &config),
              ElementsAre(Problem(1, "", "nested deeper", "")));
}

// Limits on values and bytes hold at the limit and refuse above.
TEST(YamlToMessage, CountsValuesAndBytes) {
  const auto list = [](size_t items) {
    return "sources: [{recipe: {keep_headers: [" + Repeat("a,", items) + "]}}]";
  };
  constexpr size_t kAround = 8;  // values of the line above beside the items
  Config config;
  EXPECT_THAT(YamlToMessage(list(100'000 - kAround), &config), IsEmpty());
  EXPECT_THAT(YamlToMessage(list(100'000 - kAround + 1), &config),
              ElementsAre(Problem(1, "", "more than 100000 values", "split")));

  std::string text = "#" + std::string((4 << 20) - 1, 'x');
  EXPECT_THAT(YamlToMessage(text, &config), IsEmpty());
  text += 'x';
  EXPECT_THAT(YamlToMessage(text, &config), ElementsAre(Problem(0, "", "4194304", "split")));
}

// The form that editors and people read.
TEST(FormatProblems, IsOneLineEach) {
  EXPECT_EQ(FormatProblems("f.yaml", {{.line = 3, .path = "a.b", .message = "bad", .fix = "mend"},
                                      {.message = "worse"}}),
            "f.yaml:3: a.b: bad; mend\nf.yaml: worse\n");
  EXPECT_EQ(FormatWarnings("f.yaml", {{.line = 3, .path = "a.b", .message = "bad"}}),
            "f.yaml:3: a.b: warning: bad\n");
}

// What a file holds neither cuts the report, nor adds lines to it, nor commands the terminal.
TEST(FormatProblems, ShowsControlCharacters) {
  const std::string text("a\0b\nc\x1b[2J\x7f é", 13);
  EXPECT_EQ(FormatProblems("f", {{.path = text, .message = text, .fix = text}}),
            "f: a\\x00b\\x0ac\\x1b[2J\\x7f é: a\\x00b\\x0ac\\x1b[2J\\x7f é; "
            "a\\x00b\\x0ac\\x1b[2J\\x7f é\n");
}

}  // namespace
}  // namespace hookbridge
