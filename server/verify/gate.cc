#include "server/verify/gate.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/key_ring.h"

#include <algorithm>
#include <utility>

namespace hookbridge {

absl::StatusOr<Gate> Gate::Create(GateOptions options) {
  Gate gate;
  for (const std::string& text : options.allow_networks) {
    auto network = Network::Parse(text);
    if (!network.ok()) {
      return absl::InvalidArgumentError(
          StrCat("gate.allow_networks: ", ToStd(network.status().message())));
    }
    gate.networks_.push_back(*network);
  }
  if (!options.basic.empty()) {
    if (options.basic.find(':') == std::string::npos) {
      return absl::InvalidArgumentError("gate.basic: write user:password");
    }
    gate.authorization_ = StrCat("Basic ", Base64Encode(options.basic));
  }
  if (options.header_name.empty() != options.header_value.empty()) {
    return absl::InvalidArgumentError("gate.header: needs a name and a value");
  }
  for (const auto& [field, secret] :
       {std::pair<std::string_view, const std::string&>("gate.basic", options.basic),
        {"gate.header.value", options.header_value}}) {
    if (secret.empty()) continue;
    if (absl::Status status = CheckSecretText(field, secret); !status.ok()) return status;
  }
  gate.options_ = std::move(options);
  return gate;
}

std::optional<std::string> Gate::Refusal(const GateInput& input) const {
  if (!networks_.empty() && !AnyContains(networks_, input.remote_address)) {
    return "the address is in none of allow_networks";
  }
  if (!options_.client_names.empty()) {
    const auto allowed = [&](const std::string& name) {
      return std::find(options_.client_names.begin(), options_.client_names.end(), name) !=
             options_.client_names.end();
    };
    if (input.client_names.empty()) return "no client certificate";
    if (std::none_of(input.client_names.begin(), input.client_names.end(), allowed)) {
      return "the client certificate has none of client_names";
    }
  }
  if (!authorization_.empty()) {
    if (auto why = CheckHeader(input.headers, "Authorization", authorization_)) return why;
  }
  if (options_.header_name.empty()) return std::nullopt;
  return CheckHeader(input.headers, options_.header_name, options_.header_value);
}

std::optional<std::string> Gate::CheckHeader(std::span<const HeaderLine> headers,
                                             std::string_view name,
                                             std::string_view expected) const {
  const HeaderLine* found = nullptr;
  for (const HeaderLine& line : headers) {
    if (!SameHeaderName(line.name, name)) continue;
    if (found != nullptr) return StrCat(name, " is there twice");
    found = &line;
  }
  if (found == nullptr) return StrCat("no ", name);
  if (!SecretsEqual(found->value, expected)) return StrCat(name, " does not match");
  return std::nullopt;
}

}  // namespace hookbridge
