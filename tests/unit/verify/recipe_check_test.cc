#include "server/verify/internal/recipe_check.h"

#include "tests/support/recipes.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

std::string Problem(std::string_view yaml, bool has_public_url = true) {
  return std::string(CheckRecipe(RecipeOf(yaml), has_public_url).message());
}

TEST(RecipeCheckTest, TakesWhatCanWork) {
  EXPECT_EQ(
      Problem("algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{body: true}]"),
      "");
  EXPECT_EQ(Problem("algorithms: [{kind: url_token}]"), "");
  EXPECT_EQ(
      Problem("algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {header: T}\n"
              "message: [{header: T}, {body: true}]"),
      "");
}

// What nothing reads is a mistake of its writer, and a signature that nobody looks at an open door.
TEST(RecipeCheckTest, NamesWhatNothingReads) {
  const std::string hmac =
      "algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{body: true}]\n";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"algorithms: [{kind: url_token}]\nsignature: {headers: [X]}",
       "recipe.signature.headers: is "
       "not read by kind url_token"},
      {"algorithms: [{kind: url_token}]\nmessage: [{body: true}]", "recipe.message"},
      {"algorithms: [{kind: static_token}]\nsignature: {headers: [X], encoding: base64}",
       "recipe.signature.encoding"},
      {"algorithms: [{kind: basic, hash: sha1}]", "recipe.algorithms[0].hash"},
      {"algorithms: [{kind: ed25519, hash: sha512}]\nsignature: {headers: [X]}\nmessage: [{body: "
       "true}]",
       "recipe.algorithms[0].hash"},
      {"algorithms: [{kind: hmac, label: v1}]\nsignature: {headers: [X]}\nmessage: [{body: true}]",
       "recipe.algorithms[0].label"},
      {"algorithms: [{kind: twilio}]\ntimestamp: {header: T}", "recipe.timestamp"},
      {"algorithms: [{kind: adyen_payments}]\nbody_not_signed: true", "recipe.body_not_signed"},
      {"algorithms: [{kind: aws_sns}]\ntimestamp: {header: T}", "recipe.timestamp"},
      {"algorithms: [{kind: none, key_encoding: hex}]", "recipe.algorithms[0].key_encoding"},
      {"algorithms: [{kind: hmac, hash: md5}]\nsignature: {headers: [X]}\nmessage: [{body: true}]",
       "recipe.algorithms[0].hash: md5 is broken"},
      {"algorithms: [{kind: hmac, i_understand_md5_is_broken: true}]\nsignature: {headers: "
       "[X]}\nmessage: [{body: true}]",
       "recipe.algorithms[0].i_understand_md5_is_broken"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], query: x}\nmessage: [{body: true}]",
       "recipe.signature: has several places"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{body: true, lower_case: "
       "true}]",
       "recipe.message[0].lower_case"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{fields: {names: [a]}}]\n"
       "body_format: form",
       "recipe.message[0].fields.names"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{fields: {order: "
       "listed}}]\nbody_format: form",
       "recipe.message[0].fields.names: is empty"},
      {hmac + "body_not_signed: true", "recipe.body_not_signed: contradicts"},
      {hmac + "dedup_window: 1d", "recipe.dedup_window"},
      {hmac + "on_id_conflict: drop", "recipe.on_id_conflict"},
      {hmac + "event: {type_table: {inputs: [{header: X}]}}", "recipe.event.type_table.inputs"},
      {hmac + "json_field: a", "recipe.json_field: looks into a form, and body_format is json"},
      {hmac + "event: {id: [{header: X}, {form_field: a}]}",
       "recipe.event.id[1]: looks into a form"},
      {hmac + "event: {type_table: {inputs: [{form_field: a}], rows: [{when: ['*'], type: t}]}}",
       "recipe.event.type_table: looks into a form"},
      {hmac + "event: {time: [{join: {parts: [{xml: /a}]}}]}",
       "recipe.event.time[0]: looks into an XML body, and body_format is json"},
      {hmac + "body_format: xml\nevent: {subject: [{json_pointer: /a}]}",
       "recipe.event.subject[0]: looks into a JSON body, and body_format is xml"},
      {hmac + "body_format: multipart\nevent: {test_mode: {from: {json_pointer: /a}, equals: b}}",
       "recipe.event.test_mode: looks into a JSON body"},
      {hmac + "events_by_get: true", "recipe.events_by_get: takes queries, which are forms"},
      {"algorithms: [{kind: none}]\nsigned_body: inflated",
       "recipe.signed_body: is not read by kind none"},
      {hmac + "handshakes: [{kind: head, answer: x}]", "recipe.handshakes[0].answer"},
      {hmac + "handshakes: [{kind: get_echo, query_parameter: c, match_pointer: /a}]",
       "recipe.handshakes[0].match_pointer"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], prefix: v1=}\nmessage: [{body: "
       "true}]",
       "recipe.signature.prefix"},
      {"algorithms: [{kind: hmac}]\nsignature: {json_pointer: /s, allow_repeated_lines: "
       "true}\nmessage: [{body: true}]",
       "recipe.signature.allow_repeated_lines"},
  };
  for (const auto& [yaml, problem] : table) {
    EXPECT_THAT(Problem(yaml), testing::HasSubstr(problem)) << yaml;
  }
}

TEST(RecipeCheckTest, NamesWhatCanNeverHappen) {
  const std::string hmac =
      "algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{body: true}]\n";
  const std::vector<std::pair<std::string, std::string>> table = {
      {hmac + "handshakes: [{query_parameter: c}]", "handshakes[0]"},
      {hmac + "handshakes: [{kind: get_echo}]", "handshakes[0].query_parameter"},
      {"algorithms: [{kind: url_token}]\nhandshakes: [{kind: json_hmac}]", "json_hmac"},
      {hmac + "responses: {body: {fixed: {text: x}}}", "responses.body.fixed.content_type"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{body: false}]",
       "message[0]: is false"},
      {"algorithms: [{kind: hmac}]\nsignature: {json_pointer: /s}\nmessage: [{body: "
       "true}]\nbody_format: form",
       "signature.json_pointer"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {json_pointer: "
       "/t}\nmessage: [{body: true}]\nbody_format: form",
       "timestamp.json_pointer"},
  };
  for (const auto& [yaml, problem] : table) {
    EXPECT_THAT(Problem(yaml), testing::HasSubstr(problem)) << yaml;
  }
}

TEST(RecipeCheckTest, NamesWhatCannot) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"signature: {headers: [X]}", "recipe.algorithms: is empty"},
      {"algorithms: [{hash: sha256}]", "recipe.algorithms[0]: has no kind"},
      {"algorithms: [{kind: hmac}, {kind: basic, key_prefix: x}]",
       "recipe.algorithms[1]: only algorithms that sign"},
      {"algorithms: [{kind: hmac}, {kind: ed25519}]", "recipe.algorithms[1]: needs a key_prefix"},
      {"algorithms: [{kind: hmac}]\nmessage: [{body: true}]", "recipe.signature.headers: is empty"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], syntax: prefix}\nmessage: [{body: "
       "true}]",
       "recipe.signature.prefix"},
      {"algorithms: [{kind: static_token}]\nsignature: {headers: [X], syntax: list}",
       "recipe.signature.syntax"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], syntax: list}\nmessage: [{body: "
       "true}]",
       "recipe.algorithms: each needs a label"},
      {"algorithms: [{kind: hmac, label: v1}]\nsignature: {headers: [X], syntax: list, "
       "label_separator: '::'}\nmessage: [{body: true}]",
       "recipe.signature.label_separator: is one character"},
      {"algorithms: [{kind: static_token}]\nsignature: {headers: [X], syntax: entries}",
       "recipe.signature.syntax: a token"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {first_entry: true}\n"
       "message: [{timestamp: true}, {body: true}]",
       "recipe.timestamp.first_entry: is true, and needs signature.syntax: entries"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], entry_separator: ';'}\n"
       "message: [{body: true}]",
       "recipe.signature.entry_separator: is read in signature.syntax list, key_value and entries"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}",
       "recipe.message: must contain {body: true}"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{literal: a}]",
       "recipe.message: must contain"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{timestamp: true}, {body: "
       "true}]",
       "recipe.message[0]: needs recipe.timestamp"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {unit: "
       "seconds}\nmessage: [{body: true}]",
       "recipe.timestamp: needs a header, label"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {label: t}\nmessage: "
       "[{body: true}]",
       "recipe.timestamp.label"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {header: T}\nmessage: "
       "[{body: true}]",
       "recipe.message: must contain {timestamp: true}"},
  };
  for (const auto& [yaml, start] : table)
    EXPECT_THAT(Problem(yaml), testing::StartsWith(start)) << yaml;
  EXPECT_THAT(Problem("algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{url: "
                      "true}, {body: true}]",
                      false),
              testing::HasSubstr("public_url"));
}

TEST(RecipeCheckTest, FindsHeadersUnderSeveralNames) {
  const auto request = RequestBuilder().Header("B", "2").Header("b", "3").Header("C", "4").Build();
  EXPECT_EQ(FindRecipeHeader(request, "A|C").line->value, "4");
  EXPECT_TRUE(FindRecipeHeader(request, "A|B|C").repeated);
  EXPECT_EQ(FindRecipeHeader(request, "A|D").line, nullptr);
}

}  // namespace
}  // namespace hookbridge
