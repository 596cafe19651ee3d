#include "server/verify/presets.h"

#include "server/verify/internal/recipe_check.h"
#include "tests/support/recipes.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

TEST(PresetsTest, EveryPresetLoadsAndCanWork) {
  EXPECT_GE(Presets().size(), 7u);
  for (const Preset& preset : Presets()) {
    const auto recipe = LoadPreset(preset.name);
    ASSERT_TRUE(recipe.ok()) << preset.name << recipe.status();
    EXPECT_TRUE(CheckRecipe(*recipe, true).ok()) << preset.name << CheckRecipe(*recipe, true);
    EXPECT_FALSE(recipe->description().empty()) << preset.name;
    EXPECT_EQ(recipe->has_dedup_window(), !recipe->event().id().empty())
        << preset.name << " does not cover the provider's retries, or has no id to remember";
    EXPECT_TRUE(preset.yaml.find("# Source: ") != std::string_view::npos) << preset.name;
    EXPECT_NE(recipe->algorithms(0).kind(), config::v1::ALGORITHM_KIND_NONE) << preset.name;
  }
}

TEST(PresetsTest, UnknownNamesAreAnsweredWithTheKnown) {
  const auto recipe = LoadPreset("strip");
  ASSERT_FALSE(recipe.ok());
  EXPECT_THAT(std::string(recipe.status().message()), testing::HasSubstr("stripe"));
}

// What the preset says and nothing reads with the changes goes; what the changes say stays, to be
// refused where nothing reads it.
TEST(PresetsTest, ChangesTakeAlongWhatHangsOnThem) {
  const auto bare = MergeRecipe(*LoadPreset("github"), RecipeOf("signature: {syntax: bare}"));
  EXPECT_EQ(bare.signature().prefix(), "");
  EXPECT_EQ(bare.signature().headers_size(), 1);
  const auto open = MergeRecipe(*LoadPreset("stripe"), RecipeOf("algorithms: [{kind: none}]"));
  EXPECT_FALSE(open.has_timestamp());
  EXPECT_TRUE(CheckRecipe(open, true).ok()) << CheckRecipe(open, true);
  EXPECT_TRUE(open.has_dedup_window()) << "the event's rules are as they were";
  const auto door =
      MergeRecipe(*LoadPreset("payment_options"),
                  RecipeOf("signature: {headers: [X-Signature]}\nmessage: [{body: true}]"));
  EXPECT_FALSE(CheckRecipe(door, true).ok()) << "a signature that kind url_token never looks at";
}

// A list loses the places that nothing reads, and keeps the others in their order.
TEST(PresetsTest, ChangesOfTheFormatTakeAlongWhatLookedIntoTheOther) {
  const auto json = MergeRecipe(*LoadPreset("slack"), RecipeOf("body_format: json"));
  EXPECT_TRUE(CheckRecipe(json, true).ok()) << CheckRecipe(json, true);
  EXPECT_EQ(json.json_field(), "");
  ASSERT_EQ(json.event().type_size(), 2);
  EXPECT_EQ(json.event().type(1).json_pointer(), "/type");
  const auto text = MergeRecipe(*LoadPreset("slack"), RecipeOf("body_format: text"));
  EXPECT_TRUE(CheckRecipe(text, true).ok()) << CheckRecipe(text, true);
  EXPECT_EQ(text.event().id_size() + text.event().type_size(), 0);
  EXPECT_FALSE(text.has_dedup_window());
  EXPECT_FALSE(
      CheckRecipe(
          MergeRecipe(*LoadPreset("slack"),
                      RecipeOf("body_format: json\nevent: {type: [{form_field: command}]}")),
          true)
          .ok())
      << "what the change says itself";
}

TEST(PresetsTest, ChangesReplaceFieldsAndWholeLists) {
  const auto merged =
      MergeRecipe(*LoadPreset("stripe"), RecipeOf("timestamp: {max_age: 1m}\nkeep_headers: [X-A]\n"
                                                  "event: {type: [{header: X-Type}]}"));
  EXPECT_EQ(merged.timestamp().max_age().seconds(), 60);
  EXPECT_EQ(merged.timestamp().label(), "t") << "what is not said stays";
  EXPECT_EQ(merged.event().type_size(), 1);
  EXPECT_EQ(merged.event().type(0).header(), "X-Type");
  EXPECT_EQ(merged.event().id_size(), 1);
  EXPECT_EQ(merged.keep_headers_size(), 1);
}

}  // namespace
}  // namespace hookbridge
