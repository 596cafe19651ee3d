#include "server/verify/internal/signature_check.h"

#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/replay.h"

#include <utility>

namespace hookbridge {
namespace {

using config::v1::Recipe;
using config::v1::TimestampRule;

// What stands for the signed bytes of a replay: the MAC, which there is one of; of a public-key
// signature, of which others can make more (ECDSA), the bytes themselves.
SignedHash HashFor(const RingKey& key, std::string_view signature,
                   std::span<const std::string_view> message) {
  if (std::holds_alternative<PublicKey>(key.material)) return HashSigned(message);
  return HashSigned({&signature, 1});
}

std::optional<Decision> TakeTime(const FoundField& found, const std::string& where,
                                 std::string_view& text) {
  if (found.field == nullptr) return Refuse(Reason::kTimestampMissing, StrCat("no ", where));
  if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(where, " is there twice"));
  text = found.field->value;
  return std::nullopt;
}

// Whether the label is one of those with `|` between them.
bool IsLabelOf(std::string_view labels, std::string_view label) {
  while (true) {
    const size_t end = labels.find('|');
    if (labels.substr(0, end) == label) return true;
    if (end == std::string_view::npos) return false;
    labels.remove_prefix(end + 1);
  }
}

}  // namespace

absl::StatusOr<SignatureCheck> SignatureCheck::Create(const Recipe& recipe, std::string public_url,
                                                      ConfigValues values) {
  SignatureCheck made;
  made.recipe_ = recipe;
  made.remembers_signed_ = RemembersSigned(recipe);
  made.window_ = TimeWindow(recipe.timestamp());
  auto places = SignaturePlaces::Create(recipe);
  if (!places.ok()) return places.status();
  made.places_ = *std::move(places);
  if (recipe.timestamp().has_json_pointer()) {
    auto pointer = JsonPointer::Parse(recipe.timestamp().json_pointer());
    if (!pointer.ok()) return pointer.status();
    made.time_pointer_ = *std::move(pointer);
  }
  auto message = MessageRule::Create(recipe, std::move(public_url), std::move(values));
  if (!message.ok()) return message.status();
  made.message_ = *std::move(message);
  return made;
}

Decision SignatureCheck::Decide(const WebhookRequest& request, const std::vector<RingKey>& keys,
                                absl::Time now, const Trace& trace) const {
  RequestReader reader(request, recipe_);
  std::vector<SignatureGroup> groups;
  if (auto refused = CheckRequired(request)) return *std::move(refused);
  if (auto refused = places_.Collect(reader, groups)) return *std::move(refused);
  std::optional<Decision> first;
  for (const SignatureGroup& group : groups) {
    Decision decision = DecideGroup(reader, group, keys, now, trace);
    if (!decision.refused) return decision;
    if (!first) first = std::move(decision);
  }
  return *std::move(first);
}

Decision SignatureCheck::DecideGroup(RequestReader& reader, const SignatureGroup& group,
                                     const std::vector<RingKey>& keys, absl::Time now,
                                     const Trace& trace) const {
  if (trace.on()) trace.Ok("signature", StrCat(group.entries.size(), " entries"));
  std::string_view timestamp;
  absl::Time time = absl::InfinitePast();
  if (recipe_.has_timestamp()) {
    if (auto refused = FindTime(reader, group, timestamp)) return *std::move(refused);
    if (auto refused = window_.Check(timestamp, now, time)) return *std::move(refused);
    if (trace.on()) trace.Ok("timestamp", StrCat(timestamp, " is within the window"));
  }

  SignedMessage message;
  if (auto refused = message_.Build(reader, timestamp, message)) return *std::move(refused);
  if (trace.on()) {
    size_t bytes = 0;
    for (const std::string_view part : message.parts) bytes += part.size();
    trace.Ok("signed message", StrCat(message.parts.size(), " parts, ", bytes, " bytes, body ",
                                      reader.request.body.size()));
  }
  Decision decision = Match(reader.request, group.entries, message, keys, now);
  if (!decision.refused && recipe_.has_timestamp()) decision.signed_time = time;
  return decision;
}

std::optional<Decision> SignatureCheck::CheckRequired(const WebhookRequest& request) const {
  for (const auto& [name, value] : recipe_.required_headers()) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", name));
    if (found.repeated) return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    if (found.line->value != value) {
      return Refuse(Reason::kSignatureMalformed, StrCat(name, " is not ", value));
    }
  }
  return std::nullopt;
}

std::optional<Decision> SignatureCheck::FindTime(RequestReader& reader, const SignatureGroup& group,
                                                 std::string_view& text) const {
  const auto& rule = recipe_.timestamp();
  switch (rule.from_case()) {
    case TimestampRule::kJsonPointer: {
      const auto value = reader.values.Find(*time_pointer_);
      if (!value) {
        return Refuse(Reason::kTimestampMissing,
                      StrCat("no ", rule.json_pointer(), " in the body"));
      }
      text = *value;
      return std::nullopt;
    }
    case TimestampRule::kHeader: {
      const FoundHeader found = FindRecipeHeader(reader.request, rule.header());
      if (found.line == nullptr) {
        return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.header()));
      }
      if (found.repeated) {
        return Refuse(Reason::kDuplicateHeader, StrCat(rule.header(), " is there twice"));
      }
      text = found.line->value;
      return std::nullopt;
    }
    case TimestampRule::kFormField:
      return TakeTime(reader.fields.FindInForm(rule.form_field()),
                      StrCat("form field ", rule.form_field()), text);
    case TimestampRule::kQuery:
      return TakeTime(reader.fields.FindInQuery(rule.query()),
                      StrCat("query parameter ", rule.query()), text);
    default:
      if (!group.time) {
        return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.label(), "= entry"));
      }
      text = *group.time;
      return std::nullopt;
  }
}

Decision SignatureCheck::Match(const WebhookRequest& request,
                               const std::vector<SignatureEntry>& entries, SignedMessage& message,
                               const std::vector<RingKey>& keys, absl::Time now) const {
  std::vector<std::vector<std::string>> candidates(static_cast<size_t>(recipe_.algorithms_size()));
  bool decoded = false;
  bool labelled = false;
  for (const SignatureEntry& entry : entries) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto& algorithm = recipe_.algorithms(static_cast<int>(i));
      if (!entry.label.empty() && !IsLabelOf(algorithm.label(), entry.label)) continue;
      labelled = true;
      auto bytes = DecodeSignature(recipe_.signature().encoding(), entry.text);
      if (!bytes) continue;
      decoded = true;
      candidates[i].push_back(*std::move(bytes));
    }
  }
  if (!labelled) return Refuse(Reason::kSignatureMissing, "no entry with a label of the recipe");
  if (!decoded) return Refuse(Reason::kSignatureMalformed, "no signature can be decoded");

  std::optional<std::string_view> key_id;
  if (!recipe_.key_id_header().empty()) {
    const FoundHeader found = FindRecipeHeader(request, recipe_.key_id_header());
    if (found.line == nullptr || found.repeated) {
      return Refuse(found.repeated ? Reason::kDuplicateHeader : Reason::kSignedHeaderMissing,
                    recipe_.key_id_header());
    }
    key_id = found.line->value;
  }
  bool known = false;
  bool active = false;
  for (const RingKey& key : keys) {
    if (key_id && *key_id != key.id) continue;
    known = true;
    if (!key.ActiveAt(now)) continue;
    active = true;
    if (const std::string* const matching = Matching(key, candidates[key.algorithm], message)) {
      Decision verified{.refused = {}, .detail = {}, .key_id = key.id, .signed_time = {}};
      if (remembers_signed_) verified.signed_hash = HashFor(key, *matching, message.parts);
      return verified;
    }
  }
  if (!known) return Refuse(Reason::kUnknownKeyId, "no key has the id that the request names");
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  return Refuse(Reason::kSignatureMismatch, "no signature matches a key over these bytes");
}

const std::string* SignatureCheck::Matching(const RingKey& key,
                                            const std::vector<std::string>& candidates,
                                            SignedMessage& message) const {
  if (candidates.empty()) return nullptr;
  const std::string* matching = nullptr;
  if (const auto* const public_key = std::get_if<PublicKey>(&key.material)) {
    for (const std::string& candidate : candidates) {
      if (public_key->Verify(message.parts, candidate)) matching = &candidate;
    }
    return matching;
  }
  const Digest expected = Expected(key, message);
  for (const std::string& candidate : candidates) {
    if (SecretsEqual(candidate, expected.bytes())) matching = &candidate;
  }
  return matching;
}

Digest SignatureCheck::Expected(const RingKey& key, SignedMessage& message) const {
  if (const auto* const hmac = std::get_if<HmacKey>(&key.material)) {
    return hmac->Sign(message.parts);
  }
  for (const size_t at : message.secrets) message.parts[at] = std::get<std::string>(key.material);
  std::string joined;
  for (const std::string_view part : message.parts) joined.append(part);
  return Hash(recipe_.algorithms(static_cast<int>(key.algorithm)).hash(), joined);
}

}  // namespace hookbridge
