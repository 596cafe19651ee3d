#include "server/convert/internal/json_skim.h"

#include "server/base/json_tape.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <optional>
#include <string>

namespace hookbridge {
namespace {

constexpr JsonLimits kLimits{.depth_max = 64, .elements_max = limits::kJsonElementsMax};

// The text at each pointer, as a reader finds it in what SoundJson makes.
std::vector<std::optional<std::string>> Find(std::string_view text,
                                             const std::vector<std::string>& pointers) {
  WantedPlaces wanted;
  for (const std::string& pointer : pointers) wanted.Want(*JsonPointer::Parse(pointer));
  const std::string sound = SoundJson(text, wanted);
  JsonTape tape;
  EXPECT_TRUE(tape.Parse(sound, kLimits).ok()) << sound;
  std::vector<std::optional<std::string>> found;
  for (const std::string& pointer : pointers) {
    const JsonNode* const node = JsonPointer::Parse(pointer)->Find(tape);
    const bool is_scalar = node != nullptr && node->type != JsonType::kNull &&
                           node->type != JsonType::kObject && node->type != JsonType::kArray;
    found.push_back(is_scalar ? std::optional<std::string>(tape.Text(*node)) : std::nullopt);
  }
  return found;
}

std::optional<std::string> FindId(std::string_view text) { return Find(text, {"/id"})[0]; }

// A value whose own place is sound is found, whatever is wrong beside it.
TEST(JsonSkimTest, FaultsElsewhereDoNotMatter) {
  for (const std::string rest : {
           R"("text":"cut \ud83d")",
           R"("a":1,"a":2)",
           R"("v":NaN)",
           R"("v":-Infinity)",
           R"("v":01)",
           R"("v":undefined)",
           "\"t\":\"tab\there\"",
           "\"t\":\"\xff\"",
           R"("t":"\q")",
           R"("d":{"x":[1,]})",
           R"("d":{"x" 1})",
       }) {
    EXPECT_EQ(FindId(StrCat(R"({"id":"e1",)", rest, "}")), "e1") << rest;
    EXPECT_EQ(FindId(StrCat("{", rest, R"(,"id":"e1"})")), "e1") << rest;
  }
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(FindId(StrCat(R"({"deep":)", deep, R"(,"id":7})")), "7");
}

// A byte order mark is passed over before the text, and is no part of a value.
TEST(JsonSkimTest, AByteOrderMarkIsOfTheTextAlone) {
  EXPECT_EQ(FindId("\xef\xbb\xbf{\"id\":7,\"v\":NaN}"), "7");
  EXPECT_EQ(FindId("{\"id\":\xef\xbb\xbf"
                   "7,\"v\":NaN}"),
            std::nullopt);
}

TEST(JsonSkimTest, ItsOwnPlaceMustBeSound) {
  for (const std::string text : {
           R"({"id":"a","id":"b"})",
           R"({"id":"a","i\u0064":"b"})",
           R"({"id":"\ud800"})",
           "{\"id\":\"\xff\"}",
           R"({"id":01})",
           R"({"id":tru})",
           R"({"id":{"a":1}})",
           R"({"id":null})",
           R"({"id":})",
           R"({"i\ud800d":"a"})",
           R"(["id"])",
           R"("id")",
           "",
           "{",
           R"({"id)",
       }) {
    EXPECT_EQ(FindId(text), std::nullopt) << text;
  }
}

// A text that ends early or loses its brackets counts up to there.
TEST(JsonSkimTest, WhatWasReadBeforeTheTextBreaksOffCounts) {
  EXPECT_EQ(FindId(R"({"id":"e1","text":"cut)"), "e1");
  EXPECT_EQ(FindId(R"({"id":"e1")"), "e1");
  EXPECT_EQ(FindId(R"({"id":"e1" "x":1})"), "e1");
  EXPECT_EQ(FindId(R"({"x":[1},"id":"e1"})"), std::nullopt);
  EXPECT_EQ(FindId(R"({"x":"never closed,"id":"e1"})"), std::nullopt);
  EXPECT_EQ(FindId(R"({"id":"e1"}{"id":"e2"})"), "e1");
}

TEST(JsonSkimTest, GoesDownPathsAndIndexes) {
  const std::string text =
      "\xef\xbb\xbf"
      R"( {"a" : {"b":[{"c":1},NaN,{"c":"x\"y"}], "d":true}, "e/f":"\u00e9", "bad":\x})";
  using testing::ElementsAre;
  EXPECT_THAT(Find(text, {"/a/b/0/c", "/a/b/1", "/a/b/2/c", "/a/b/02/c", "/a/b/3", "/a/d", "/e~1f",
                          "/a", "/a/d/e", ""}),
              ElementsAre("1", std::nullopt, "x\"y", std::nullopt, std::nullopt, "", "é",
                          std::nullopt, std::nullopt, std::nullopt));
  EXPECT_THAT(Find("7 x", {""}), ElementsAre("7"));
}

// One pass, also where a wanted index lies behind many.
TEST(JsonSkimTest, IndexesHaveTheBoundOfElements) {
  std::string text = "[";
  for (size_t i = 0; i <= limits::kJsonElementsMax; ++i) text += "1,";
  text += "NaN]";
  WantedPlaces wanted;
  wanted.Want(*JsonPointer::Parse(StrCat("/", limits::kJsonElementsMax)));
  EXPECT_EQ(SoundJson(text, wanted), "[]") << "no body that is read has one there";
  WantedPlaces last;
  last.Want(*JsonPointer::Parse(StrCat("/", limits::kJsonElementsMax - 1)));
  EXPECT_TRUE(SoundJson(text, last).ends_with(",1]"));
}

TEST(JsonSkimTest, ElementsNeedBracketsAlone) {
  const auto elements = [](std::string_view text, std::string_view pointer, size_t most = 10) {
    return SkimElements(text, *JsonPointer::Parse(pointer), most);
  };
  using testing::ElementsAre;
  using testing::IsEmpty;
  EXPECT_THAT(elements(R"([{"a":"\ud83d"},{"b":NaN} ])", ""),
              ElementsAre(R"({"a":"\ud83d"})", R"({"b":NaN})"));
  EXPECT_THAT(elements(R"({"x":1,"x":2,"l":{"m":[{}]}})", "/l/m"), ElementsAre("{}"));
  for (const std::string text : {R"([{"a":NaN},2])", R"([{"a":NaN})", R"([{"a":NaN}]])", "[]", "{}",
                                 R"([{"a":NaN}] x)", "[{},{},{},]"}) {
    EXPECT_THAT(elements(text, ""), IsEmpty()) << text;
  }
  EXPECT_THAT(elements(R"({"l":[{}],"l":[{}]})", "/l"), IsEmpty()) << "which?";
  EXPECT_THAT(elements("[{},{}]", "", 2), testing::SizeIs(2));
  EXPECT_THAT(elements("[{},{},{}]", "", 2), IsEmpty());
}

}  // namespace
}  // namespace hookbridge
