#include "server/pipeline.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/fetch_on_lane.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kNoStoreHeader = "hookbridge-durability";

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

HttpResponse ErrorResponse(int status) {
  HttpResponse response;
  response.status = status;
  response.body = ErrorBody(status);
  if (status == 503) {
    response.headers.emplace_back("Retry-After", StrCat(absl::ToInt64Seconds(limits::kRetryAfter)));
  }
  return response;
}

Reason AppendReason(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? Reason::kOverload : Reason::kJournalUnavailable;
}

bool HasHandshake(const SourceRuntime& source, config::v1::HandshakeKind kind) {
  const auto& handshakes = source.recipe.handshakes();
  return std::any_of(handshakes.begin(), handshakes.end(),
                     [kind](const auto& handshake) { return handshake.kind() == kind; });
}

std::string AllowedMethods(const SourceRuntime& source) {
  std::string allow = "POST";
  if (HasHandshake(source, config::v1::HANDSHAKE_KIND_HEAD)) StrAppend(&allow, ", HEAD");
  if (HasHandshake(source, config::v1::HANDSHAKE_KIND_GET_ECHO) ||
      HasHandshake(source, config::v1::HANDSHAKE_KIND_GET_HMAC)) {
    StrAppend(&allow, ", GET");
  }
  return allow;
}

HttpResponse HandshakeResponse(const HandshakeAnswer& answer) {
  HttpResponse response;
  response.status = answer.status;
  response.content_type = answer.content_type;
  response.body = answer.body;
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

// Whether the same request may be taken later, so that the sender had better send it again.
bool IsForNow(Reason reason) {
  return reason == Reason::kCertificateUnavailable || reason == Reason::kResourceUnavailable;
}

std::unique_ptr<const SourceRuntime> MakeDecoy(std::string token) {
  auto decoy = std::make_unique<SourceRuntime>();
  VerifierOptions options;
  options.recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_URL_TOKEN);
  options.keys.push_back(KeyMaterial{.id = "decoy", .secret = std::move(token)});
  auto verifier = Verifier::Create(std::move(options));
  if (verifier.ok()) decoy->verifier = *std::move(verifier);
  decoy->config.set_body_bytes_max(limits::kBodyBytesMax);
  decoy->recipe.mutable_responses()->set_bad_signature(401);
  return decoy;
}

}  // namespace

// What is remembered of a request while its event is being stored.
struct Pipeline::Pending {
  const SourceRuntime* source = nullptr;
  absl::AnyInvocable<void(HttpResponse)> done;
  std::string request_id;
  std::string type;
};

// Brings a group's outcomes back to their lane with one wake-up. The lane is set by the first
// request that it handles, before its first append.
class Pipeline::LaneSink final : public AppendSink {
 public:
  explicit LaneSink(Pipeline& pipeline) : pipeline_(pipeline) {}

  void SetLane(Lane& lane) { lane_ = &lane; }

  void OnAppended(std::vector<AppendOutcome> outcomes) override {
    lane_->Post([this, outcomes = std::move(outcomes)] {
      for (const AppendOutcome& outcome : outcomes) {
        const std::unique_ptr<Pending> pending(reinterpret_cast<Pending*>(outcome.token));
        pending->done(pipeline_.Receive(*pending, outcome));
      }
    });
  }

 private:
  Pipeline& pipeline_;
  Lane* lane_ = nullptr;
};

Pipeline::Pipeline(PipelineOptions options, Journal& journal, const Clock& clock, Logger& log)
    : options_(std::move(options)),
      journal_(journal),
      clock_(clock),
      log_(log),
      body_budget_(options_.inflight_body_bytes_max),
      decoy_(
          MakeDecoy(EventIdMinter(static_cast<uint64_t>(absl::ToUnixNanos(clock.Now())), EventId())
                        .Next(clock.Now())
                        .ToString())),
      durable_(journal.Info().durable) {
  for (uint32_t i = 0; i < options_.lanes; ++i) sinks_.push_back(std::make_unique<LaneSink>(*this));
}

Pipeline::~Pipeline() = default;

const SourceRuntime* Pipeline::FindSource(std::string_view name) const {
  const auto it = options_.sources.find(name);
  return it == options_.sources.end() ? nullptr : it->second.get();
}

HttpResponse Pipeline::Refuse(Reason reason, const SourceRuntime* source, int status) const {
  (source != nullptr ? source->stats : unattributed_).CountRejected(reason);
  return ErrorResponse(status);
}

HttpResponse Pipeline::RefuseHead(Reason reason, const SourceRuntime* source, int status,
                                  const RequestHead& head) const {
  rejections_.Add({.reason = reason,
                   .source = std::string(head.source),
                   .detail = {},
                   .time = clock_.Now(),
                   .body_bytes = head.content_length.value_or(0),
                   .header_names = {},
                   .remote_address = std::string(head.remote_address),
                   .request_id = {}});
  log_.Warning(
      "request_refused",
      {{"reason", ReasonName(reason)}, {"source", head.source}, {"remote", head.remote_address}});
  return Refuse(reason, source, status);
}

void Pipeline::NoteRejected(Reason reason, const WebhookRequest& request, std::string detail) {
  RejectedRequest rejected{.reason = reason,
                           .source = request.source,
                           .detail = std::move(detail),
                           .time = request.receive_time,
                           .body_bytes = request.body.size(),
                           .header_names = {},
                           .remote_address = request.remote_address,
                           .request_id = request.request_id};
  for (const HeaderLine& line : request.headers) rejected.header_names.emplace_back(line.name);
  log_.Warning("webhook_refused", {{"reason", ReasonName(reason)},
                                   {"source", rejected.source},
                                   {"detail", rejected.detail},
                                   {"request_id", rejected.request_id},
                                   {"remote", rejected.remote_address}});
  rejections_.Add(std::move(rejected));
}

Admission Pipeline::Admit(const RequestHead& head) {
  Admission admission;
  const SourceRuntime* const source = FindSource(head.source);
  if (source == nullptr && head.token.empty()) {
    admission.response = RefuseHead(Reason::kUnknownSource, nullptr, 404, head);
    return admission;
  }
  if (head.method != "POST") {
    if (source != nullptr) return AdmitHandshake(head, *source);
    admission.response = RefuseHead(Reason::kMethodNotAllowed, nullptr, 405, head);
    admission.response->headers.emplace_back("Allow", "POST");
    return admission;
  }
  if (draining_.load(std::memory_order_relaxed)) {
    admission.response = RefuseHead(Reason::kDraining, source, 503, head);
    return admission;
  }
  const SourceRuntime& admitted = source != nullptr ? *source : *decoy_;
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
  admission.ticket = body_budget_.Reserve(admitted.body_share, declared);
  if (admission.ticket == nullptr)
    admission.response = RefuseHead(Reason::kOverload, source, 503, head);
  return admission;
}

Admission Pipeline::AdmitHandshake(const RequestHead& head, const SourceRuntime& source) const {
  Admission admission;
  if (head.method == "HEAD" && HasHandshake(source, config::v1::HANDSHAKE_KIND_HEAD)) {
    admission.response.emplace();
    return admission;
  }
  const auto answer = head.method == "GET" ? source.verifier->AnswerGet(head.query) : std::nullopt;
  if (!answer) {
    admission.response = RefuseHead(Reason::kMethodNotAllowed, &source, 405, head);
    admission.response->headers.emplace_back("Allow", AllowedMethods(source));
  } else if (answer->status == 200) {
    admission.response = HandshakeResponse(*answer);
  } else {
    const Reason reason =
        answer->status == 401 ? Reason::kCredentialMismatch : Reason::kMalformedHttp;
    admission.response = RefuseHead(reason, &source, answer->status, head);
  }
  return admission;
}

// The life of a webhook: Verify, Convert, Append; Receive answers when the event is durable.
void Pipeline::Handle(WebhookRequest request, Lane& lane,
                      absl::AnyInvocable<void(HttpResponse)> done) {
  const absl::Time now = clock_.Now();
  const SourceRuntime* const source = FindSource(request.source);
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;

  Verdict verdict = bound.verifier->Verify(std::move(request), now);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
    FetchAndSettle(std::move(*needed), source, lane, std::move(done));
    return;
  }
  Settle(std::move(verdict), source, lane, std::move(done));
}

void Pipeline::Settle(Verdict verdict, const SourceRuntime* source, Lane& lane, Done done) {
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  if (const auto* const rejection = std::get_if<Rejection>(&verdict)) {
    Reject(*rejection, source, std::move(done));
    return;
  }
  auto& webhook = std::get<VerifiedWebhook>(verdict);
  if (const auto need = bound.verifier->Confirmation(webhook)) {
    Confirm(*need, std::move(webhook), bound, lane, std::move(done));
    return;
  }

  if (const auto handshake = bound.verifier->AnswerHandshake(webhook)) {
    log_.Info("handshake", {{"source", bound.config.name()}, {"status", handshake->status}});
    done(HandshakeResponse(*handshake));
    return;
  }

  ConvertedEvent event = bound.converter->Convert(webhook);
  if (!event.conversion_error.empty() &&
      bound.config.on_malformed() == config::v1::ON_MALFORMED_REFUSE) {
    const auto status = static_cast<int>(bound.recipe.responses().malformed());
    NoteRejected(Reason::kMalformedBody, webhook.request(), event.conversion_error);
    done(Refuse(Reason::kMalformedBody, source, status));
    return;
  }

  auto pending = std::make_unique<Pending>();
  pending->source = source;
  pending->done = std::move(done);
  pending->request_id = webhook.request().request_id;
  LaneSink& sink = *sinks_[lane.index()];
  sink.SetLane(lane);
  Append(*source, std::move(event), sink, std::move(pending));
}

// Verified once more with what came of it, and never fetched for again.
void Pipeline::FetchAndSettle(NeedsFetch needed, const SourceRuntime* source, Lane& lane,
                              Done done) {
  const FetchNeed need = needed.need;
  FetchOnLane(options_.fetcher, need, needed.request.source, lane,
              [this, source, &lane, needed = std::move(needed),
               done = std::move(done)](FetchAnswer answer) mutable {
                const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
                log_.Info("fetched", {{"source", needed.request.source},
                                      {"host", needed.need.host},
                                      {"status", answer.status},
                                      {"error", answer.error}});
                const absl::Time now = clock_.Now();
                Settle(bound.verifier->VerifyFetched(std::move(needed), answer, now), source, lane,
                       std::move(done));
              });
}

void Pipeline::Confirm(const FetchNeed& need, VerifiedWebhook webhook, const SourceRuntime& source,
                       Lane& lane, Done done) {
  FetchOnLane(
      options_.fetcher, need, source.config.name(), lane,
      [this, &source, webhook = std::move(webhook),
       done = std::move(done)](FetchAnswer answer) mutable {
        log_.Info(
            "subscription_confirmation",
            {{"source", source.config.name()}, {"status", answer.status}, {"error", answer.error}});
        if (answer.Is2xx()) {
          done(HandshakeResponse({.status = 200, .content_type = {}, .body = {}}));
          return;
        }
        NoteRejected(Reason::kConfirmationFailed, webhook.request(),
                     answer.error.empty() ? StrCat("answered ", answer.status) : answer.error);
        done(Refuse(Reason::kConfirmationFailed, &source, 503));
      });
}

void Pipeline::Append(const SourceRuntime& source, ConvertedEvent event, LaneSink& sink,
                      std::unique_ptr<Pending> pending) {
  auto stored = std::make_shared<StoredEvent>();
  stored->runs = std::move(event.runs);
  stored->has_data = true;
  pending->type = std::move(event.type);

  AppendRequest append;
  append.source = source.config.name();
  append.events.push_back(NewEvent{.dedup_hash = event.dedup_hash,
                                   .dedup_window = source.dedup_window,
                                   .body_crc = event.body_crc,
                                   .event = std::move(stored)});
  append.sink = &sink;
  append.token = reinterpret_cast<uint64_t>(pending.release());
  journal_.Append(std::move(append));
}

void Pipeline::Reject(const Rejection& rejection, const SourceRuntime* source,
                      absl::AnyInvocable<void(HttpResponse)> done) {
  const Reason reason = source != nullptr ? rejection.reason : Reason::kUnknownSource;
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  const int status =
      IsForNow(reason) ? 503 : static_cast<int>(bound.recipe.responses().bad_signature());
  NoteRejected(reason, rejection.request, rejection.detail);
  done(Refuse(reason, source, status));
}

HttpResponse Pipeline::Receive(const Pending& pending, const AppendOutcome& outcome) {
  if (outcome.status.ok()) return StoredResponse(pending, outcome.receipts);
  const Reason reason = AppendReason(outcome.status);
  log_.Error("append_failed", {{"reason", ReasonName(reason)},
                               {"source", pending.source->config.name()},
                               {"detail", ToStd(outcome.status.message())},
                               {"request_id", pending.request_id}});
  return Refuse(reason, pending.source, 503);
}

HttpResponse Pipeline::StoredResponse(const Pending& pending,
                                      const std::vector<Receipt>& receipts) {
  const SourceRuntime& source = *pending.source;
  const Receipt& receipt = receipts.front();
  source.stats.CountAccepted(clock_.Now());
  if (receipt.duplicate) source.stats.CountDuplicate();
  if (receipt.other_body) {
    source.stats.CountConflict();
    log_.Warning("duplicate_with_other_body", {{"source", source.config.name()},
                                               {"first_id", receipt.id.ToString()},
                                               {"request_id", pending.request_id}});
  }
  const std::string id = receipt.id.ToString();
  if (options_.log_requests) {
    log_.Info("webhook_accepted", {{"source", source.config.name()},
                                   {"type", pending.type},
                                   {"id", id},
                                   {"position", receipt.position},
                                   {"duplicate", receipt.duplicate},
                                   {"request_id", pending.request_id}});
  }
  HttpResponse response;
  const config::v1::Responses& codes = source.recipe.responses();
  response.status = static_cast<int>(receipt.duplicate ? codes.duplicate() : codes.ok());
  response.body = StrCat("{\"id\":\"", id, "\"");
  if (source.config.receipt_position()) {
    StrAppend(&response.body, ",\"position\":", receipt.position);
  }
  response.body.push_back('}');
  if (!durable_) response.headers.emplace_back(kNoStoreHeader, "none");
  return response;
}

void Pipeline::Refused(Reason reason, std::string_view source, std::string_view remote_address) {
  const SourceRuntime* const known = FindSource(source);
  (known != nullptr ? known->stats : unattributed_).CountRejected(reason);
  rejections_.Add({.reason = reason,
                   .source = std::string(source),
                   .detail = {},
                   .time = clock_.Now(),
                   .body_bytes = 0,
                   .header_names = {},
                   .remote_address = std::string(remote_address),
                   .request_id = {}});
  log_.Warning("request_refused",
               {{"reason", ReasonName(reason)}, {"source", source}, {"remote", remote_address}});
}

std::string Pipeline::NotReadyReason() {
  if (draining_.load(std::memory_order_relaxed)) return "draining";
  const JournalInfo info = journal_.Info();
  return info.writable ? std::string() : info.not_writable_reason;
}

}  // namespace hookbridge
