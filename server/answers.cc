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
    case 503:
      return "{\"error\":\"unavailable\"}";
    default:
      return "{\"error\":\"refused\"}";
  }
}

}  // namespace

Reason AppendReason(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? Reason::kOverload : Reason::kJournalUnavailable;
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

bool HasHandshake(const config::v1::Recipe& recipe, config::v1::HandshakeKind kind) {
  const auto& handshakes = recipe.handshakes();
  return std::any_of(handshakes.begin(), handshakes.end(),
                     [kind](const auto& handshake) { return handshake.kind() == kind; });
}

std::string AllowedMethods(const config::v1::Recipe& recipe) {
  std::string allow = "POST";
  if (HasHandshake(recipe, config::v1::HANDSHAKE_KIND_HEAD)) StrAppend(&allow, ", HEAD");
  if (HasHandshake(recipe, config::v1::HANDSHAKE_KIND_GET_ECHO) ||
      HasHandshake(recipe, config::v1::HANDSHAKE_KIND_GET_HMAC)) {
    StrAppend(&allow, ", GET");
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
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace hookbridge
