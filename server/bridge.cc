#include "server/bridge.h"

#include "server/base/config.h"
#include "server/convert/converter.h"
#include "server/delivery/event_log.h"
#include "server/delivery/stream_hub.h"
#include "server/fetch/fetcher.h"
#include "server/ingress/server.h"
#include "server/journal/open_journal.h"
#include "server/learned_keys.h"
#include "server/rpc/server.h"
#include "server/tls/port_certificates.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace hookbridge {
namespace {

ConvertLimits LimitsOf(const config::v1::Convert& convert) {
  return {.json_depth_max = convert.json_depth_max(),
          .parsed_bytes_max = convert.parsed_bytes_max(),
          .json_elements_max = convert.json_elements_max()};
}

std::vector<SourceCatalog::Key> KeysOf(const SourceAccess& access) {
  std::vector<SourceCatalog::Key> keys;
  for (const KeyUse& use : access.keys) {
    const int64_t last = use.last_match_ns.load(std::memory_order_relaxed);
    keys.push_back({.id = use.id,
                    .matched = use.matched.load(std::memory_order_relaxed),
                    .last_match = last == 0 ? absl::InfinitePast() : absl::FromUnixNanos(last),
                    .not_before = use.not_before,
                    .not_after = use.not_after});
  }
  return keys;
}

SourceCatalog CatalogOf(Pipeline& pipeline, const Quarantine* quarantine) {
  SourceCatalog catalog;
  for (const auto& [name, source] : pipeline.sources()) {
    catalog.sources.push_back(
        {.name = name,
         .preset = source->config.preset(),
         .stats = &source->stats,
         .keys = [access = &source->access] { return KeysOf(*access->Get()); }});
  }
  catalog.unattributed = &pipeline.unattributed();
  catalog.rejections = &pipeline.rejections();
  if (quarantine == nullptr) return catalog;
  catalog.quarantined = [quarantine](size_t count, std::string_view source) {
    return quarantine->List(count, source);
  };
  catalog.quarantine_skipped = [quarantine] { return quarantine->skipped(); };
  catalog.reverify =
      [&pipeline](std::string_view request_id) -> absl::StatusOr<SourceCatalog::Reverified> {
    auto outcome = pipeline.Reverify(request_id);
    if (!outcome.ok()) return outcome.status();
    return SourceCatalog::Reverified{
        .event_ids = std::move(outcome->event_ids),
        .reason = std::string(outcome->refused ? ReasonName(*outcome->refused) : ""),
        .detail = std::move(outcome->detail)};
  };
  return catalog;
}

bool AnyMayFetch(const SourceMap& sources) {
  return std::any_of(sources.begin(), sources.end(), [](const auto& source) {
    return source.second->access.Get()->verifier->MayFetch();
  });
}

}  // namespace

// In the order in which they are made; taken apart the other way round.
struct Bridge::Rooms {
  Rooms(const config::v1::Config& bridge_config, const Clock& bridge_clock)
      : config(bridge_config),
        log(bridge_config.delivery().tail_cache_bytes_max(),
            [limits = LimitsOf(bridge_config.convert())](const EventRuns& runs) {
              return RemakeDataRun(runs, limits);
            }),
        clock(bridge_clock) {}

  const config::v1::Config config;
  EventLog log;
  const Clock& clock;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<StreamHub> hub;
  std::unique_ptr<Quarantine> quarantine;
  std::unique_ptr<Fetcher> fetcher;  // null when no source may need it
  KeyOffers key_offers;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<LearnedKeys> learned_keys;
  SourceCatalog catalog;
  std::unique_ptr<PortCertificates> ingress_certificates;  // null: no TLS
  std::unique_ptr<RpcServer> rpc;
  std::unique_ptr<IngressServer> ingress;
  std::atomic<bool> serves{false};  // ingress is there
  bool stopped = false;

  PortCertificates::Replace UseInIngress() {
    return [this](const Certificates& fresh) { return ingress->UseCertificates(fresh); };
  }
  void ReloadIngressCertificates() {
    if (ingress_certificates == nullptr) return;
    ingress_certificates->Reload(UseInIngress()).IgnoreError();  // logged
  }
  // On a thread of rpc's.
  void LookAtIngressCertificates() {
    if (ingress_certificates == nullptr || !serves.load(std::memory_order_acquire)) return;
    ingress_certificates->Look(UseInIngress(), std::chrono::steady_clock::now());
  }
};

Bridge::Bridge(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}

Bridge::~Bridge() { Shutdown(); }

absl::StatusOr<std::unique_ptr<Bridge>> Bridge::Start(const config::v1::Config& config,
                                                      SourceMap sources, const Clock& clock,
                                                      Logger& log) {
  std::unique_ptr<Bridge> bridge(new Bridge(std::make_unique<Rooms>(config, clock)));
  Rooms& rooms = *bridge->rooms_;
  auto journal = OpenJournal(config.journal(), clock, &rooms.log, log);
  if (!journal.ok()) return journal.status();
  rooms.journal = *std::move(journal);
  rooms.log.Attach(*rooms.journal);
  if (!rooms.journal->Info().durable) {
    log.Warning("journal_keeps_nothing", {{"detail", "the memory engine forgets all at exit"}});
  }

  rooms.hub = std::make_unique<StreamHub>(config.delivery().streams_max(), rooms.log, clock);
  if (config.has_quarantine()) {
    auto quarantine =
        Quarantine::Open({.directory = config.quarantine().directory(),
                          .bytes_max = config.quarantine().bytes_max(),
                          .max_age = ToDuration(config.quarantine().max_age()),
                          .requests_per_second_max = config.quarantine().requests_per_second_max()},
                         clock, log);
    if (!quarantine.ok()) return quarantine.status();
    rooms.quarantine = *std::move(quarantine);
  }
  if (AnyMayFetch(sources)) {
    auto fetcher = Fetcher::Start();
    if (!fetcher.ok()) return fetcher.status();
    rooms.fetcher = *std::move(fetcher);
  }
  rooms.pipeline = std::make_unique<Pipeline>(
      PipelineOptions{.sources = std::move(sources),
                      .body_budget = {.bytes_max = config.ingress().inflight_body_bytes_max(),
                                      .owner_bytes_max =
                                          config.ingress().inflight_body_bytes_per_address_max()},
                      .lanes = config.ingress().threads(),
                      .log_requests = config.log().requests(),
                      .fetcher = rooms.fetcher.get(),
                      .quarantine = rooms.quarantine.get(),
                      .key_offers = &rooms.key_offers},
      *rooms.journal, clock, log);
  rooms.catalog = CatalogOf(*rooms.pipeline, rooms.quarantine.get());
  rooms.learned_keys = std::make_unique<LearnedKeys>(config, *rooms.pipeline);
  rooms.catalog.key_offers = &rooms.key_offers;
  rooms.catalog.learns_key = [&keys = *rooms.learned_keys](std::string_view source) {
    return keys.Learns(source);
  };
  rooms.catalog.keep_key = [&keys = *rooms.learned_keys](std::string_view source,
                                                         std::string_view secret) {
    return keys.Keep(source, secret);
  };
  rooms.catalog.release_retention = [&journal = *rooms.journal](uint64_t up_to) {
    return journal.ReleaseRetention(up_to);
  };

  if (config.ingress().has_tls()) {
    rooms.ingress_certificates =
        std::make_unique<PortCertificates>("ingress.tls", config.ingress().tls(), clock, log);
    if (auto read = rooms.ingress_certificates->Load(); !read.ok()) return read.status();
  }
  auto rpc = RpcServer::Start({.grpc = config.grpc(),
                               .stream_max_age = ToDuration(config.delivery().stream_max_age()),
                               .log = &log,
                               .upkeep = [&rooms] { rooms.LookAtIngressCertificates(); }},
                              rooms.catalog, rooms.log, *rooms.hub, clock);
  if (!rpc.ok()) return rpc.status();
  rooms.rpc = *std::move(rpc);

  auto ingress = IngressServer::Start(config.ingress(), *rooms.pipeline, clock);
  if (!ingress.ok()) return ingress.status();
  rooms.ingress = *std::move(ingress);
  rooms.serves.store(true, std::memory_order_release);
  return bridge;
}

const std::string& Bridge::http_address() const { return rooms_->ingress->address(); }
const std::string& Bridge::grpc_address() const { return rooms_->rpc->address(); }

std::vector<std::string> Bridge::ReplaceAccess(const SourceMap& fresh) {
  return rooms_->learned_keys->ReplaceAccess(fresh);
}

void Bridge::ReloadCertificates() {
  rooms_->ReloadIngressCertificates();
  rooms_->rpc->ReloadCertificates().IgnoreError();  // logged
}

void Bridge::Shutdown() {
  Rooms& rooms = *rooms_;
  if (std::exchange(rooms.stopped, true)) return;
  const absl::Duration end = rooms.clock.Steady() + ToDuration(rooms.config.shutdown_deadline());
  const auto left = [&](double share) {
    return std::max(end - rooms.clock.Steady(), absl::ZeroDuration()) * share;
  };
  if (rooms.pipeline != nullptr) rooms.pipeline->StartDraining();
  rooms.key_offers.Close();
  if (rooms.rpc != nullptr) rooms.rpc->SetServing(false);
  if (rooms.ingress != nullptr) {
    rooms.ingress->StopAccepting();
    rooms.ingress->Drain(left(0.5));
  }
  if (rooms.fetcher != nullptr) rooms.fetcher->Stop();
  if (rooms.hub != nullptr) rooms.hub->Drain(left(0.5));
  if (rooms.journal != nullptr) rooms.journal->Close();
  if (rooms.ingress != nullptr) rooms.ingress->Stop();
  if (rooms.rpc != nullptr) rooms.rpc->Shutdown(left(0.5));
  if (rooms.hub != nullptr) rooms.hub->Stop();
  if (rooms.quarantine != nullptr) rooms.quarantine->Stop();
}

}  // namespace hookbridge
