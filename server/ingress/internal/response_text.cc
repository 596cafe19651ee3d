#include "server/ingress/internal/response_text.h"

#include "server/base/strings.h"

namespace hookbridge {

std::string_view StatusPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

void WriteResponse(const HttpResponse& response, bool keep_alive, bool with_body,
                   std::string& out) {
  out.clear();
  StrAppend(&out, "HTTP/1.1 ", response.status, " ", StatusPhrase(response.status), "\r\n");
  if (response.status == 204) {
    with_body = false;
  } else {
    if (!response.content_type.empty()) {
      StrAppend(&out, "Content-Type: ", response.content_type, "\r\n");
    }
    StrAppend(&out, "Content-Length: ", response.body.size(), "\r\n");
  }
  for (const auto& [name, value] : response.headers) StrAppend(&out, name, ": ", value, "\r\n");
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  if (with_body) out += response.body;
}

}  // namespace hookbridge
