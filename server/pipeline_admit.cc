#include "server/answers.h"
#include "server/base/network.h"
#include "server/base/strings.h"
#include "server/body/content_coding.h"
#include "server/pipeline.h"

#include <utility>

// What the pipeline decides on a head alone, before a body is read.
namespace hookbridge {

HttpResponse Pipeline::RefuseHead(Reason reason, const SourceRuntime* source, int status,
                                  const RequestHead& head, std::string detail) const {
  log_.Warning("request_refused", {{"reason", ReasonName(reason)},
                                   {SourceField(source), head.source},
                                   {"detail", detail},
                                   {"remote", head.remote_address}});
  rejections_.Add({.reason = reason,
                   .source = std::string(head.source),
                   .source_is_unknown = source == nullptr,
                   .detail = std::move(detail),
                   .time = clock_.Now(),
                   .body_bytes = head.content_length.value_or(0),
                   .header_names = {},
                   .remote_address = std::string(head.remote_address),
                   .request_id = {}});
  return Refuse(reason, source, status);
}

Admission Pipeline::Admit(const RequestHead& head) {
  Admission admission;
  const SourceRuntime* const source = FindSource(head.source);
  if (source == nullptr && head.token.empty()) {
    admission.response = RefuseHead(Reason::kUnknownSource, nullptr, 404, head);
    return admission;
  }
  const bool by_get = IsEventByGet(head, source);
  if (head.method != "POST" && !by_get) return AdmitOther(head, source);
  if (draining_.load(std::memory_order_relaxed)) {
    admission.response = RefuseHead(Reason::kDraining, source, 503, head);
    return admission;
  }
  const SourceRuntime& admitted = source != nullptr ? *source : *decoy_;
  if (CheckGate(admitted, head, admission)) return admission;
  if (by_get && head.content_length != 0) {
    admission.response = RefuseHead(Reason::kMalformedHttp, source, 400, head, "a GET has a body");
    return admission;
  }
  if (!by_get && head.content_length == 0 && AnswerHead(head, source, admission)) return admission;
  const auto coding = FindContentCoding(head.headers);
  if (!coding || (by_get && *coding != ContentCoding::kNone)) {
    admission.response = RefuseHead(
        Reason::kContentEncoding, source, 415, head,
        by_get ? "a query has no Content-Encoding" : "is not one of gzip, deflate, zstd, br alone");
    return admission;
  }
  admission.body_bytes_max = admitted.config.body_bytes_max();
  const uint64_t declared = head.content_length.value_or(0);
  if (declared > admission.body_bytes_max) {
    admission.response = RefuseHead(Reason::kBodyTooLarge, source, 413, head);
    return admission;
  }
  if (const absl::Status status = journal_.CanAppend(head.source); !status.ok()) {
    admission.response = RefuseHead(AppendReason(status), source, 503, head);
    return admission;
  }
  admission.ticket = body_budget_.Open(admitted.body_share, AddressOwner(head.remote_address));
  if (admission.ticket == nullptr)
    admission.response = RefuseHead(Reason::kOverload, source, 503, head);
  return admission;
}

bool Pipeline::CheckGate(const SourceRuntime& source, const RequestHead& head,
                         Admission& admission) const {
  const auto refusal = source.access.Get()->gate.Refusal({.remote_address = head.remote_address,
                                                          .headers = head.headers,
                                                          .client_names = head.client_names});
  if (!refusal) return false;
  admission.response =
      RefuseHead(Reason::kGateRefused, &source,
                 static_cast<int>(source.recipe.responses().bad_signature()), head, *refusal);
  return true;
}

bool Pipeline::IsEventByGet(const RequestHead& head, const SourceRuntime* source) const {
  if (source == nullptr || head.method != "GET" || !source->recipe.events_by_get()) return false;
  const auto answer = source->access.Get()->verifier->AnswerUnverified(
      {.method = head.method, .token = head.token, .query = head.query, .headers = head.headers},
      clock_.Now());
  return !answer || answer->refused;
}

void Pipeline::Refused(const IngressRefusal& refusal) {
  const SourceRuntime* const known = FindSource(refusal.source);
  (known != nullptr ? known->stats : unattributed_).CountRejected(refusal.reason);
  log_.Warning("request_refused", {{"reason", ReasonName(refusal.reason)},
                                   {SourceField(known), refusal.source},
                                   {"detail", refusal.rule},
                                   {"remote", refusal.remote_address}});
  rejections_.Add({.reason = refusal.reason,
                   .source = std::string(refusal.source),
                   .source_is_unknown = known == nullptr,
                   .detail = std::string(refusal.rule),
                   .time = clock_.Now(),
                   .body_bytes = 0,
                   .header_names = {refusal.header_names.begin(), refusal.header_names.end()},
                   .remote_address = std::string(refusal.remote_address),
                   .request_id = {}});
}

std::string Pipeline::NotReadyReason() {
  if (draining_.load(std::memory_order_relaxed)) return "draining";
  const JournalInfo info = journal_.Info();
  return info.writable ? std::string() : info.not_writable_reason;
}

}  // namespace hookbridge
