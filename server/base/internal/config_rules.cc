#include "server/base/internal/config_rules.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/network.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"

#include <algorithm>
#include <set>

namespace hookbridge::internal {
namespace {

using config::v1::Config;
using config::v1::Tls;
using Problems = std::vector<ConfigProblem>;

void Add(Problems& problems, std::string path, std::string message, std::string fix) {
  problems.push_back({0, std::move(path), std::move(message), std::move(fix)});
}

// As it may be written in the file.
std::string SizeText(uint64_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) return StrCat(bytes >> 20, "MiB");
  if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) return StrCat(bytes >> 10, "KiB");
  return StrCat(bytes);
}

void CheckListen(const std::string& listen, const std::string& path, Problems& problems) {
  if (listen.empty()) return;
  const auto parsed = ParseHostPort(listen);
  if (parsed.ok()) return;
  Add(problems, path, std::string(parsed.status().message()),
      "write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080");
}

void CheckFile(const std::string& file, const std::string& path, Problems& problems) {
  if (file.empty()) {
    Add(problems, path, "is missing", "write the path of a PEM file, or remove tls");
  } else if (!IsReadableFile(file)) {
    Add(problems, path, StrCat("cannot read ", file), "write the path of a readable PEM file");
  }
}

void CheckTls(const Tls& tls, const std::string& path, Problems& problems) {
  CheckFile(tls.certificate_chain_file(), path + ".certificate_chain_file", problems);
  CheckFile(tls.private_key_file(), path + ".private_key_file", problems);
  if (!tls.client_ca_file().empty()) {
    CheckFile(tls.client_ca_file(), path + ".client_ca_file", problems);
  }
}

void CheckIngress(const config::v1::Ingress& ingress, Problems& problems) {
  CheckListen(ingress.listen(), "ingress.listen", problems);
  if (ingress.has_tls()) {
    CheckTls(ingress.tls(), "ingress.tls", problems);
  }
  for (int i = 0; i < ingress.trusted_proxies_size(); ++i) {
    CheckNetwork(ingress.trusted_proxies(i), StrCat("ingress.trusted_proxies[", i, "]"), problems);
  }
  CheckMost(ingress.threads(), limits::kThreadsMax, "ingress.threads", problems);
  CheckMost(ingress.body_bytes_max(), limits::kBodyBytesMaxHard, "ingress.body_bytes_max",
            problems);
  CheckMost(ingress.header_bytes_max(), limits::kHeaderBytesMaxHard, "ingress.header_bytes_max",
            problems);
  const auto positive = [&](bool is_set, const google::protobuf::Duration& value,
                            const char* name) {
    CheckLeast(is_set, value, absl::ZeroDuration(), StrCat("ingress.", name), problems);
  };
  positive(ingress.has_header_timeout(), ingress.header_timeout(), "header_timeout");
  positive(ingress.has_body_timeout(), ingress.body_timeout(), "body_timeout");
  positive(ingress.has_write_timeout(), ingress.write_timeout(), "write_timeout");
  positive(ingress.has_idle_timeout(), ingress.idle_timeout(), "idle_timeout");
  positive(ingress.has_handshake_timeout(), ingress.handshake_timeout(), "handshake_timeout");
  positive(ingress.has_handler_timeout(), ingress.handler_timeout(), "handler_timeout");
}

void CheckGrpc(const config::v1::Grpc& grpc, Problems& problems) {
  CheckListen(grpc.listen(), "grpc.listen", problems);
  if (grpc.has_tls()) CheckTls(grpc.tls(), "grpc.tls", problems);
  const auto parsed = ParseHostPort(grpc.listen());
  if (!parsed.ok() || IsLoopback(parsed->host)) return;
  if (!grpc.tls().client_ca_file().empty() || grpc.insecure_network()) return;
  Add(problems, "grpc.listen", "listens on the network without mutual TLS",
      "set grpc.tls with client_ca_file, or insecure_network: true inside a private network");
}

void CheckLimits(const Config& config, Problems& problems) {
  const auto& journal = config.journal();
  CheckLeast(journal.has_max_age(), journal.max_age(), limits::kJournalMaxAgeLeast,
             "journal.max_age", problems);
  CheckLeast(journal.has_dedup_window(), journal.dedup_window(), absl::ZeroDuration(),
             "journal.dedup_window", problems);
  if (journal.append_queue_events_max() != 0 &&
      journal.append_queue_events_max() < limits::kAppendQueueEventsMaxLeast) {
    Add(problems, "journal.append_queue_events_max",
        StrCat(journal.append_queue_events_max(), " is too few: one source may fill half, and a ",
               "split batch has up to ", limits::kSplitItemsMax, " events"),
        StrCat("write at least ", limits::kAppendQueueEventsMaxLeast));
  }
  CheckMost(config.convert().json_depth_max(), limits::kJsonDepthMaxHard, "convert.json_depth_max",
            problems);
  CheckMost(config.convert().parsed_bytes_max(), limits::kParsedBytesMax,
            "convert.parsed_bytes_max", problems);
  CheckLeast(config.delivery().has_stream_max_age(), config.delivery().stream_max_age(),
             absl::ZeroDuration(), "delivery.stream_max_age", problems);
  if (config.has_quarantine() && config.quarantine().directory().empty()) {
    Add(problems, "quarantine.directory", "is missing", "write the path of a directory");
  }
  CheckLeast(config.quarantine().has_max_age(), config.quarantine().max_age(), absl::ZeroDuration(),
             "quarantine.max_age", problems);
  CheckLeast(config.has_shutdown_deadline(), config.shutdown_deadline(), absl::ZeroDuration(),
             "shutdown_deadline", problems);
}

// One source may hold half of a budget and one address a quarter, unless told otherwise, and the
// largest body must fit into that.
void CheckBudgets(const Config& config, Problems& problems) {
  const auto or_default = [](uint64_t value, uint64_t otherwise) {
    return value == 0 ? otherwise : value;
  };
  const uint64_t common = or_default(config.ingress().body_bytes_max(), limits::kBodyBytesMax);
  uint64_t largest = 0;
  for (const auto& source : config.sources()) {
    largest = std::max(largest, or_default(source.body_bytes_max(), common));
  }
  const auto check = [&](uint64_t budget, uint64_t least, const std::string& path) {
    if (budget == 0 || budget >= least || largest > limits::kBodyBytesMaxHard) return;
    Add(problems, path,
        StrCat(SizeText(budget), " is too little for bodies of ", SizeText(largest)),
        StrCat("write at least ", SizeText(least), ", or a smaller body_bytes_max"));
  };
  const uint64_t of_address = config.ingress().inflight_body_bytes_per_address_max();
  check(config.ingress().inflight_body_bytes_max(), (of_address == 0 ? 4 : 2) * largest,
        "ingress.inflight_body_bytes_max");
  check(of_address, largest, "ingress.inflight_body_bytes_per_address_max");
  check(config.journal().append_queue_bytes_max(), 2 * largest, "journal.append_queue_bytes_max");
}

}  // namespace

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

void CheckNetwork(const std::string& text, const std::string& path, Problems& problems) {
  if (Network::Parse(text).ok()) return;
  Add(problems, path, StrCat("`", text.substr(0, limits::kNameBytesMax), "` is no network"),
      "write CIDR without bits behind the prefix, for example 192.0.2.0/24, or one address");
}

void CheckMost(uint64_t value, uint64_t most, const std::string& path, Problems& problems) {
  if (value <= most) return;
  const bool is_size = path.find("bytes") != std::string::npos;
  Add(problems, path, StrCat(is_size ? SizeText(value) : StrCat(value), " is too much"),
      StrCat("write at most ", is_size ? SizeText(most) : StrCat(most)));
}

void CheckLeast(bool is_set, const google::protobuf::Duration& value, absl::Duration least,
                const std::string& path, Problems& problems) {
  const absl::Duration duration = ToDuration(value);
  if (!is_set || (duration > absl::ZeroDuration() && duration >= least)) return;
  Add(problems, path, StrCat(absl::FormatDuration(duration), " is too short"),
      least > absl::ZeroDuration() ? StrCat("write at least ", absl::FormatDuration(least))
                                   : "write a duration above 0, or remove it for the default");
}

Problems CheckConfig(const Config& config) {
  Problems problems;
  CheckIngress(config.ingress(), problems);
  CheckGrpc(config.grpc(), problems);
  CheckLimits(config, problems);
  CheckBudgets(config, problems);
  if (config.sources().empty()) {
    Add(problems, "sources", "no source is configured",
        "add one: `sources:` and `- {name: …, preset: …}`");
  }
  std::set<std::string> names;
  for (int i = 0; i < config.sources_size(); ++i) {
    const std::string path = StrCat("sources[", i, "]");
    CheckSource(config.sources(i), path, problems);
    if (!config.sources(i).gate().client_names().empty() &&
        config.ingress().tls().client_ca_file().empty()) {
      Add(problems, path + ".gate.client_names", "no client certificate is asked for",
          "set ingress.tls.client_ca_file");
    }
    if (!names.insert(config.sources(i).name()).second && !config.sources(i).name().empty()) {
      Add(problems, path + ".name", "another source has this name", "give each its own name");
    }
  }
  return problems;
}

}  // namespace hookbridge::internal
