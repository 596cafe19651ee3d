#include "server/verify/internal/mollie_classic.h"

#include "server/base/form_scan.h"
#include "server/base/json_pointer.h"
#include "server/base/strings.h"
#include "server/verify/internal/body_values.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kHost = "api.mollie.com";
constexpr std::string_view kPath = "/v2/payments/";
constexpr std::string_view kIdPrefix = "tr_";
constexpr size_t kIdBytesMax = 64;

bool IsPaymentId(std::string_view id) {
  if (!id.starts_with(kIdPrefix) || id.size() > kIdBytesMax) return false;
  id.remove_prefix(kIdPrefix.size());
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// The one field `id`; nullopt for another form.
std::optional<std::string> ReadId(std::string_view body) {
  FormScanner form(body, /*fields_max=*/1);
  std::optional<std::string> id;
  while (form.Next()) {
    if (form.name() == "id") id = form.value();
  }
  return form.status().ok() ? id : std::nullopt;
}

const RingKey* FirstActive(const std::vector<RingKey>& keys, absl::Time now) {
  const auto it = std::find_if(keys.begin(), keys.end(),
                               [now](const RingKey& key) { return key.ActiveAt(now); });
  return it == keys.end() ? nullptr : &*it;
}

}  // namespace

Decision DecideMollieClassic(const WebhookRequest& request, const std::vector<RingKey>& keys,
                             absl::Time now, const Trace& trace) {
  const auto id = ReadId(request.content());
  if (!id) return Refuse(Reason::kCredentialMissing, "the body is no form with `id` alone");
  if (!IsPaymentId(*id)) return Refuse(Reason::kCredentialMalformed, "id is no payment's");
  const RingKey* const key = FirstActive(keys, now);
  if (key == nullptr) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  if (trace.on()) trace.Ok("id", StrCat(*id, " has a payment's form; nothing is signed"));
  Decision decision =
      Refuse(Reason::kResourceUnavailable, StrCat("the payment ", *id, " is not at hand"));
  decision.need = FetchNeed{.purpose = FetchPurpose::kResource,
                            .url = StrCat("https://", kHost, kPath, *id),
                            .host = std::string(kHost),
                            .bearer = std::get<std::string>(key->material)};
  return decision;
}

Decision JudgeMollieAnswer(const WebhookRequest& request, const std::vector<RingKey>& keys,
                           const FetchAnswer& answer, absl::Time now) {
  const auto id = ReadId(request.content());
  const RingKey* const key = FirstActive(keys, now);
  if (!id || key == nullptr) return Refuse(Reason::kInternal, "the request has changed");
  if (!answer.error.empty()) return Refuse(Reason::kResourceUnavailable, answer.error);
  if (answer.status == 404 || answer.status == 410) {
    return Refuse(Reason::kResourceUnknown, StrCat("Mollie knows no payment ", *id));
  }
  if (!answer.Is2xx()) {
    const bool key_refused = answer.status == 401 || answer.status == 403;
    return Refuse(Reason::kResourceUnavailable, StrCat("Mollie answered ", answer.status,
                                                       key_refused ? ": is the key right?" : ""));
  }
  WebhookRequest fetched;
  fetched.body = answer.body;
  BodyValues values(fetched);
  if (values.Find(*JsonPointer::Parse("/resource")) != "payment" ||
      values.Find(*JsonPointer::Parse("/id")) != *id) {
    return Refuse(Reason::kResourceUnavailable, StrCat("Mollie's answer is not payment ", *id));
  }
  return {.refused = {}, .detail = {}, .key_id = key->id, .signed_time = {}};
}

WebhookRequest WithJsonBody(const WebhookRequest& request, std::string body) {
  constexpr std::string_view kName = "Content-Type";
  constexpr std::string_view kValue = "application/json";
  WebhookRequest made;
  made.method = request.method;
  made.path = request.path;
  made.query = request.query;
  made.source = request.source;
  made.token = request.token;
  made.receive_time = request.receive_time;
  made.remote_address = request.remote_address;
  made.request_id = request.request_id;
  made.body = std::move(body);
  std::vector<HeaderLine> lines;
  for (const HeaderLine& line : request.headers) {
    const bool of_body = SameHeaderName(line.name, kName) ||
                         SameHeaderName(line.name, "Content-Length") ||
                         SameHeaderName(line.name, "Content-Encoding") ||
                         SameHeaderName(line.name, "Transfer-Encoding");
    if (!of_body) lines.push_back(line);
  }
  lines.push_back({.name = kName, .value = kValue});
  for (const HeaderLine& line : lines) {
    made.header_block.insert(made.header_block.end(), line.name.begin(), line.name.end());
    made.header_block.insert(made.header_block.end(), line.value.begin(), line.value.end());
  }
  const char* at = made.header_block.data();
  for (const HeaderLine& line : lines) {
    made.headers.push_back(
        {.name = {at, line.name.size()}, .value = {at + line.name.size(), line.value.size()}});
    at += line.name.size() + line.value.size();
  }
  return made;
}

}  // namespace hookbridge
