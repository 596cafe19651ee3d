#include "server/base/config.h"
#include "server/base/internal/config_rules.h"
#include "server/base/strings.h"

#include <algorithm>

namespace hookbridge {
namespace {

using config::v1::Key;
using config::v1::Secret;
using config::v1::Source;
using Warnings = std::vector<ConfigProblem>;

void CheckSecret(const Secret& secret, std::string path, Warnings& warnings) {
  if (secret.from_case() != Secret::kInline) return;
  warnings.push_back({.path = std::move(path),
                      .message = "the secret stands in the file; that is for development",
                      .fix = "write env:NAME or file:/path"});
}

absl::Time ParseTimeOr(const std::string& text, absl::Time otherwise) {
  absl::Time time;
  return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ? time : otherwise;
}

bool IsValid(const Key& key, absl::Time now) {
  return ParseTimeOr(key.not_before(), absl::InfinitePast()) <= now &&
         now < ParseTimeOr(key.not_after(), absl::InfiniteFuture());
}

void CheckKeys(const Source& source, const std::string& path, absl::Time now, Warnings& warnings) {
  for (int i = 0; i < source.keys_size(); ++i) {
    CheckSecret(source.keys(i).secret(), StrCat(path, ".keys[", i, "].secret"), warnings);
  }
  const auto& keys = source.keys();
  if (keys.empty() ||
      std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return IsValid(key, now); })) {
    return;
  }
  warnings.push_back({.path = path + ".keys",
                      .message = "no key is valid now, so every webhook is refused",
                      .fix = "add one, or look at not_before and not_after"});
}

}  // namespace

std::vector<ConfigProblem> ConfigWarnings(const config::v1::Config& config, absl::Time now) {
  Warnings warnings;
  const auto& ingress = config.ingress();
  const auto listen = ParseHostPort(ingress.listen());
  // A trusted proxy is one that ends TLS.
  if (listen.ok() && !internal::IsLoopback(listen->host) && !ingress.has_tls() &&
      ingress.trusted_proxies().empty()) {
    warnings.push_back({.path = "ingress.listen",
                        .message = "takes webhooks from the network without TLS, so that whoever "
                                   "is between can read and replay them",
                        .fix = "set ingress.tls; or let a proxy end TLS, and name it in "
                               "ingress.trusted_proxies"});
  }
  for (int i = 0; i < config.sources_size(); ++i) {
    const Source& source = config.sources(i);
    const std::string path = StrCat("sources[", i, "]");
    CheckKeys(source, path, now, warnings);
    CheckSecret(source.url_token(), path + ".url_token", warnings);
    CheckSecret(source.handshake_token(), path + ".handshake_token", warnings);
    CheckSecret(source.gate().basic(), path + ".gate.basic", warnings);
    CheckSecret(source.gate().header().value(), path + ".gate.header.value", warnings);
  }
  return warnings;
}

}  // namespace hookbridge
