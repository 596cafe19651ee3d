#include "server/verify/internal/twilio.h"

#include "server/base/encoding.h"
#include "server/base/form_scan.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/recipe_check.h"

#include "absl/strings/str_replace.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace hookbridge {
namespace {

constexpr std::string_view kBodyHash = "bodySHA256=";

// The value of bodySHA256 in the query; nullopt when there is none.
std::optional<std::string_view> BodyHashIn(std::string_view query) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with(kBodyHash)) return pair.substr(kBodyHash.size());
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

// nullopt for a body that is not a form.
std::optional<std::string> SortedParameters(std::string_view body) {
  std::map<std::string, std::set<std::string>> parameters;
  FormScanner form(body);
  while (form.Next()) parameters[form.name()].insert(form.value());
  if (!form.status().ok()) return std::nullopt;
  std::string text;
  for (const auto& [name, values] : parameters) {
    for (const std::string& value : values) StrAppend(&text, name, value);
  }
  return text;
}

}  // namespace

std::vector<std::string> TwilioUrls(const std::string& url) {
  std::vector<std::string> urls{url};
  const size_t host = url.find("://");
  if (host == std::string::npos) return urls;
  const size_t path = std::min(url.find_first_of("/?", host + 3), url.size());
  const size_t at = url.rfind('@', path);
  const size_t from = at == std::string::npos || at < host ? host + 3 : at + 1;
  const size_t colon = url.find(':', from);
  if (colon < path) {
    urls.push_back(url.substr(0, colon) + url.substr(path));
  } else {
    const char* const port = url.starts_with("https") ? ":443" : ":80";
    urls.push_back(url.substr(0, path) + port + url.substr(path));
  }
  for (size_t i = 0, given = urls.size(); i < given; ++i) {
    const size_t query = urls[i].find('?');
    if (query == std::string::npos || urls[i].find('\'', query) == std::string::npos) continue;
    urls.push_back(urls[i].substr(0, query) +
                   absl::StrReplaceAll(urls[i].substr(query), {{"'", "%27"}}));
  }
  return urls;
}

FoundHeader FindTwilioSignature(const config::v1::Recipe& recipe, const WebhookRequest& request) {
  for (const std::string& name : recipe.signature().headers()) {
    if (const FoundHeader found = FindRecipeHeader(request, name); found.line != nullptr) {
      return found;
    }
  }
  if (!recipe.signature().headers().empty()) return {};
  return FindRecipeHeader(request, kTwilioHeader);
}

Decision DecideTwilio(const FoundHeader& found, const WebhookRequest& request,
                      const std::string& public_url, const std::vector<RingKey>& keys,
                      absl::Time now, const Trace& trace) {
  if (found.line == nullptr) return Refuse(Reason::kSignatureMissing, "no signature header");
  const std::string_view name = found.line->name;
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
  const auto signature = Base64Decode(found.line->value);
  if (!signature) return Refuse(Reason::kSignatureMalformed, StrCat(name, " is not base64"));

  std::string parameters;
  if (const auto hash = BodyHashIn(request.query)) {
    const std::string actual =
        HexEncode(Hash(config::v1::HASH_FUNCTION_SHA256, request.content()).bytes());
    if (!SecretsEqual(*hash, actual)) {
      return Refuse(Reason::kSignatureMismatch,
                    "the body's SHA-256 is not bodySHA256 of the query");
    }
    if (trace.on()) trace.Ok("body", "its SHA-256 is in the signed query");
  } else if (request.method != "GET") {  // whose parameters are in the URL
    auto sorted = SortedParameters(request.content());
    if (!sorted) return Refuse(Reason::kSignatureMismatch, "the body is not a form");
    parameters = *std::move(sorted);
  }

  const std::string url = SignedUrl(public_url, request.query);
  bool active = false;
  for (const RingKey& key : keys) {
    if (!key.ActiveAt(now)) continue;
    active = true;
    bool matched = false;
    for (const std::string& candidate : TwilioUrls(url)) {
      const std::string_view parts[] = {candidate, parameters};
      matched |= SecretsEqual(*signature, std::get<HmacKey>(key.material).Sign(parts).bytes());
    }
    if (matched) return {.refused = {}, .detail = {}, .key_id = key.id, .signed_time = {}};
  }
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  return Refuse(Reason::kSignatureMismatch, "no key matches the URL and parameters");
}

}  // namespace hookbridge
