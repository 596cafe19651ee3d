#pragma once

#include "server/base/reason.h"
#include "server/ingress/handler.h"
#include "server/journal/journal.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/status.h"

#include <string>
#include <vector>

// What senders are answered. Pure.
namespace hookbridge {

// Why an append that failed, or would fail, is answered 503.
Reason AppendReason(const absl::Status& status);

// What a request that verify refused is answered: the source's status of a bad signature, 503 where
// the same request may be taken later, and what HTTP has for bodies that are too large or in
// another coding.
int RejectionStatus(Reason reason, const config::v1::Responses& responses);

// A refusal: a constant body, which tells nothing about the bridge; 503 with Retry-After.
HttpResponse ErrorResponse(int status);

// A handshake's answer, not to be sniffed; the answer is no refusal.
HttpResponse HandshakeResponse(const HandshakeAnswer& answer);

// The body of an answer to what is stored: nothing, the source's fixed text, or `receipt`.
void SetAnswerBody(const config::v1::AnswerBody& body, std::string receipt, HttpResponse& response);

// {"id":"…"} or, of a split batch, {"ids":["…",…]}; the position is the last one's.
std::string ReceiptBody(const std::vector<Receipt>& receipts, bool split, bool with_position);

// For `Allow`.
std::string AllowedMethods(const config::v1::Recipe& recipe);

}  // namespace hookbridge
