#include "server/body/multipart.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string Part(std::string_view disposition, std::string_view value, std::string_view more = "") {
  return StrCat("--b\r\nContent-Disposition: ", disposition, "\r\n", more, "\r\n", value, "\r\n");
}

// `name=value` or `name=value(filename;content type)` of each part, or the error.
std::vector<std::string> Read(std::string_view body) {
  std::vector<std::string> read;
  MultipartScanner form(body, "b");
  while (form.Next()) {
    const FormPart& part = form.part();
    read.push_back(StrCat(part.name, "=", part.value));
    if (part.is_file) StrAppend(&read.back(), "(", part.filename, ";", part.content_type, ")");
  }
  if (!form.status().ok()) read.emplace_back(ToStd(form.status().message()));
  return read;
}

std::string Boundary(std::string_view content_type) {
  const auto boundary = MultipartBoundary(content_type);
  return boundary.ok() ? *boundary : std::string(ToStd(boundary.status().message()));
}

TEST(MultipartBoundaryTest, IsReadFromTheContentType) {
  EXPECT_EQ(Boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(Boundary("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b=c\" ;"), "a b=c");
  EXPECT_EQ(Boundary("multipart/form-data; boundary=----=_Part_1/x:y"), "----=_Part_1/x:y");
  const std::string longest(limits::kBoundaryBytesMax, 'x');
  EXPECT_EQ(Boundary("multipart/form-data; boundary=" + longest), longest);
  for (const std::string& bad :
       {std::string("multipart/form-data"), std::string(""),
        std::string("multipart/mixed; boundary=a"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a "
                    "\""),
        std::string("multipart/form-data; boundary=a; boundary=a"),
        std::string("multipart/form-data; boundary=\"a"),
        std::string("multipart/form-data; boundary=a\"b"),
        std::string("multipart/form-data; boundary"),
        std::string("multipart/form-data; boundary=a\\b"),
        std::string("multipart/form-data; boundary=\"a\" b"),
        "multipart/form-data; boundary=x" + longest}) {
    EXPECT_THAT(Boundary(bad), StartsWith("multipart_syntax: ")) << bad;
  }
}

TEST(MultipartTest, GoesOverThePartsInOrder) {
  EXPECT_THAT(Read(Part("form-data; name=\"a\"", "1") + Part("form-data; name=b", "") +
                   Part("form-data; name=\"a\"", "\r\n--\r\n--c\r\n") + "--b--\r\n"),
              ElementsAre("a=1", "b=", "a=\r\n--\r\n--c\r\n"));
  EXPECT_THAT(Read("\r\n" + Part("form-data; name=a", "1") + "--b-- \t"), ElementsAre("a=1"))
      << "line ends that some senders add";
  EXPECT_THAT(Read("--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--"),
              ElementsAre("a="))
      << "a part without a value, RFC 2046 section 5.1.1";
  EXPECT_THAT(Read("--b--\r\n"), ElementsAre());
}

TEST(MultipartTest, AFileHasANameAndAType) {
  EXPECT_THAT(Read(Part("form-data; name=f; filename=\"x.png\"", std::string_view("\0\xff", 2),
                        "Content-Type: image/png\r\nX: y\r\n") +
                   "--b--"),
              ElementsAre(std::string("f=\0\xff(x.png;image/png)", 21)));
  EXPECT_THAT(Read(Part("form-data; name=f; filename=\"\"", "") + "--b--"), ElementsAre("f=(;)"));
  EXPECT_THAT(Read(Part("form-data; filename*=UTF-8''evil; name=f", "1") + "--b--"),
              ElementsAre("f=1"))
      << "RFC 7578 section 4.2";
}

TEST(MultipartTest, NamesAreAsBrowsersAndLibrariesWriteThem) {
  EXPECT_THAT(Read(Part(R"(form-data; name="a%22b%0D%0Ac%2"; filename="q\"\\C:\dir\x;.txt")", "1") +
                   "--b--"),
              ElementsAre("a\"b\r\nc%2=1(q\"\\C:\\dir\\x;.txt;)"));
}

TEST(MultipartTest, WhatTwoReadersCouldTakeDifferentlyIsRefused) {
  const std::string good = Part("form-data; name=a", "1");
  for (const std::string& bad :
       {std::string(""),
        std::string("x"),
        "preamble\r\n" + good + "--b--",
        good,
        good + "--b",
        good + "--b-",
        good + "--b--epilogue",
        good + "--bc\r\n--b--",
        good + "--b--\r\n\r\n",
        std::string("--b\nContent-Disposition: form-data; name=a\n\n1\n--b--"),
        Part("form-data", "1") + "--b--",
        Part("form-data; name=a; name=b", "1") + "--b--",
        Part("form-data; name=a; filename=b; filename=c", "1") + "--b--",
        Part("attachment; name=a", "1") + "--b--",
        Part("form-data; name=\"a", "1") + "--b--",
        Part("form-data; name=a\n", "1") + "--b--",
        Part("form-data; name=a x", "1") + "--b--b",
        Part("form-data; name=a", "1", "Content-Disposition: form-data; name=a\r\n") + "--b--",
        Part("form-data; name=a", "1", "Content-Type: a/b\r\nContent-Type: a/b\r\n") + "--b--",
        Part("form-data; name=a", "1", "Content-Transfer-Encoding: base64\r\n") + "--b--",
        Part("form-data; name=a", "1", " folded\r\n") + "--b--",
        Part("form-data; name=a", "1", "no colon\r\n") + "--b--",
        std::string("--b\r\nX: y\r\n\r\n1\r\n--b--"),
        std::string("--b\r\nX: y")}) {
    EXPECT_THAT(Read(bad).back(), StartsWith("multipart_syntax: ")) << bad;
  }
  EXPECT_THAT(Read(good + Part("form-data", "2") + "--b--"),
              ElementsAre("a=1", HasSubstr("no name, byte ")))
      << "what stands before the fault";
}

TEST(MultipartTest, PartsAndTheirHeadersAreBounded) {
  std::string body;
  for (size_t i = 0; i < limits::kFormFieldsMax; ++i) body += Part("form-data; name=a", "");
  EXPECT_EQ(Read(body + "--b--").size(), limits::kFormFieldsMax);
  EXPECT_THAT(Read(body + Part("form-data; name=a", "") + "--b--").back(),
              StartsWith("form_fields: "));

  // All lines of a part's headers, with the empty one.
  const std::string fixed = "Content-Disposition: form-data; name=a\r\nX: \r\n\r\n";
  const std::string most(limits::kPartHeaderBytesMax - fixed.size(), 'x');
  const auto with = [](const std::string& value) {
    return Read(Part("form-data; name=a", "1", StrCat("X: ", value, "\r\n")) + "--b--").back();
  };
  EXPECT_EQ(with(most), "a=1");
  EXPECT_THAT(with(most + "x"), StartsWith("multipart_header: "));
}

}  // namespace
}  // namespace hookbridge
