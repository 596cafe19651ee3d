#include "server/answers.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

// Bodies to senders are constants: they tell nothing about the bridge.
std::string_view ErrorBody(int status) {
  switch (status) {
    case 400:
      return "{\"error\":\"bad request\"}";
    case 401:
      return "{\"error\":\"unauthorized\"}";
    case 404:
      return "{\"error\":\"not found\"}";
    case 405:
      return "{\"error\":\"method not allowed\"}";
    case 413:
      return "{\"error\":\"payload too large\"}";
    case 415:
      return "{\"error\":\"unsupported media type\"}";
    case 503:
      return "{\"error\":\"unavailable\"}";
    default:
      return "{\"error\":\"refused\"}";
  }
}

bool TakesMethod(const config::v1::Handshake& handshake, std::string_view method) {
  switch (handshake.kind()) {
    case config::v1::HANDSHAKE_KIND_HEAD:
      return method == "HEAD";
    case config::v1::HANDSHAKE_KIND_GET_ECHO:
    case config::v1::HANDSHAKE_KIND_GET_HMAC:
      return method == "GET";
    default:
      return std::find(handshake.methods().begin(), handshake.methods().end(), method) !=
             handshake.methods().end();
  }
}

}  // namespace

Reason AppendReason(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? Reason::kOverload : Reason::kJournalUnavailable;
}

int RejectionStatus(Reason reason, const config::v1::Responses& responses) {
  switch (reason) {
    case Reason::kCertificateUnavailable:
    case Reason::kKeySetUnavailable:
    case Reason::kResourceUnavailable:
      return 503;
    case Reason::kBodyTooLarge:
      return 413;
    case Reason::kContentEncoding:
      return 415;
    default:
      return static_cast<int>(responses.bad_signature());
  }
}

HttpResponse ErrorResponse(int status) {
  HttpResponse response;
  response.status = status;
  response.body = ErrorBody(status);
  if (status == 503) {
    response.headers.emplace_back("Retry-After", StrCat(absl::ToInt64Seconds(limits::kRetryAfter)));
  }
  return response;
}

std::string AllowedMethods(const config::v1::Recipe& recipe) {
  std::string allow = "POST";
  for (const std::string_view method : {"HEAD", "GET", "OPTIONS"}) {
    const auto& handshakes = recipe.handshakes();
    if (std::any_of(handshakes.begin(), handshakes.end(),
                    [&](const auto& handshake) { return TakesMethod(handshake, method); }) ||
        (method == "GET" && recipe.events_by_get())) {
      StrAppend(&allow, ", ", method);
    }
  }
  return allow;
}

void SetAnswerBody(const config::v1::AnswerBody& body, std::string receipt,
                   HttpResponse& response) {
  if (body.has_empty()) {
    response.content_type.clear();
  } else if (body.has_fixed()) {
    response.content_type = body.fixed().content_type();
    response.body = body.fixed().text();
  } else {
    response.body = std::move(receipt);
  }
}

std::string ReceiptBody(const std::vector<Receipt>& receipts, bool split, bool with_position) {
  std::string body = split ? "{\"ids\":[" : "{\"id\":";
  for (const Receipt& receipt : receipts) {
    StrAppend(&body, &receipt == &receipts.front() ? "\"" : ",\"", receipt.id.ToString(), "\"");
  }
  if (split) body.push_back(']');
  if (with_position) StrAppend(&body, ",\"position\":", receipts.back().position);
  body.push_back('}');
  return body;
}

HttpResponse HandshakeResponse(const HandshakeAnswer& answer) {
  HttpResponse response;
  response.status = answer.status;
  response.content_type = answer.content_type;
  response.body = answer.body;
  response.headers = answer.headers;
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace hookbridge
