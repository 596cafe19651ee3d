#include "server/ingress/internal/route.h"

#include "server/base/limits.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

TEST(RouteTest, FindsSourcesTokensAndQueries) {
  const Route plain = FindRoute("/hooks/po");
  EXPECT_EQ(plain.kind, RouteKind::kWebhook);
  EXPECT_EQ(plain.source, "po");
  EXPECT_EQ(plain.token, "");
  const Route full = FindRoute("/hooks/a-1/tok.EN_~-9?x=%2F/../&y");
  EXPECT_EQ(full.source, "a-1");
  EXPECT_EQ(full.token, "tok.EN_~-9");
  EXPECT_EQ(full.query, "x=%2F/../&y");
  EXPECT_EQ(full.path, "/hooks/a-1/tok.EN_~-9");
  EXPECT_EQ(FindRoute("/livez").kind, RouteKind::kLivez);
  EXPECT_EQ(FindRoute("/readyz?verbose").kind, RouteKind::kReadyz);
}

TEST(RouteTest, EverythingElseIsNotFound) {
  for (const char* const target :
       {"/", "/hooks", "/hooks/", "/hooks//", "/hooks/-a", "/hooks/A", "/hooks/a_b", "/hooks/a/",
        "/hooks/a/b/c", "/hooks/a/%41", "/hooks/a%2Fb", "/hooks/./a", "/hooks/../livez", "/Hooks/a",
        "/livez/", "/livezz", "/hooks/a/b c", "/hooks/a;b", ""}) {
    EXPECT_EQ(FindRoute(target).kind, RouteKind::kNotFound) << target;
  }
}

TEST(RouteTest, LengthsHoldExactly) {
  const auto kind = [](size_t name, size_t token) {
    return FindRoute("/hooks/" + std::string(name, 'a') + "/" + std::string(token, 'T')).kind;
  };
  EXPECT_EQ(kind(limits::kNameBytesMax, limits::kUrlTokenBytesMax), RouteKind::kWebhook);
  EXPECT_EQ(kind(limits::kNameBytesMax + 1, 1), RouteKind::kNotFound);
  EXPECT_EQ(kind(1, limits::kUrlTokenBytesMax + 1), RouteKind::kNotFound);
}

}  // namespace
}  // namespace hookbridge
