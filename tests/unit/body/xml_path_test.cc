#include "server/body/xml_path.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

struct Found {
  std::vector<std::string> values;  // `(none)` where there is none
  std::string error;
};

Found Read(std::string_view document, const std::vector<XmlPath>& paths) {
  std::vector<std::optional<std::string>> values;
  const absl::Status status = ReadXml(document, paths, values);
  Found found{.values = {}, .error = std::string(ToStd(status.message()))};
  for (const auto& value : values) found.values.push_back(value.value_or("(none)"));
  return found;
}

// The value at the path of a document without a fault.
std::string At(std::string_view document, std::string_view path) {
  const Found found = Read(document, {*XmlPath::Parse(path)});
  EXPECT_EQ(found.error, "") << document;
  return found.values.front();
}

std::string Error(std::string_view document) { return Read(document, {}).error; }

TEST(XmlPathTest, IsNamesFromTheRootOn) {
  for (const char* const good : {"/a", "/a/b", "/a/@b", "/a-b/c.d/_e"}) {
    EXPECT_TRUE(XmlPath::Parse(good).ok()) << good;
  }
  for (const char* const bad : {"", "a", "/", "//a", "/a/", "/@a", "/a/@", "/a/@b/c", "/n:a",
                                "/a[1]", "/*", "/a b", "/a@b", "/text()"}) {
    EXPECT_FALSE(XmlPath::Parse(bad).ok()) << bad;
  }
  std::string deepest;
  for (size_t i = 0; i < limits::kXmlDepthMax; ++i) deepest += "/a";
  EXPECT_TRUE(XmlPath::Parse(deepest).ok());
  EXPECT_FALSE(XmlPath::Parse(deepest + "/a").ok());
}

TEST(ReadXmlTest, FindsTextsAndAttributes) {
  const std::string_view document =
      "\xef\xbb\xbf<?xml version='1.0' encoding=\"utf-8\"?>\n<!-- c --><order at=\"1\" "
      "n:kind='k'>\n"
      " <id unit = \"x\" > 7\n</id><line><sku>A</sku></line><line><sku>B</sku><n>2</n></line>"
      "<empty/><blank></blank></order>\n<?end?>";
  EXPECT_EQ(At(document, "/order/id"), "7");
  EXPECT_EQ(At(document, "/order/id/@unit"), "x");
  EXPECT_EQ(At(document, "/order/@at"), "1");
  EXPECT_EQ(At(document, "/order/@kind"), "k");
  EXPECT_EQ(At(document, "/order/line/sku"), "A") << "the first";
  EXPECT_EQ(At(document, "/order/line/n"), "2") << "the first that is there";
  EXPECT_EQ(At(document, "/order/empty"), "");
  EXPECT_EQ(At(document, "/order/blank"), "");
  for (const char* const none : {"/id", "/order/sku", "/order/line", "/order", "/order/id/@none",
                                 "/order/id/id", "/other/id"}) {
    EXPECT_EQ(At(document, none), "(none)") << none;
  }
}

TEST(ReadXmlTest, ManyPlacesInOnePass) {
  const std::vector<XmlPath> paths = {*XmlPath::Parse("/a/c"), XmlPath::BelowRoot("b"),
                                      *XmlPath::Parse("/a/b/@x")};
  EXPECT_THAT(Read("<a><b x='1'>2</b><c>3</c></a>", paths).values, ElementsAre("3", "2", "1"));
  EXPECT_THAT(Read("<z><y><b>no</b></y><b>yes</b></z>", paths).values,
              ElementsAre("(none)", "yes", "(none)"));
}

// The first element there decides, also when it has no text of its own.
TEST(ReadXmlTest, ElementsInATextMakeItNone) {
  EXPECT_EQ(At("<a><b>x<c/>y</b><b>z</b></a>", "/a/b"), "(none)");
  EXPECT_EQ(At("<a><b>x<!-- c --><?p?>y</b></a>", "/a/b"), "xy");
}

TEST(ReadXmlTest, ReferencesAndSections) {
  EXPECT_EQ(At("<a>&lt;&amp;amp;&gt;&quot;&apos;&#65;&#x1F600;&#xe4;</a>", "/a"),
            "<&amp;>\"'A\xf0\x9f\x98\x80\xc3\xa4");
  EXPECT_EQ(At("<a>x<![CDATA[<b>&lt;]]]]><![CDATA[>\r\n]]>y</a>", "/a"), "x<b>&lt;]]>\ny");
  EXPECT_EQ(At("<a>1\r\n2\r3\n4</a>", "/a"), "1\n2\n3\n4");
  EXPECT_EQ(At("<a b='1\r\n2\t&#10;&quot;'/>", "/a/@b"), "1 2 \n\"");
  for (const char* const bad : {"&unknown;", "&", "&amp", "&#0;", "&#xd800;", "&#x110000;", "&#;",
                                "&#x;", "&#-1;", "&#99999999999;", "\x01", "&#1;"}) {
    EXPECT_THAT(Error(StrCat("<a>", bad, "</a>")), StartsWith("xml_syntax: ")) << bad;
    EXPECT_THAT(Error(StrCat("<a b='", bad, "'/>")), StartsWith("xml_syntax: ")) << bad;
  }
}

TEST(ReadXmlTest, PrefixesOfNamespacesDoNotCount) {
  const std::string_view document =
      "<s:Env xmlns:s=\"urn:x\" xmlns:id=\"urn:y\"><s:Body x:id='7'>t</s:Body></s:Env>";
  EXPECT_EQ(At(document, "/Env/Body"), "t");
  EXPECT_EQ(At(document, "/Env/Body/@id"), "7");
  EXPECT_EQ(At(document, "/Env/@id"), "(none)") << "a declaration is no attribute";
}

TEST(ReadXmlTest, ADocumentTypeIsRefusedWhateverItSays) {
  EXPECT_THAT(Error("<!DOCTYPE a><a/>"), StartsWith("xml_dtd: "));
  EXPECT_THAT(Error("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>"
                    "<a>&b;</a>"),
              StartsWith("xml_dtd: "));
}

TEST(ReadXmlTest, AnotherEncodingIsRefusedWhereItMatters) {
  EXPECT_EQ(At("<?xml version='1.0' encoding='ISO-8859-1'?><a>x</a>", "/a"), "x");
  EXPECT_THAT(Error("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa4</a>"),
              StartsWith("xml_encoding: "));
  EXPECT_THAT(Error(std::string_view("\xff\xfe<\0a\0/\0>\0", 10)), StartsWith("xml_syntax: "));
}

TEST(ReadXmlTest, WhatIsNoDocumentIsRefused) {
  for (const char* const bad : {"",
                                " ",
                                "text",
                                "<",
                                "<>",
                                "<a",
                                "<a>",
                                "<a></b>",
                                "</a>",
                                "<a/><b/>",
                                "<a/>text",
                                "x<a/>",
                                "<a b/>",
                                "<a b=1/>",
                                "<a b='1' b='2'/>",
                                "<a b='1'c='2'/>",
                                "<a b='<'/>",
                                "<a b='1/>",
                                "<1/>",
                                "<a><![CDATA[x</a>",
                                "<a><!-- x</a>",
                                "<a><!-- x -- y --></a>",
                                "<a><?p</a>",
                                "<a><!ELEMENT b></a>",
                                "<![CDATA[x]]><a/>",
                                "<a></a",
                                "< a/>",
                                "<?xml version='1.0'<a/>"}) {
    EXPECT_THAT(Error(bad), StartsWith("xml_syntax: ")) << bad;
  }
}

// Values that were whole before the fault count, what comes after it does not.
TEST(ReadXmlTest, AFaultEndsTheReading) {
  const Found found =
      Read("<a><b>1</b><c>2</d><e>3</e></a>",
           {*XmlPath::Parse("/a/b"), *XmlPath::Parse("/a/c"), *XmlPath::Parse("/a/e")});
  EXPECT_THAT(found.values, ElementsAre("1", "(none)", "(none)"));
  EXPECT_EQ(found.error, "xml_syntax: an end tag has no start, byte 15");
}

TEST(ReadXmlTest, DepthAndAttributesAreBounded) {
  const auto nested = [](size_t depth) {
    std::string open, close;
    for (size_t i = 0; i < depth; ++i) {
      open += "<a>";
      close += "</a>";
    }
    return open + close;
  };
  EXPECT_EQ(Error(nested(limits::kXmlDepthMax)), "");
  EXPECT_THAT(Error(nested(limits::kXmlDepthMax + 1)), StartsWith("xml_depth: "));
  const auto wide = [](size_t count) {
    std::string tag = "<a";
    for (size_t i = 0; i < count; ++i) StrAppend(&tag, " b", i, "=''");
    return tag + "/>";
  };
  EXPECT_EQ(Error(wide(limits::kXmlAttributesMax)), "");
  EXPECT_THAT(Error(wide(limits::kXmlAttributesMax + 1)), StartsWith("xml_attributes: "));
}

}  // namespace
}  // namespace hookbridge
