#include "server/pipeline.h"

#include "server/answers.h"
#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/convert/conflict.h"
#include "server/convert/replay.h"
#include "server/fetch_on_lane.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <future>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kNoStoreHeader = "hookbridge-durability";

// Why a webhook has no parsed form; of a split batch the first reason.
std::string_view ConversionError(const ConvertedWebhook& converted) {
  for (const ConvertedEvent& event : converted.events) {
    if (!event.conversion_error.empty()) return event.conversion_error;
  }
  return "";
}

// Whether two configurations of a source differ in nothing but what ReplaceAccess takes over.
bool SameButSecrets(config::v1::Source a, config::v1::Source b) {
  for (config::v1::Source* const source : {&a, &b}) {
    source->clear_keys();
    source->clear_url_token();
    source->clear_handshake_token();
    // The converter knows the name of the secret header, so that it keeps it out of events.
    const std::string header = source->gate().header().name();
    source->clear_gate();
    if (!header.empty()) source->mutable_gate()->mutable_header()->set_name(header);
  }
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// Whether the same request may be taken later, so that the sender had better send it again.
bool IsForNow(Reason reason) {
  return reason == Reason::kCertificateUnavailable || reason == Reason::kResourceUnavailable;
}

NewEvent::Unconflicted UnconflictEvent(const EventRuns& runs, const EventId& first) {
  Unconflicted own = Unconflict(runs, first.ToString());
  return {.hash = own.dedup_hash, .envelope = std::move(own.envelope)};
}

std::unique_ptr<const SourceRuntime> MakeDecoy(std::string token) {
  auto decoy = std::make_unique<SourceRuntime>();
  VerifierOptions options;
  options.recipe.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_URL_TOKEN);
  options.keys.push_back(KeyMaterial{.id = "decoy", .secret = std::move(token)});
  auto verifier = Verifier::Create(std::move(options));
  auto access = std::make_shared<SourceAccess>();
  if (verifier.ok()) access->verifier = *std::move(verifier);
  decoy->access.Set(std::move(access));
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
  std::vector<std::string> types;  // of each event
  bool split = false;              // the answer is a list of ids
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
      body_budget_(options_.body_budget),
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

void Pipeline::NoteRejected(Reason reason, const WebhookRequest& request, std::string detail) {
  const SourceRuntime* const source = FindSource(request.source);
  RejectedRequest rejected{.reason = reason,
                           .source = request.source,
                           .source_is_unknown = source == nullptr,
                           .detail = std::move(detail),
                           .time = request.receive_time,
                           .body_bytes = request.body.size(),
                           .header_names = {},
                           .remote_address = request.remote_address,
                           .request_id = request.request_id};
  for (const HeaderLine& line : request.headers) rejected.header_names.emplace_back(line.name);
  log_.Warning("webhook_refused", {{"reason", ReasonName(reason)},
                                   {SourceField(source), rejected.source},
                                   {"detail", rejected.detail},
                                   {"request_id", rejected.request_id},
                                   {"remote", rejected.remote_address}});
  rejections_.Add(std::move(rejected));
}

// The life of a webhook: Verify, Convert, Append; Receive answers when the event is durable.
void Pipeline::Handle(WebhookRequest request, Lane& lane,
                      absl::AnyInvocable<void(HttpResponse)> done) {
  const absl::Time now = clock_.Now();
  const SourceRuntime* const source = FindSource(request.source);
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;

  std::shared_ptr<const SourceAccess> access = bound.access.Get();
  Verdict verdict = access->verifier->Verify(std::move(request), now);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) {
    FetchAndSettle(std::move(*needed), std::move(access), source, lane, std::move(done));
    return;
  }
  Settle(std::move(verdict), *access, source, lane, std::move(done));
}

void Pipeline::Settle(Verdict verdict, const SourceAccess& access, const SourceRuntime* source,
                      Lane& lane, Done done) {
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  if (auto* const rejection = std::get_if<Rejection>(&verdict)) {
    Reject(std::move(*rejection), source, std::move(done));
    return;
  }
  auto& webhook = std::get<VerifiedWebhook>(verdict);
  if (const auto need = access.verifier->Confirmation(webhook)) {
    Confirm(*need, std::move(webhook), bound, lane, std::move(done));
    return;
  }

  access.CountMatch(webhook.key_id(), clock_.Now());
  if (const auto handshake = access.verifier->AnswerHandshake(webhook)) {
    log_.Info("handshake", {{"source", bound.config.name()}, {"status", handshake->status}});
    done(HandshakeResponse(*handshake));
    return;
  }

  ConvertedWebhook converted = bound.converter->Convert(webhook);
  if (const std::string_view error = ConversionError(converted);
      !error.empty() && bound.config.on_malformed() == config::v1::ON_MALFORMED_REFUSE) {
    const auto status = static_cast<int>(bound.recipe.responses().malformed());
    NoteRejected(Reason::kMalformedBody, webhook.request(), std::string(error));
    done(Refuse(Reason::kMalformedBody, source, status));
    return;
  }

  auto pending = std::make_unique<Pending>();
  pending->source = source;
  pending->done = std::move(done);
  pending->request_id = webhook.request().request_id;
  LaneSink& sink = *sinks_[lane.index()];
  sink.SetLane(lane);
  Append(*source, std::move(converted), webhook.signed_hash(), sink, std::move(pending));
}

// Verified once more with what came of it, and never fetched for again.
void Pipeline::FetchAndSettle(NeedsFetch needed, std::shared_ptr<const SourceAccess> access,
                              const SourceRuntime* source, Lane& lane, Done done) {
  const FetchNeed need = needed.need;
  FetchOnLane(options_.fetcher, need, needed.request.source, lane,
              [this, source, &lane, needed = std::move(needed), access = std::move(access),
               done = std::move(done)](FetchAnswer answer) mutable {
                log_.Info("fetched", {{"source", needed.request.source},
                                      {"host", needed.need.host},
                                      {"status", answer.status},
                                      {"error", answer.error}});
                const absl::Time now = clock_.Now();
                Settle(access->verifier->VerifyFetched(std::move(needed), answer, now), *access,
                       source, lane, std::move(done));
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

void Pipeline::Append(const SourceRuntime& source, ConvertedWebhook converted,
                      const std::optional<SignedHash>& signed_hash, AppendSink& sink,
                      std::unique_ptr<Pending> pending) {
  AppendRequest append;
  append.source = source.config.name();
  append.events.reserve(converted.events.size());
  pending->split = !converted.body_run.empty();
  for (ConvertedEvent& event : converted.events) {
    auto stored = std::make_shared<StoredEvent>();
    stored->runs = std::move(event.runs);
    stored->has_data = true;
    pending->types.push_back(std::move(event.type));
    append.events.push_back(
        NewEvent{.dedup_hash = event.dedup_hash,
                 .dedup_window = event.by_body ? source.same_body_window : source.dedup_window,
                 .body_crc = event.body_crc,
                 .event = std::move(stored)});
    if (source.recipe.on_id_conflict() != config::v1::ON_ID_CONFLICT_DROP) {
      append.events.back().unconflict = UnconflictEvent;
    }
    if (signed_hash) {
      append.events.back().replay = NewEvent::Replay{
          .hash = ReplayHash(append.source, *signed_hash, append.events.size() - 1),
          .drop = source.config.replay_policy() == config::v1::REPLAY_POLICY_DROP,
          .envelope_run = ReplaySuspectedRun()};
    }
  }
  append.body_run = std::move(converted.body_run);
  append.sink = &sink;
  append.token = reinterpret_cast<uint64_t>(pending.release());
  journal_.Append(std::move(append));
}

void Pipeline::Reject(Rejection rejection, const SourceRuntime* source,
                      absl::AnyInvocable<void(HttpResponse)> done) {
  const Reason reason = source != nullptr ? rejection.reason : Reason::kUnknownSource;
  const SourceRuntime& bound = source != nullptr ? *source : *decoy_;
  const int status =
      IsForNow(reason) ? 503 : static_cast<int>(bound.recipe.responses().bad_signature());
  NoteRejected(reason, rejection.request, rejection.detail);
  if (source != nullptr && options_.quarantine != nullptr) {
    options_.quarantine->Keep(rejection.request, reason, rejection.detail);
  }
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
  for (size_t i = 0; i < receipts.size(); ++i) NoteStored(pending, pending.types[i], receipts[i]);
  const bool duplicate = std::all_of(receipts.begin(), receipts.end(),
                                     [](const Receipt& receipt) { return receipt.duplicate; });
  HttpResponse response;
  const config::v1::Responses& codes = source.recipe.responses();
  response.status = static_cast<int>(duplicate ? codes.duplicate() : codes.ok());
  SetAnswerBody(codes.body(),
                ReceiptBody(receipts, pending.split, source.config.receipt_position()), response);
  if (!durable_) response.headers.emplace_back(kNoStoreHeader, "none");
  return response;
}

void Pipeline::NoteStored(const Pending& pending, std::string_view type, const Receipt& receipt) {
  const SourceRuntime& source = *pending.source;
  source.stats.CountAccepted(clock_.Now());
  if (receipt.duplicate) source.stats.CountDuplicate();
  if (receipt.other_body) {
    source.stats.CountConflict();
    log_.Warning("duplicate_with_other_body",
                 {{"source", source.config.name()},
                  {receipt.duplicate ? "first_id" : "id", receipt.id.ToString()},
                  {"stored", !receipt.duplicate},
                  {"request_id", pending.request_id}});
  }
  if (receipt.replay_suspected) {
    source.stats.CountReplay();
    log_.Warning("replay_suspected", {{"source", source.config.name()},
                                      {"id", receipt.id.ToString()},
                                      {"dropped", receipt.duplicate},
                                      {"request_id", pending.request_id}});
  }
  if (!options_.log_requests) return;
  log_.Info("webhook_accepted", {{"source", source.config.name()},
                                 {"type", type},
                                 {"id", receipt.id.ToString()},
                                 {"position", receipt.position},
                                 {"duplicate", receipt.duplicate},
                                 {"request_id", pending.request_id}});
}

// Waits for the outcome of one append.
class OneOutcome final : public AppendSink {
 public:
  void OnAppended(std::vector<AppendOutcome> outcomes) override {
    outcome_.set_value(std::move(outcomes.front()));
  }
  AppendOutcome Wait() { return outcome_.get_future().get(); }

 private:
  std::promise<AppendOutcome> outcome_;
};

absl::StatusOr<ReverifyOutcome> Pipeline::Reverify(std::string_view request_id) {
  auto request = options_.quarantine->Read(request_id);
  if (!request.ok()) return request.status();
  const SourceRuntime* const source = FindSource(request->source);
  if (source == nullptr)
    return ReverifyOutcome{.event_ids = {}, .refused = Reason::kUnknownSource, .detail = {}};
  const absl::Time time = request->receive_time;
  const std::shared_ptr<const SourceAccess> access = source->access.Get();
  auto verdict = access->verifier->Verify(*std::move(request), time);
  if (std::holds_alternative<NeedsFetch>(verdict)) {
    return ReverifyOutcome{.event_ids = {},
                           .refused = Reason::kCertificateUnavailable,
                           .detail = "nothing is fetched for a quarantined request"};
  }
  if (auto* const rejection = std::get_if<Rejection>(&verdict)) {
    return ReverifyOutcome{
        .event_ids = {}, .refused = rejection->reason, .detail = std::move(rejection->detail)};
  }
  const auto& webhook = std::get<VerifiedWebhook>(verdict);
  access->CountMatch(webhook.key_id(), clock_.Now());
  auto pending = std::make_unique<Pending>();
  pending->source = source;
  pending->request_id = webhook.request().request_id;
  OneOutcome sink;
  Append(*source, source->converter->Convert(webhook), webhook.signed_hash(), sink,
         std::move(pending));
  const AppendOutcome outcome = sink.Wait();
  const std::unique_ptr<Pending> stored(reinterpret_cast<Pending*>(outcome.token));
  if (!outcome.status.ok()) return outcome.status;
  ReverifyOutcome taken;
  for (size_t i = 0; i < outcome.receipts.size(); ++i) {
    NoteStored(*stored, stored->types[i], outcome.receipts[i]);
    taken.event_ids.push_back(outcome.receipts[i].id.ToString());
  }
  options_.quarantine->Remove(request_id).IgnoreError();
  return taken;
}

std::vector<std::string> Pipeline::ReplaceAccess(const SourceMap& fresh) {
  std::vector<std::string> need_restart;
  for (const auto& [name, source] : options_.sources) {
    const auto it = fresh.find(name);
    if (it != fresh.end() && SameButSecrets(it->second->config, source->config)) {
      source->access.Set(it->second->access.Get());
    } else {
      need_restart.push_back(name);
    }
  }
  for (const auto& [name, source] : fresh) {
    if (!options_.sources.contains(name)) need_restart.push_back(name);
  }
  return need_restart;
}

}  // namespace hookbridge
