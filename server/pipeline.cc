#include "server/pipeline.h"

#include "server/answers.h"
#include "server/base/config.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/convert/conflict.h"
#include "server/convert/replay.h"
#include "server/fetch_on_lane.h"

#include <google/protobuf/util/message_differencer.h>

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kNoStoreHeader = "hookbridge-durability";

// Whether two configurations of a source differ in nothing but what ReplaceAccess takes over.
bool SameButSecrets(config::v1::Source a, config::v1::Source b) {
  for (config::v1::Source* const source : {&a, &b}) {
    source->clear_keys();
    source->clear_url_token();
    source->clear_handshake_token();
    source->clear_learned_key();
    // The converter knows the name of the secret header, so that it keeps it out of events.
    const std::string header = source->gate().header().name();
    source->clear_gate();
    if (!header.empty()) source->mutable_gate()->mutable_header()->set_name(header);
  }
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

NewEvent::Unconflicted UnconflictEvent(const EventRuns& runs, const EventId& first) {
  Unconflicted own = Unconflict(runs, first.ToString());
  return {.hash = own.dedup_hash, .envelope = std::move(own.envelope)};
}

std::string RandomSecret() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  return HexEncode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
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
struct Pipeline::Pending final : AppendContext {
  const SourceRuntime* source = nullptr;
  Lane* lane = nullptr;  // null for a request that nobody waits for
  absl::AnyInvocable<void(HttpResponse)> done;
  std::string request_id;
  std::vector<std::string> types;  // of each event
  bool split = false;              // the answer is a list of ids
};

// Brings a group's outcomes back to the lane that they all come from with one wake-up.
class Pipeline::LaneSink final : public AppendSink {
 public:
  explicit LaneSink(Pipeline& pipeline) : pipeline_(pipeline) {}

  void OnAppended(std::vector<AppendOutcome> outcomes) override {
    Lane& lane = *PendingOf(outcomes.front()).lane;
    lane.Post([this, outcomes = std::move(outcomes)] {
      for (const AppendOutcome& outcome : outcomes) {
        Pending& pending = PendingOf(outcome);
        pending.done(pipeline_.Receive(pending, outcome));
      }
    });
  }

 private:
  Pipeline& pipeline_;
};

Pipeline::Pipeline(PipelineOptions options, Journal& journal, const Clock& clock, Logger& log)
    : options_(std::move(options)),
      journal_(journal),
      clock_(clock),
      log_(log),
      body_budget_(options_.body_budget),
      decoy_(MakeDecoy(options_.decoy_secret.empty() ? RandomSecret() : options_.decoy_secret)),
      durable_(journal.Info().durable) {
  for (uint32_t i = 0; i < options_.lanes; ++i) sinks_.push_back(std::make_unique<LaneSink>(*this));
}

Pipeline::~Pipeline() = default;

Pipeline::Pending& Pipeline::PendingOf(const AppendOutcome& outcome) {
  return static_cast<Pending&>(*outcome.context);
}

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
  const SourceRuntime* const source = FindSource(request.source);
  if (source == nullptr) {
    done(RefuseUnknown(std::move(request)));
    return;
  }
  std::shared_ptr<const SourceAccess> access = source->access.Get();
  // Of other methods the head has told whether they are handshakes.
  if (request.method == "POST" && AnswerUnsigned(request, *access, *source, lane, done)) return;
  Verdict verdict = access->verifier->Verify(std::move(request), clock_.Now());
  Settle(std::move(verdict),
         {.access = std::move(access), .source = source, .lane = &lane, .done = std::move(done)});
}

// After the work that a bad token costs, so that the two cannot be told apart by their time.
HttpResponse Pipeline::RefuseUnknown(WebhookRequest request) {
  const Verdict verdict = decoy_->access.Get()->verifier->Verify(std::move(request), clock_.Now());
  const auto* const rejection = std::get_if<Rejection>(&verdict);
  const WebhookRequest& seen =
      rejection != nullptr ? rejection->request : std::get<VerifiedWebhook>(verdict).request();
  NoteRejected(Reason::kUnknownSource, seen, rejection != nullptr ? rejection->detail : "");
  return Refuse(Reason::kUnknownSource, nullptr,
                static_cast<int>(decoy_->recipe.responses().bad_signature()));
}

void Pipeline::Settle(Verdict verdict, Waiting waiting) {
  NextStep step =
      DecideNextStep(std::move(verdict), *waiting.access->verifier, *waiting.source, clock_.Now());
  std::visit([&](auto& next) { Take(std::move(next), std::move(waiting)); }, step);
}

void Pipeline::Take(Rejection rejection, Waiting waiting) {
  const int status = RejectionStatus(rejection.reason, waiting.source->recipe.responses());
  NoteRejected(rejection.reason, rejection.request, rejection.detail);
  if (options_.quarantine != nullptr) {
    options_.quarantine->Keep(rejection.request, rejection.reason, rejection.detail);
  }
  waiting.done(Refuse(rejection.reason, waiting.source, status));
}

// Verified once more with what came of it, and never fetched for again.
void Pipeline::Take(NeedsFetch needed, Waiting waiting) {
  const FetchNeed need = needed.need;
  Lane& lane = *waiting.lane;
  FetchOnLane(
      options_.fetcher, need, needed.request.source, lane,
      [this, needed = std::move(needed), waiting = std::move(waiting)](FetchAnswer answer) mutable {
        log_.Info("fetched", {{"source", needed.request.source},
                              {"host", needed.need.host},
                              {"status", answer.status},
                              {"error", answer.error}});
        Verdict verdict =
            waiting.access->verifier->VerifyFetched(std::move(needed), answer, clock_.Now());
        Settle(std::move(verdict), std::move(waiting));
      });
}

void Pipeline::Take(RefuseMalformed malformed, Waiting waiting) {
  waiting.access->CountMatch(malformed.webhook.key_id(), clock_.Now());
  NoteRejected(Reason::kMalformedBody, malformed.webhook.request(), std::move(malformed.detail));
  waiting.done(Refuse(Reason::kMalformedBody, waiting.source,
                      static_cast<int>(waiting.source->recipe.responses().malformed())));
}

void Pipeline::Take(ConfirmSubscription confirm, Waiting waiting) {
  const std::string& name = waiting.source->config.name();
  const FetchNeed need = confirm.need;
  Lane& lane = *waiting.lane;
  confirm.webhook.DropInflated();
  FetchOnLane(options_.fetcher, need, name, lane,
              [this, webhook = std::move(confirm.webhook),
               waiting = std::move(waiting)](FetchAnswer answer) mutable {
                log_.Info("subscription_confirmation", {{"source", waiting.source->config.name()},
                                                        {"status", answer.status},
                                                        {"error", answer.error}});
                if (answer.Is2xx()) {
                  waiting.done(HandshakeResponse({}));
                  return;
                }
                NoteRejected(
                    Reason::kConfirmationFailed, webhook.request(),
                    answer.error.empty() ? StrCat("answered ", answer.status) : answer.error);
                waiting.done(Refuse(Reason::kConfirmationFailed, waiting.source, 503));
              });
}

void Pipeline::Take(AnswerCheck check, Waiting waiting) {
  waiting.access->CountMatch(check.webhook.key_id(), clock_.Now());
  NoteHandshake(*waiting.source, check.answer);
  waiting.done(HandshakeResponse(check.answer));
}

void Pipeline::Take(StoreEvents events, Waiting waiting) {
  waiting.access->CountMatch(events.webhook.key_id(), clock_.Now());
  auto pending = std::make_unique<Pending>();
  pending->source = waiting.source;
  pending->lane = waiting.lane;
  pending->done = std::move(waiting.done);
  pending->request_id = events.webhook.request().request_id;
  Append(std::move(events), *sinks_[waiting.lane->index()], std::move(pending));
}

void Pipeline::Append(StoreEvents events, AppendSink& sink, std::unique_ptr<Pending> pending) {
  const SourceRuntime& source = *pending->source;
  const std::optional<SignedHash>& signed_hash = events.webhook.signed_hash();
  ConvertedWebhook& converted = events.converted;
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
  append.context = std::move(pending);
  journal_.Append(std::move(append));
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
  NextStep step = DecideNextStep(access->verifier->Verify(*std::move(request), time),
                                 *access->verifier, *source, clock_.Now());
  const auto refused = [](Reason reason, std::string detail) {
    return ReverifyOutcome{.event_ids = {}, .refused = reason, .detail = std::move(detail)};
  };
  if (auto* const rejection = std::get_if<Rejection>(&step)) {
    return refused(rejection->reason, std::move(rejection->detail));
  }
  if (std::holds_alternative<NeedsFetch>(step)) {
    return refused(Reason::kCertificateUnavailable, "nothing is fetched for a quarantined request");
  }
  if (auto* const malformed = std::get_if<RefuseMalformed>(&step)) {
    return refused(Reason::kMalformedBody, std::move(malformed->detail));
  }
  if (std::holds_alternative<ConfirmSubscription>(step)) {
    return refused(Reason::kConfirmationFailed,
                   "nothing is confirmed for a quarantined request; have it sent again");
  }
  // Nobody waits for the answer to a check of the endpoint, and it is no event.
  ReverifyOutcome taken{.event_ids = {}, .refused = {}, .detail = "a handshake, which is no event"};
  if (auto* const events = std::get_if<StoreEvents>(&step)) {
    access->CountMatch(events->webhook.key_id(), clock_.Now());
    auto stored = StoreAgain(std::move(*events), *source);
    if (!stored.ok()) return stored.status();
    taken = *std::move(stored);
  }
  options_.quarantine->Remove(request_id).IgnoreError();
  return taken;
}

absl::StatusOr<ReverifyOutcome> Pipeline::StoreAgain(StoreEvents events,
                                                     const SourceRuntime& source) {
  auto pending = std::make_unique<Pending>();
  pending->source = &source;
  pending->request_id = events.webhook.request().request_id;
  OneOutcome sink;
  Append(std::move(events), sink, std::move(pending));
  const AppendOutcome outcome = sink.Wait();
  if (!outcome.status.ok()) return outcome.status;
  const Pending& stored = PendingOf(outcome);
  ReverifyOutcome taken;
  for (size_t i = 0; i < outcome.receipts.size(); ++i) {
    NoteStored(stored, stored.types[i], outcome.receipts[i]);
    taken.event_ids.push_back(outcome.receipts[i].id.ToString());
  }
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
