#pragma once

#include "server/admission.h"
#include "server/base/clock.h"
#include "server/base/key_offers.h"
#include "server/base/log.h"
#include "server/base/rejection_log.h"
#include "server/base/source_stats.h"
#include "server/convert/converter.h"
#include "server/ingress/handler.h"
#include "server/journal/journal.h"
#include "server/next_step.h"
#include "server/quarantine/quarantine.h"
#include "server/source_access.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/config.pb.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

class Fetcher;

// One configured source at run time. Immutable but for its counters and its access.
struct SourceRuntime {
  config::v1::Source config;
  config::v1::Recipe recipe;  // preset and changes merged
  mutable SharedAccess access;
  std::unique_ptr<const Converter> converter;
  absl::Duration dedup_window;
  absl::Duration same_body_window;  // zero: equal bodies without an id are two events
  mutable SourceStats stats;
  mutable BodyBudget::Share body_share;
};

using SourceMap = std::map<std::string, std::unique_ptr<SourceRuntime>, std::less<>>;

// Key of the log field with the source of a refused request. The log limits lines by `source`, and
// senders choose the names of unknown ones (null) without end.
inline std::string_view SourceField(const SourceRuntime* source) {
  return source != nullptr ? "source" : "path_source";
}

struct PipelineOptions {
  SourceMap sources;
  BodyBudget::Limits body_budget;
  uint32_t lanes = 1;
  bool log_requests = false;
  Fetcher* fetcher = nullptr;        // outlives the pipeline; null when no source may need it
  Quarantine* quarantine = nullptr;  // outlives the pipeline; null keeps no refused request
  std::string decoy_secret = {};     // of what stands in for unknown sources; empty: random
  KeyOffers* key_offers = nullptr;   // outlives the pipeline; null: nobody waits for keys
};

// What became of a quarantined request that was verified again. Neither refused nor an event: a
// handshake.
struct ReverifyOutcome {
  std::vector<std::string> event_ids;
  std::optional<Reason> refused;
  std::string detail;
};

// The path of a webhook as one function: Verify, Convert, Append, Receipt. A verdict that needs
// something fetched goes on when it is there. Created by Bridge,
// called by ingress sessions on their lane's thread, completed by the journal's committer through
// one sink per lane, so that a group of commits wakes a lane once. Ownership: owns the sources;
// clock, log and journal outlive it. Threads: thread-safe. Never blocks.
class Pipeline final : public RequestHandler {
 public:
  Pipeline(PipelineOptions options, Journal& journal, const Clock& clock, Logger& log);
  ~Pipeline() override;

  Admission Admit(const RequestHead& head) override;
  void Handle(WebhookRequest request, Lane& lane,
              absl::AnyInvocable<void(HttpResponse)> done) override;
  void Refused(const IngressRefusal& refusal) override;
  std::string NotReadyReason() override;

  // Takes over the secrets (keys, tokens, gate) of the sources in `fresh` that are configured as
  // they are here but for those. Returns the names of the others: they need a restart.
  std::vector<std::string> ReplaceAccess(const SourceMap& fresh);

  // Verifies a quarantined request as of its receive_time, with the keys of now, and stores it when
  // it is authentic. kNotFound: there is none of that id. Blocks for a commit.
  absl::StatusOr<ReverifyOutcome> Reverify(std::string_view request_id);

  // From now on not ready, and new webhooks are answered 503.
  void StartDraining() { draining_.store(true, std::memory_order_relaxed); }

  const SourceMap& sources() const { return options_.sources; }
  const SourceStats& unattributed() const { return unattributed_; }
  const RejectionLog& rejections() const { return rejections_; }

 private:
  class LaneSink;
  struct Pending;
  // Of an append of this pipeline.
  static Pending& PendingOf(const AppendOutcome& outcome);
  using Done = absl::AnyInvocable<void(HttpResponse)>;

  const SourceRuntime* FindSource(std::string_view name) const;
  HttpResponse Refuse(Reason reason, const SourceRuntime* source, int status) const;
  // As Refuse, of a request whose head alone was seen; also kept and logged.
  HttpResponse RefuseHead(Reason reason, const SourceRuntime* source, int status,
                          const RequestHead& head, std::string detail = {}) const;
  // Keeps and logs a whole request that is refused.
  void NoteRejected(Reason reason, const WebhookRequest& request, std::string detail);
  // Refuses a head that does not meet the source's gate.
  bool CheckGate(const SourceRuntime& source, const RequestHead& head, Admission& admission) const;
  // Whether it is an event by GET: its source takes those, and no handshake answers it.
  bool IsEventByGet(const RequestHead& head, const SourceRuntime* source) const;
  // Answers a head that is a handshake, or shows a wrong URL token for one; false: it does neither.
  // `source` is null for an unknown one.
  bool AnswerHead(const RequestHead& head, const SourceRuntime* source, Admission& admission) const;
  // Of methods other than POST.
  Admission AdmitOther(const RequestHead& head, const SourceRuntime* source) const;
  void NoteHandshake(const SourceRuntime& source, const HandshakeAnswer& answer) const;
  // Answers a whole request that is a handshake and needs no signature; false: it is none.
  bool AnswerUnsigned(const WebhookRequest& request, const SourceAccess& access,
                      const SourceRuntime& source, Lane& lane, Done& done);
  // Hands the key of a handshake to who waits for it; answered when it is kept.
  void OfferKey(const WebhookRequest& request, const HandshakeAnswer& answer,
                const SourceRuntime& source, Lane& lane, Done done);
  HttpResponse RefuseUnknown(WebhookRequest request);
  // A sender that waits for an answer on its lane, and what its request began with.
  struct Waiting {
    std::shared_ptr<const SourceAccess> access;
    const SourceRuntime* source = nullptr;
    Lane* lane = nullptr;
    Done done;
  };
  void Settle(Verdict verdict, Waiting waiting);
  void Take(Rejection rejection, Waiting waiting);
  void Take(NeedsFetch needed, Waiting waiting);
  void Take(RefuseMalformed malformed, Waiting waiting);
  void Take(ConfirmSubscription confirm, Waiting waiting);
  void Take(AnswerCheck check, Waiting waiting);
  void Take(StoreEvents events, Waiting waiting);
  void Append(StoreEvents events, AppendSink& sink, std::unique_ptr<Pending> pending);
  absl::StatusOr<ReverifyOutcome> StoreAgain(StoreEvents events, const SourceRuntime& source);
  HttpResponse Receive(const Pending& pending, const AppendOutcome& outcome);
  HttpResponse StoredResponse(const Pending& pending, const std::vector<Receipt>& receipts);
  void NoteStored(const Pending& pending, std::string_view type, const Receipt& receipt);

  const PipelineOptions options_;
  Journal& journal_;
  const Clock& clock_;
  Logger& log_;
  BodyBudget body_budget_;
  // Stands in for unknown sources on /{token} routes, so that they look and time like a bad token.
  std::unique_ptr<const SourceRuntime> decoy_;
  std::vector<std::unique_ptr<LaneSink>> sinks_;
  const bool durable_;
  std::atomic<bool> draining_{false};
  mutable SourceStats unattributed_;
  mutable RejectionLog rejections_;
};

}  // namespace hookbridge
