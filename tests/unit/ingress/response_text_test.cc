#include "server/ingress/internal/response_text.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

TEST(ResponseTextTest, WritesWholeAnswers) {
  HttpResponse response;
  response.body = "{}";
  response.headers.emplace_back("Allow", "POST");
  std::string out = "left over";
  WriteResponse(response, /*keep_alive=*/true, /*with_body=*/true, out);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK\r\n")) << out;
  EXPECT_NE(out.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nAllow: POST\r\n"), std::string::npos);
  EXPECT_EQ(out.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n{}"));
}

TEST(ResponseTextTest, WithoutATypeThereIsNoContentType) {
  HttpResponse response;
  response.content_type.clear();
  std::string out;
  WriteResponse(response, /*keep_alive=*/true, /*with_body=*/true, out);
  EXPECT_EQ(out.find("Content-Type"), std::string::npos) << out;
  EXPECT_NE(out.find("\r\nContent-Length: 0\r\n"), std::string::npos);
}

TEST(ResponseTextTest, HeadHasTheLengthAndNoBody) {
  HttpResponse response;
  response.status = 503;
  response.body = "12345";
  std::string out;
  WriteResponse(response, /*keep_alive=*/false, /*with_body=*/false, out);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << out;
  EXPECT_NE(out.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_NE(out.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
}

TEST(ResponseTextTest, EveryStatusThatIsAnsweredHasItsPhrase) {
  for (const int status :
       {200, 201, 202, 204, 400, 401, 403, 404, 405, 413, 414, 415, 417, 431, 500, 503, 505}) {
    EXPECT_FALSE(StatusPhrase(status).empty());
  }
  EXPECT_EQ(StatusPhrase(599), "Status");
}

}  // namespace
}  // namespace hookbridge
