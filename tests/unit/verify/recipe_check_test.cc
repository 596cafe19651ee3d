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
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X], entry_separator: ', '}\nmessage: "
       "[{body: true}]",
       "recipe.signature: separators"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}",
       "recipe.message: must contain {body: true}"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{literal: a}]",
       "recipe.message: must contain"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\nmessage: [{timestamp: true}, {body: "
       "true}]",
       "recipe.message[0]: needs recipe.timestamp"},
      {"algorithms: [{kind: hmac}]\nsignature: {headers: [X]}\ntimestamp: {unit: "
       "seconds}\nmessage: [{body: true}]",
       "recipe.timestamp: needs a header, a label"},
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
