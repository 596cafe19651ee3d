#include "server/verify/internal/signature_check.h"

#include "server/base/crc32.h"
#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/replay.h"

#include <utility>

namespace hookbridge {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;

// Undoes the percent-encoding of these characters alone.
std::string DecodeListed(std::string_view url) {
  constexpr std::string_view kListed = ":/?@!$'()*,;";
  std::string decoded;
  for (size_t i = 0; i < url.size(); ++i) {
    const auto byte = url[i] == '%' ? HexDecode(url.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1 && kListed.find(byte->front()) != std::string_view::npos) {
      decoded += *byte;
      i += 2;
    } else {
      decoded.push_back(url[i]);
    }
  }
  return decoded;
}

absl::Status MakePointer(const std::string& text, std::optional<JsonPointer>& pointer) {
  auto made = JsonPointer::Parse(text);
  if (!made.ok()) return made.status();
  pointer = *std::move(made);
  return absl::OkStatus();
}

// What stands for the signed bytes of a replay: the MAC, which there is one of; of a public-key
// signature, of which others can make more (ECDSA), the bytes themselves.
SignedHash HashFor(const RingKey& key, std::string_view signature,
                   std::span<const std::string_view> message) {
  if (std::holds_alternative<PublicKey>(key.material)) return HashSigned(message);
  return HashSigned({&signature, 1});
}

}  // namespace

absl::StatusOr<SignatureCheck> SignatureCheck::Create(const Recipe& recipe, std::string public_url,
                                                      ConfigValues values) {
  SignatureCheck made;
  made.recipe_ = recipe;
  made.public_url_ = std::move(public_url);
  made.remembers_signed_ = RemembersSigned(recipe);
  made.values_ = std::move(values);
  const auto& timestamp = recipe.timestamp();
  made.window_ = TimeWindow(timestamp);
  if (const std::string& text = recipe.signature().json_pointer(); !text.empty()) {
    if (absl::Status status = MakePointer(text, made.signature_pointer_); !status.ok()) {
      return status;
    }
  }
  if (timestamp.has_json_pointer()) {
    absl::Status status = MakePointer(timestamp.json_pointer(), made.time_pointer_);
    if (!status.ok()) return status;
  }
  for (const MessagePart& part : recipe.message()) {
    if (part.has_config() && !made.values_.contains(part.config())) {
      return absl::InvalidArgumentError(
          StrCat("values.", part.config(), ": is missing; the provider signs it"));
    }
    if (!part.has_json_pointer()) continue;
    auto pointer = JsonPointer::Parse(part.json_pointer());
    if (!pointer.ok()) return pointer.status();
    made.part_pointers_.push_back(*std::move(pointer));
  }
  return made;
}

Decision SignatureCheck::Decide(const WebhookRequest& request, const std::vector<RingKey>& keys,
                                absl::Time now, const Trace& trace) const {
  BodyValues values(request);
  Entries entries;
  if (auto refused = CheckRequired(request)) return *std::move(refused);
  if (auto refused = Collect(request, values, entries)) return *std::move(refused);
  if (trace.on()) trace.Ok("signature", StrCat(entries.size(), " entries"));

  std::string_view timestamp;
  absl::Time time = absl::InfinitePast();
  if (recipe_.has_timestamp()) {
    if (auto refused = FindTime(request, values, entries, timestamp)) return *std::move(refused);
    if (auto refused = window_.Check(timestamp, now, time)) return *std::move(refused);
    if (trace.on()) trace.Ok("timestamp", StrCat(timestamp, " is within the window"));
  }

  Message message;
  if (auto refused = Build(request, values, timestamp, message)) return *std::move(refused);
  if (trace.on()) {
    size_t bytes = 0;
    for (const std::string_view part : message.parts) bytes += part.size();
    trace.Ok("signed message",
             StrCat(message.parts.size(), " parts, ", bytes, " bytes, body ", request.body.size()));
  }
  Decision decision = Match(request, entries, message, keys, now);
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

std::optional<Decision> SignatureCheck::Parse(std::string_view where, std::string_view value,
                                              Entries& entries) const {
  const auto parsed = ParseSignatures(recipe_.signature(), value);
  if (!parsed || entries.size() + parsed->size() > limits::kSignaturesMax) {
    return Refuse(Reason::kSignatureMalformed, StrCat(where, " does not have the recipe's syntax"));
  }
  entries.insert(entries.end(), parsed->begin(), parsed->end());
  return std::nullopt;
}

std::optional<Decision> SignatureCheck::Collect(const WebhookRequest& request, BodyValues& values,
                                                Entries& entries) const {
  const auto& location = recipe_.signature();
  if (signature_pointer_) {
    const auto value = values.Find(*signature_pointer_);
    if (value) return Parse(location.json_pointer(), *value, entries);
    return Refuse(Reason::kSignatureMissing,
                  StrCat("no ", location.json_pointer(), " in the body"));
  }
  for (const std::string& name : location.headers()) {
    const FoundHeader found = FindRecipeHeader(request, name);
    if (found.line == nullptr) continue;
    if (found.repeated && !location.allow_repeated_lines()) {
      return Refuse(Reason::kDuplicateHeader, StrCat(name, " is there twice"));
    }
    for (const HeaderLine& line : request.headers) {
      if (!SameHeaderName(line.name, found.line->name)) continue;
      if (auto refused = Parse(name, line.value, entries)) return refused;
    }
    return std::nullopt;
  }
  return Refuse(Reason::kSignatureMissing, StrCat("no ", StrJoin(location.headers(), " nor ")));
}

std::optional<Decision> SignatureCheck::FindTime(const WebhookRequest& request, BodyValues& values,
                                                 const Entries& entries,
                                                 std::string_view& text) const {
  const auto& rule = recipe_.timestamp();
  if (rule.has_json_pointer()) {
    const auto value = values.Find(*time_pointer_);
    if (!value) {
      return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.json_pointer(), " in the body"));
    }
    text = *value;
    return std::nullopt;
  }
  if (rule.has_header()) {
    const FoundHeader found = FindRecipeHeader(request, rule.header());
    if (found.line == nullptr) {
      return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.header()));
    }
    if (found.repeated) {
      return Refuse(Reason::kDuplicateHeader, StrCat(rule.header(), " is there twice"));
    }
    text = found.line->value;
    return std::nullopt;
  }
  size_t count = 0;
  for (const SignatureEntry& entry : entries) {
    if (entry.label != rule.label()) continue;
    text = entry.text;
    ++count;
  }
  if (count == 1) return std::nullopt;
  if (count == 0) {
    return Refuse(Reason::kTimestampMissing, StrCat("no ", rule.label(), "= entry"));
  }
  return Refuse(Reason::kSignatureMalformed, StrCat("several ", rule.label(), "= entries"));
}

std::optional<Decision> SignatureCheck::Build(const WebhookRequest& request, BodyValues& values,
                                              std::string_view timestamp, Message& message) const {
  const auto make_url = [&] { message.url = SignedUrl(public_url_, request.query); };
  size_t pointers = 0;
  std::vector<std::string_view>& parts = message.parts;
  parts.reserve(static_cast<size_t>(recipe_.message_size()));
  for (const MessagePart& part : recipe_.message()) {
    switch (part.part_case()) {
      case MessagePart::kLiteral:
        parts.push_back(part.literal());
        break;
      case MessagePart::kBody:
        parts.push_back(request.body);
        break;
      case MessagePart::kTimestamp:
        parts.push_back(timestamp);
        break;
      case MessagePart::kMethod:
        parts.push_back(request.method);
        break;
      case MessagePart::kUrl:
        make_url();
        parts.push_back(message.url);
        break;
      case MessagePart::kUrlDecoded:
        make_url();
        message.url_decoded = DecodeListed(message.url);
        parts.push_back(message.url_decoded);
        break;
      case MessagePart::kSecret:
        message.secrets.push_back(parts.size());
        parts.emplace_back();
        break;
      case MessagePart::kConfig:
        parts.push_back(values_.find(part.config())->second);
        break;
      case MessagePart::kBodyCrc32:
        message.body_crc32 = StrCat(Crc32(request.body));
        parts.push_back(message.body_crc32);
        break;
      case MessagePart::kJsonPointer: {
        const auto value = values.Find(part_pointers_[pointers++]);
        if (!value) {
          return Refuse(Reason::kSignedHeaderMissing,
                        StrCat("no ", part.json_pointer(), " in the body"));
        }
        parts.push_back(*value);
        break;
      }
      case MessagePart::kHeader: {
        const FoundHeader found = FindRecipeHeader(request, part.header());
        if (found.line == nullptr) {
          return Refuse(Reason::kSignedHeaderMissing, StrCat("no ", part.header()));
        }
        if (found.repeated) {
          return Refuse(Reason::kDuplicateHeader, StrCat(part.header(), " is there twice"));
        }
        parts.push_back(found.line->value);
        break;
      }
      case MessagePart::kFormField:
      case MessagePart::kQuery:
      case MessagePart::kFields:
      case MessagePart::PART_NOT_SET:
        break;
    }
  }
  return std::nullopt;
}

Decision SignatureCheck::Match(const WebhookRequest& request, const Entries& entries,
                               Message& message, const std::vector<RingKey>& keys,
                               absl::Time now) const {
  std::vector<std::vector<std::string>> candidates(static_cast<size_t>(recipe_.algorithms_size()));
  bool decoded = false;
  bool labelled = false;
  for (const SignatureEntry& entry : entries) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto& algorithm = recipe_.algorithms(static_cast<int>(i));
      if (!entry.label.empty() && entry.label != algorithm.label()) continue;
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
                                            Message& message) const {
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

Digest SignatureCheck::Expected(const RingKey& key, Message& message) const {
  if (const auto* const hmac = std::get_if<HmacKey>(&key.material)) {
    return hmac->Sign(message.parts);
  }
  for (const size_t at : message.secrets) message.parts[at] = std::get<std::string>(key.material);
  std::string joined;
  for (const std::string_view part : message.parts) joined.append(part);
  return Hash(recipe_.algorithms(static_cast<int>(key.algorithm)).hash(), joined);
}

}  // namespace hookbridge
