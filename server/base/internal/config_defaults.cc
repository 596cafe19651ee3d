#include "server/base/config.h"
#include "server/base/limits.h"

#include <algorithm>

namespace hookbridge {
namespace {

void Set(google::protobuf::Duration* field, absl::Duration value) {
  field->set_seconds(absl::ToInt64Seconds(value));
  field->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(value - absl::Seconds(field->seconds()))));
}

void ApplyIngress(config::v1::Ingress& ingress) {
  if (ingress.listen().empty()) ingress.set_listen("127.0.0.1:8080");
  if (ingress.threads() == 0) ingress.set_threads(1);
  if (ingress.connections_max() == 0) ingress.set_connections_max(limits::kConnectionsMax);
  if (ingress.body_bytes_max() == 0) ingress.set_body_bytes_max(limits::kBodyBytesMax);
  if (ingress.header_bytes_max() == 0) ingress.set_header_bytes_max(limits::kHeaderBytesMax);
  if (ingress.header_lines_max() == 0) ingress.set_header_lines_max(limits::kHeaderLinesMax);
  if (ingress.target_bytes_max() == 0) ingress.set_target_bytes_max(limits::kTargetBytesMax);
  if (ingress.inflight_body_bytes_max() == 0) {
    ingress.set_inflight_body_bytes_max(limits::kInflightBodyBytesMax);
  }
  if (!ingress.has_header_timeout()) {
    Set(ingress.mutable_header_timeout(), limits::kHeaderTimeout);
  }
  if (!ingress.has_body_timeout()) Set(ingress.mutable_body_timeout(), limits::kBodyTimeout);
  if (!ingress.has_write_timeout()) Set(ingress.mutable_write_timeout(), limits::kWriteTimeout);
  if (!ingress.has_idle_timeout()) Set(ingress.mutable_idle_timeout(), limits::kIdleTimeout);
  if (!ingress.has_handshake_timeout()) {
    Set(ingress.mutable_handshake_timeout(), limits::kHandshakeTimeout);
  }
  if (!ingress.has_handler_timeout()) {
    Set(ingress.mutable_handler_timeout(), limits::kHandlerTimeout);
  }
  if (ingress.connections_per_address_max() == 0) {
    ingress.set_connections_per_address_max(std::max(1u, ingress.connections_max() / 4));
  }
  if (ingress.inflight_body_bytes_per_address_max() == 0) {
    ingress.set_inflight_body_bytes_per_address_max(ingress.inflight_body_bytes_max() / 4);
  }
  if (ingress.body_bytes_per_second_min() == 0) {
    ingress.set_body_bytes_per_second_min(limits::kBodyBytesPerSecondMin);
  }
  if (ingress.handshakes_per_second_max() == 0) {
    ingress.set_handshakes_per_second_max(limits::kHandshakesPerSecondMax);
  }
}

void ApplyGrpc(config::v1::Grpc& grpc) {
  if (grpc.listen().empty()) grpc.set_listen("127.0.0.1:9090");
  if (grpc.connections_max() == 0) grpc.set_connections_max(limits::kGrpcConnectionsMax);
  if (grpc.calls_per_connection_max() == 0) {
    grpc.set_calls_per_connection_max(limits::kGrpcCallsPerConnectionMax);
  }
}

void ApplyJournal(config::v1::JournalConfig& journal) {
  if (journal.engine() == config::v1::JOURNAL_ENGINE_UNSPECIFIED) {
    journal.set_engine(config::v1::JOURNAL_ENGINE_ROCKSDB);
  }
  if (journal.directory().empty()) journal.set_directory("./hookbridge-data");
  if (!journal.has_max_age()) Set(journal.mutable_max_age(), limits::kJournalMaxAge);
  if (journal.when_full() == config::v1::WHEN_FULL_UNSPECIFIED) {
    journal.set_when_full(config::v1::WHEN_FULL_REFUSE);
  }
  if (!journal.has_dedup_window()) Set(journal.mutable_dedup_window(), limits::kDedupWindow);
  if (journal.append_queue_events_max() == 0) {
    journal.set_append_queue_events_max(limits::kAppendQueueEventsMax);
  }
  if (journal.append_queue_bytes_max() == 0) {
    journal.set_append_queue_bytes_max(limits::kAppendQueueBytesMax);
  }
}

void ApplyConvert(config::v1::Convert& convert) {
  if (convert.json_depth_max() == 0) convert.set_json_depth_max(limits::kJsonDepthMax);
  if (convert.parsed_bytes_max() == 0) convert.set_parsed_bytes_max(limits::kParsedBytesMax);
  if (convert.json_elements_max() == 0) convert.set_json_elements_max(limits::kJsonElementsMax);
}

void ApplyDelivery(config::v1::DeliveryConfig& delivery) {
  if (delivery.streams_max() == 0) delivery.set_streams_max(limits::kStreamsMax);
  if (!delivery.has_stream_max_age()) {
    Set(delivery.mutable_stream_max_age(), limits::kStreamMaxAge);
  }
  if (delivery.tail_cache_bytes_max() == 0) {
    delivery.set_tail_cache_bytes_max(limits::kTailCacheBytesMax);
  }
}

void ApplySource(config::v1::Source& source, uint64_t body_bytes_max) {
  if (source.on_malformed() == config::v1::ON_MALFORMED_UNSPECIFIED) {
    source.set_on_malformed(config::v1::ON_MALFORMED_STORE);
  }
  if (source.body_bytes_max() == 0) source.set_body_bytes_max(body_bytes_max);
  for (int i = 0; i < source.keys_size(); ++i) {
    config::v1::Key& key = *source.mutable_keys(i);
    if (key.id().empty()) key.set_id(std::to_string(i + 1));
  }
}

}  // namespace

void ApplyDefaults(config::v1::Config* config) {
  ApplyIngress(*config->mutable_ingress());
  ApplyGrpc(*config->mutable_grpc());
  ApplyJournal(*config->mutable_journal());
  ApplyConvert(*config->mutable_convert());
  ApplyDelivery(*config->mutable_delivery());
  for (config::v1::Source& source : *config->mutable_sources()) {
    ApplySource(source, config->ingress().body_bytes_max());
  }
  if (config->log().level() == config::v1::LOG_LEVEL_UNSPECIFIED) {
    config->mutable_log()->set_level(config::v1::LOG_LEVEL_INFO);
  }
  if (config->has_quarantine()) {
    config::v1::QuarantineConfig& quarantine = *config->mutable_quarantine();
    if (quarantine.bytes_max() == 0) quarantine.set_bytes_max(limits::kQuarantineBytesMax);
    if (!quarantine.has_max_age()) {
      Set(quarantine.mutable_max_age(), limits::kQuarantineMaxAge);
    }
    if (quarantine.requests_per_second_max() == 0) {
      quarantine.set_requests_per_second_max(limits::kQuarantineRequestsPerSecondMax);
    }
  }
  if (!config->has_shutdown_deadline()) {
    Set(config->mutable_shutdown_deadline(), limits::kShutdownDeadline);
  }
}

}  // namespace hookbridge
