#include "server/convert/internal/xml_text.h"

#include "server/base/encoding.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

std::string Kind(std::string_view document) {
  return FindXmlText(document, "kind").value_or("(none)");
}

TEST(XmlTextTest, FindsTheFirstElementBelowTheRoot) {
  EXPECT_EQ(Kind("<n><kind>a</kind></n>"), "a");
  EXPECT_EQ(Kind("<?xml version=\"1.0\"?>\n<n x=\"y\">\n <kind a=\"b\"> a b\n</kind></n>"), "a b");
  EXPECT_EQ(Kind("<n><kind>a</kind><kind>b</kind></n>"), "a");
  EXPECT_EQ(Kind("<n><s><kind>inner</kind></s><kind>outer</kind></n>"), "outer");
  EXPECT_EQ(Kind("<n><x/><kind>a</kind></n>"), "a");
  EXPECT_EQ(Kind("<n><kinds>x</kinds><kind>a</kind></n>"), "a");
  EXPECT_EQ(Kind("<n><kind>&lt;&amp;amp;&gt;&quot;&apos;</kind></n>"), "<&amp;>\"'");
  EXPECT_EQ(Kind("<n><kind></kind></n>"), "");
}

TEST(XmlTextTest, OtherShapesGiveNothing) {
  for (const char* const document :
       {"", "text", "<", "<>", "<kind>root</kind>", "<n><kind>a<b/></kind></n>", "<n><kind>a",
        "<n><kind/></n>", "</n></n><n><kind>a</kind></n>", "<!DOCTYPE n><n><kind>a</kind></n>",
        "<n><!-- <kind>a</kind> --></n>", "<n><kind><![CDATA[a]]></kind></n>",
        "<n><kind>&unknown;</kind></n>", "<n><kind>&#65;</kind></n>"}) {
    EXPECT_EQ(Kind(document), "(none)") << document;
  }
}

TEST(XmlTextTest, Base64MayBeWrapped) {
  std::string text = Base64Encode("<n><kind>a</kind></n>");
  EXPECT_EQ(FindInBase64Xml(text, "kind"), "a");
  text.insert(8, "\r\n");
  EXPECT_EQ(FindInBase64Xml(text + "\n", "kind"), "a");
  EXPECT_FALSE(FindInBase64Xml(text + " ", "kind"));
}

}  // namespace
}  // namespace hookbridge
