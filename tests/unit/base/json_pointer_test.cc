#include "server/base/json_pointer.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

std::string Find(std::string_view pointer, std::string_view json) {
  JsonTape tape;
  EXPECT_TRUE(tape.Parse(json, {.depth_max = 24, .elements_max = 1'000}).ok()) << json;
  const auto made = JsonPointer::Parse(pointer);
  if (!made.ok()) return "refused";
  const JsonNode* const node = made->Find(tape);
  if (node == nullptr) return "absent";
  return node->type == JsonType::kObject || node->type == JsonType::kArray
             ? "container"
             : std::string(tape.Text(*node));
}

// The examples of RFC 6901 section 5, and what is not a pointer.
TEST(JsonPointerTest, FindsAsTheRfcSays) {
  const std::string json =
      R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,)"
      R"("k\"l":6," ":7,"m~n":8})";
  EXPECT_EQ(Find("", json), "container");
  EXPECT_EQ(Find("/foo", json), "container");
  EXPECT_EQ(Find("/foo/0", json), "bar");
  EXPECT_EQ(Find("/", json), "0");
  EXPECT_EQ(Find("/a~1b", json), "1");
  EXPECT_EQ(Find("/c%d", json), "2");
  EXPECT_EQ(Find("/i\\j", json), "5");
  EXPECT_EQ(Find("/k\"l", json), "6");
  EXPECT_EQ(Find("/ ", json), "7");
  EXPECT_EQ(Find("/m~0n", json), "8");
}

TEST(JsonPointerTest, WhatDoesNotExistIsAbsent) {
  EXPECT_EQ(Find("/foo/2", R"({"foo":["bar","baz"]})"), "absent");
  EXPECT_EQ(Find("/foo/01", R"({"foo":["bar","baz"]})"), "absent");
  EXPECT_EQ(Find("/foo/-", R"({"foo":["bar","baz"]})"), "absent");
  EXPECT_EQ(Find("/foo/bar", R"({"foo":"bar"})"), "absent");
  EXPECT_EQ(Find("/x", "[1]"), "absent");
}

TEST(JsonPointerTest, RefusesWhatIsNone) {
  for (const char* const bad : {"a", "a/b", "/~", "/~2", "/a~"})
    EXPECT_EQ(Find(bad, "{}"), "refused") << bad;
}

}  // namespace
}  // namespace hookbridge
