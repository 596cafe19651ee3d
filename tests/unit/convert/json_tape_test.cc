#include "server/base/json_tape.h"

#include "server/base/strings.h"
#include "server/convert/internal/value_writer.h"
#include "tests/support/json_oracle.h"

#include "google/protobuf/struct.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace hookbridge {
namespace {

constexpr JsonLimits kLimits{.depth_max = 30, .elements_max = 100'000};

std::string Word(std::string_view text, JsonLimits limits = kLimits) {
  JsonTape tape;
  const absl::Status status = tape.Parse(text, limits);
  const std::string message(ToStd(status.message()));
  return message.substr(0, message.find(':'));
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Files y_* are JSON, n_* are not; the same files are the fuzzer's first inputs.
TEST(JsonTapeTest, ReadsTheCorpusAsItsNamesSayAndAsOthersDo) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(HOOKBRIDGE_SOURCE_DIR "/tests/fuzz/json/corpus")) {
    const std::string name = entry.path().filename().string();
    const std::string text = ReadFile(entry.path());
    JsonTape tape;
    const absl::Status status = tape.Parse(text, kLimits);
    EXPECT_EQ(status.ok(), name.starts_with("y_")) << name << ": " << status;
    EXPECT_EQ(CompareWithOtherReaders(text), "") << name;
    ++files;
  }
  EXPECT_GE(files, 90);
}

TEST(JsonTapeTest, SaysWhyAndWhere) {
  EXPECT_EQ(Word("[1,]"), "json_syntax");
  EXPECT_EQ(Word("1 2"), "json_trailing");
  EXPECT_EQ(Word("\"\xff\""), "json_utf8");
  EXPECT_EQ(Word("\"\\ud800\""), "json_surrogate");
  EXPECT_EQ(Word("{\"a\":1,\"\\u0061\":2}"), "json_duplicate_key");
  JsonTape tape;
  EXPECT_EQ(tape.Parse("[1, x]", kLimits).message(), "json_syntax: at byte 4");
}

TEST(JsonTapeTest, DepthAtItsLimitAndOneMore) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  for (const uint32_t limit : {1u, 24u, 30u}) {
    EXPECT_EQ(Word(nested(limit), {limit, 1000}), "");
    EXPECT_EQ(Word(nested(limit + 1), {limit, 1000}), "json_depth");
  }
  // What is refused for depth costs no stack.
  EXPECT_EQ(Word(std::string(10'000'000, '[')), "json_depth");
}

TEST(JsonTapeTest, ElementsAtTheirLimitAndOneMore) {
  const auto list = [](int count) {
    std::string text = "[0";
    for (int i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_EQ(Word(list(9), {24, 10}), "");
  EXPECT_EQ(Word(list(10), {24, 10}), "json_elements");
}

TEST(JsonTapeTest, ABufferUsedAgainForgetsTheTextBefore) {
  JsonTape tape;
  ASSERT_TRUE(tape.Parse("{\"a\":\"\\n\",\"b\":9007199254740993}", kLimits).ok());
  EXPECT_EQ(tape.inexact_count(), 1u);
  ASSERT_FALSE(tape.Parse("[\"\\t\"", kLimits).ok());
  ASSERT_TRUE(tape.Parse("[\"\\t\"]", kLimits).ok());
  EXPECT_EQ(tape.inexact_count(), 0u);
  ASSERT_EQ(tape.nodes().size(), 2u);
  EXPECT_EQ(tape.Text(tape.nodes()[1]), "\t");
}

TEST(JsonTapeTest, NamesInexactNumbersByPointer) {
  JsonTape tape;
  ASSERT_TRUE(
      tape.Parse(R"({"a/b":[1,9007199254740993],"m~n":{"":1e400},"ok":0.1})", kLimits).ok());
  EXPECT_THAT(InexactPointers(tape), testing::ElementsAre("/a~1b/1", "/m~0n/"));
  std::string wire;
  AppendValue(tape, wire);
  google::protobuf::Value value;
  ASSERT_TRUE(value.ParseFromString(wire));
  const auto& fields = value.struct_value().fields();
  EXPECT_EQ(fields.at("a/b").list_value().values(1).string_value(), "9007199254740993");
  EXPECT_EQ(fields.at("ok").number_value(), 0.1);
}

// Random documents, then random damage of them.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string Document() { return Value(0); }

  std::string Damage(std::string text) {
    static constexpr std::string_view kBytes =
        "{}[]\",:\\u0 \n\x01\xc3\xff"
        "e-+.19tn";
    for (unsigned i = Next() % 3; i < 3 && !text.empty(); ++i) {
      const size_t at = Next() % text.size();
      const char byte = kBytes[Next() % kBytes.size()];
      switch (Next() % 3) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, byte);
      }
    }
    return text;
  }

 private:
  std::string Blanks() { return std::string(Next() % 3, " \n\t"[Next() % 3]); }

  std::string Text() {
    static constexpr std::string_view kParts[] = {"a",
                                                  "Z",
                                                  "é",
                                                  "😀",
                                                  "\\n",
                                                  "\\u0041",
                                                  "\\ud83d\\ude00",
                                                  "\\\"",
                                                  "/",
                                                  "0123456789abcdef",
                                                  "\\u0000",
                                                  "key"};
    std::string text = "\"";
    for (unsigned i = Next() % 6; i > 0; --i) text += kParts[Next() % std::size(kParts)];
    return text + "\"";
  }

  std::string Number() {
    std::string text = Next() % 3 == 0 ? "-" : "";
    text += std::to_string(Next() % 2 == 0 ? Next() % 1000 : (uint64_t{Next()} << 32) | Next());
    if (Next() % 3 == 0) text += "." + std::to_string(Next());
    if (Next() % 4 == 0) text += "e" + std::to_string(static_cast<int>(Next() % 60) - 30);
    return text;
  }

  std::string Value(int depth) {
    switch (Next() % (depth < 6 ? 8 : 5)) {
      case 0:
        return "null";
      case 1:
        return Next() % 2 == 0 ? "true" : "false";
      case 2:
      case 3:
        return Number();
      case 4:
        return Text();
      case 5: {
        std::string list = "[" + Blanks();
        for (unsigned i = 0, n = Next() % 5; i < n; ++i) {
          list += (i > 0 ? "," : "") + Blanks() + Value(depth + 1) + Blanks();
        }
        return list + "]";
      }
      default: {
        std::string object = "{" + Blanks();
        for (unsigned i = 0, n = Next() % 16; i < n; ++i) {
          object += (i > 0 ? "," : "") + Blanks() + "\"" + std::to_string(i) + Text().substr(1) +
                    Blanks() + ":" + Value(depth + 1);
        }
        return object + "}";
      }
    }
  }

  unsigned Next() { return static_cast<unsigned>(random_()); }

  std::mt19937 random_;
};

TEST(JsonTapeTest, AgreesWithOtherReadersOnRandomDocumentsWholeAndDamaged) {
  Generator generator(42);
  int accepted = 0;
  for (int i = 0; i < 4'000; ++i) {
    const std::string text = generator.Document();
    accepted += Word(text).empty();
    ASSERT_EQ(CompareWithOtherReaders(text), "") << text;
    const std::string damaged = generator.Damage(text);
    ASSERT_EQ(CompareWithOtherReaders(damaged), "") << damaged;
  }
  EXPECT_EQ(accepted, 4'000);
}

}  // namespace
}  // namespace hookbridge
