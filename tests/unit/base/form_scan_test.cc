#include "server/base/form_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields Scan(FormScanner& form) {
  Fields fields;
  while (form.Next()) fields.emplace_back(form.name(), form.value());
  return fields;
}

Fields ScanGood(std::string_view body) {
  FormScanner form(body);
  Fields fields = Scan(form);
  EXPECT_TRUE(form.status().ok()) << body;
  return fields;
}

// Order, repeats and empty parts are kept; escapes are decoded.
TEST(FormScanner, Decodes) {
  EXPECT_THAT(ScanGood(""), IsEmpty());
  EXPECT_THAT(ScanGood("&&"), IsEmpty());
  EXPECT_THAT(ScanGood("a=1&b=2&a=3"), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("a", "3")));
  EXPECT_THAT(ScanGood("a&b=&=c"), ElementsAre(Pair("a", ""), Pair("b", ""), Pair("", "c")));
  EXPECT_THAT(ScanGood("a=b=c"), ElementsAre(Pair("a", "b=c")));
  EXPECT_THAT(ScanGood("a+b=%2B%26%3d+%C3%a9"), ElementsAre(Pair("a b", "+&= \xc3\xa9")));
  EXPECT_THAT(ScanGood("a=%00"), ElementsAre(Pair("a", std::string(1, '\0'))));
}

// Half an escape is an error at any place, and the scan stays ended.
TEST(FormScanner, RefusesBadEscapes) {
  for (const char* body : {"a=%", "a=%4", "a=%4g", "a=%g4", "%=a", "a=1&b=%x&c=2", "a=% 1"}) {
    FormScanner form(body);
    Scan(form);
    EXPECT_EQ(form.status().code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_FALSE(form.Next());
  }
}

// The number of fields is bounded: the limit passes, one more does not.
TEST(FormScanner, CountsFields) {
  std::string body;
  for (size_t i = 0; i < limits::kFormFieldsMax; ++i) body += "a=1&";
  EXPECT_THAT(ScanGood(body), SizeIs(limits::kFormFieldsMax));
  body += "a=1";
  FormScanner form(body);
  EXPECT_THAT(Scan(form), SizeIs(limits::kFormFieldsMax));
  EXPECT_EQ(form.status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace hookbridge
