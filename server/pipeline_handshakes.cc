#include "server/answers.h"
#include "server/base/strings.h"
#include "server/pipeline.h"

#include <memory>
#include <utility>

// Requests that check the endpoint, and those that hand a key over.
namespace hookbridge {

bool Pipeline::AnswerHead(const RequestHead& head, const SourceRuntime* source,
                          Admission& admission) const {
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  const auto answer = bound.access.Get()->verifier->AnswerUnverified(
      {.method = head.method, .token = head.token, .query = head.query, .headers = head.headers},
      clock_.Now());
  if (!answer) return false;
  if (answer->refused) {
    const Reason reason = source != nullptr ? *answer->refused : Reason::kUnknownSource;
    admission.response = RefuseHead(reason, source, answer->status, head, answer->detail);
    return true;
  }
  NoteHandshake(bound, *answer);
  admission.response = HandshakeResponse(*answer);
  if (head.method == "OPTIONS") {
    admission.response->headers.emplace_back("Allow", AllowedMethods(bound.recipe));
  }
  return true;
}

Admission Pipeline::AdmitOther(const RequestHead& head, const SourceRuntime* source) const {
  Admission admission;
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  if (CheckGate(bound, head, admission) || AnswerHead(head, source, admission)) return admission;
  admission.response = RefuseHead(Reason::kMethodNotAllowed, source, 405, head);
  admission.response->headers.emplace_back("Allow", AllowedMethods(bound.recipe));
  return admission;
}

void Pipeline::NoteHandshake(const SourceRuntime& source, const HandshakeAnswer& answer) const {
  log_.Info("handshake", {{"source", source.config.name()}, {"status", answer.status}});
}

bool Pipeline::AnswerUnsigned(const WebhookRequest& request, const SourceAccess& access,
                              const SourceRuntime& source, Lane& lane, Done& done) {
  const auto answer = access.verifier->AnswerUnverified(HandshakeOf(request), clock_.Now());
  if (!answer) return false;
  if (!answer->learned_secret.empty()) {
    OfferKey(request, *answer, source, lane, std::move(done));
    return true;
  }
  if (answer->refused) {
    NoteRejected(*answer->refused, request, answer->detail);
    done(Refuse(*answer->refused, &source, answer->status));
    return true;
  }
  NoteHandshake(source, *answer);
  done(HandshakeResponse(*answer));
  return true;
}

void Pipeline::OfferKey(const WebhookRequest& request, const HandshakeAnswer& answer,
                        const SourceRuntime& source, Lane& lane, Done done) {
  // Called by whoever took the key, when it is on stable storage and in use, or is not kept.
  auto shared = std::make_shared<Done>(std::move(done));
  OfferedKey key{.secret = answer.learned_secret,
                 .answer = [this, &source, &lane, answer, shared](const absl::Status& kept) {
                   lane.Post([this, &source, answer, shared, kept] {
                     if (kept.ok()) {
                       NoteHandshake(source, answer);
                       (*shared)(HandshakeResponse(answer));
                       return;
                     }
                     log_.Error("key_not_kept", {{"source", source.config.name()},
                                                 {"detail", ToStd(kept.message())}});
                     (*shared)(Refuse(Reason::kKeyNotAwaited, &source, 503));
                   });
                 }};
  if (options_.key_offers != nullptr &&
      options_.key_offers->Offer(source.config.name(), std::move(key))) {
    return;
  }
  NoteRejected(Reason::kKeyNotAwaited, request,
               "`hookctl sources learn` waits for the key that the provider sends");
  (*shared)(Refuse(Reason::kKeyNotAwaited, &source, 503));
}

}  // namespace hookbridge
