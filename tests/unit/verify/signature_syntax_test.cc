#include "server/verify/internal/signature_syntax.h"

#include "server/base/limits.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

using config::v1::SignatureLocation;

std::string Show(const SignatureLocation& location, std::string_view value) {
  const auto entries = ParseSignatures(location, value);
  if (!entries) return "refused";
  std::string text;
  for (const SignatureEntry& entry : *entries) {
    text += "[" + std::string(entry.label) + "|" + std::string(entry.text) + "]";
  }
  return text;
}

SignatureLocation Of(config::v1::SignatureSyntax syntax, std::string prefix = "") {
  SignatureLocation location;
  location.set_syntax(syntax);
  location.set_prefix(std::move(prefix));
  return location;
}

TEST(SignatureSyntaxTest, BareAndPrefix) {
  EXPECT_EQ(Show(Of(config::v1::SIGNATURE_SYNTAX_BARE), "abc"), "[|abc]");
  EXPECT_EQ(Show(Of(config::v1::SIGNATURE_SYNTAX_BARE), ""), "[|]") << "which matches no digest";
  const auto prefix = Of(config::v1::SIGNATURE_SYNTAX_PREFIX, "sha256=");
  EXPECT_EQ(Show(prefix, "sha256=ab"), "[|ab]");
  EXPECT_EQ(Show(prefix, "SHA256=ab"), "refused");
  EXPECT_EQ(Show(prefix, "sha1=ab"), "refused");
  EXPECT_EQ(Show(prefix, "sha256="), "[|]");
}

TEST(SignatureSyntaxTest, ListsAndPairs) {
  const auto list = Of(config::v1::SIGNATURE_SYNTAX_LIST);
  EXPECT_EQ(Show(list, "v1,a v1a,b"), "[v1|a][v1a|b]");
  const auto pairs = Of(config::v1::SIGNATURE_SYNTAX_KEY_VALUE);
  EXPECT_EQ(Show(pairs, "t=1,v1=a,v0=b"), "[t|1][v1|a][v0|b]");
  for (const char* const bad : {"", "v1", "=a", "noequals,v1=a"})
    EXPECT_EQ(Show(pairs, bad), "refused") << bad;
}

TEST(SignatureSyntaxTest, SeveralSeparatorsAndEntriesWithoutLabels) {
  auto pairs = Of(config::v1::SIGNATURE_SYNTAX_KEY_VALUE);
  pairs.set_entry_separator(", ");
  EXPECT_EQ(Show(pairs, "t=1,v1=a t=2,v1=b"), "[t|1][v1|a][t|2][v1|b]");
  auto entries = Of(config::v1::SIGNATURE_SYNTAX_ENTRIES);
  EXPECT_EQ(Show(entries, "1,ab, cd"), "[|1][|ab][|cd]");
  EXPECT_EQ(Show(entries, ","), "refused");
  entries.set_entry_separator(",/");
  EXPECT_EQ(Show(entries, "1/SHA256/ab,2/SHA256/cd"), "[|1][|SHA256][|ab][|2][|SHA256][|cd]");
}

TEST(SignatureSyntaxTest, EntriesAtTheirLimitAndOneMore) {
  const auto list = [](size_t count) {
    std::string text = "v1,a";
    for (size_t i = 1; i < count; ++i) text += " v1,a";
    return text;
  };
  EXPECT_NE(Show(Of(config::v1::SIGNATURE_SYNTAX_LIST), list(limits::kSignaturesMax)), "refused");
  EXPECT_EQ(Show(Of(config::v1::SIGNATURE_SYNTAX_LIST), list(limits::kSignaturesMax + 1)),
            "refused");
  const auto plain = [](size_t count) {
    std::string text = "a";
    for (size_t i = 1; i < count; ++i) text += ",a";
    return text;
  };
  const auto entries = Of(config::v1::SIGNATURE_SYNTAX_ENTRIES);
  EXPECT_NE(Show(entries, plain(limits::kSignaturesMax)), "refused");
  EXPECT_EQ(Show(entries, plain(limits::kSignaturesMax + 1)), "refused");
}

TEST(SignatureSyntaxTest, EncodingsHaveOneTextForOneValue) {
  EXPECT_EQ(DecodeSignature(config::v1::SIGNATURE_ENCODING_HEX, "00fF"), std::string("\0\xff", 2));
  EXPECT_FALSE(DecodeSignature(config::v1::SIGNATURE_ENCODING_HEX, "0"));
  EXPECT_FALSE(DecodeSignature(config::v1::SIGNATURE_ENCODING_HEX, "0g"));
  EXPECT_EQ(DecodeSignature(config::v1::SIGNATURE_ENCODING_BASE64, "YQ=="), "a");
  EXPECT_FALSE(DecodeSignature(config::v1::SIGNATURE_ENCODING_BASE64, "YQ"));
  EXPECT_FALSE(DecodeSignature(config::v1::SIGNATURE_ENCODING_BASE64, "YR==")) << "not canonical";
  EXPECT_FALSE(DecodeSignature(config::v1::SIGNATURE_ENCODING_BASE64, "YQ==\n"));
}

}  // namespace
}  // namespace hookbridge
