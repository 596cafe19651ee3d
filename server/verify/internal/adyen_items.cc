#include "server/verify/internal/adyen_items.h"

#include "server/base/encoding.h"
#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/constant_time.h"

#include <array>
#include <optional>
#include <string>

namespace hookbridge {
namespace {

constexpr std::array<std::string_view, 8> kSignedFields = {
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference",
    "amount/value", "amount/currency",   "eventCode",           "success"};

struct Item {
  std::string message;
  std::string signature;
};

std::optional<std::string_view> Field(BodyValues& values, size_t index, std::string_view name) {
  const auto pointer =
      JsonPointer::Parse(StrCat("/notificationItems/", index, "/NotificationRequestItem/", name));
  return pointer.ok() ? values.Find(*pointer) : std::nullopt;
}

// nullopt: there is no such item.
std::optional<Item> ReadItem(BodyValues& values, size_t index) {
  const auto signature = Field(values, index, "additionalData/hmacSignature");
  if (!signature) return std::nullopt;
  Item item{.message = {}, .signature = std::string(*signature)};
  for (size_t i = 0; i < kSignedFields.size(); ++i) {
    if (i > 0) item.message.push_back(':');
    StrAppend(&item.message, Field(values, index, kSignedFields[i]).value_or(""));
  }
  return item;
}

bool AllMatch(const HmacKey& key, const std::vector<Item>& items) {
  bool all = true;
  for (const Item& item : items) {
    const auto given = Base64Decode(item.signature);
    const std::string_view parts[] = {item.message};
    all &= given && SecretsEqual(*given, key.Sign(parts).bytes());
  }
  return all;
}

}  // namespace

Decision DecideAdyenItems(const WebhookRequest& request, const std::vector<RingKey>& keys,
                          absl::Time now, const Trace& trace) {
  BodyValues values(request);
  // An item without a signature must not ride along with one that has it.
  const size_t count = values.CountElements("/notificationItems");
  if (count > limits::kSplitItemsMax) {
    return Refuse(Reason::kSignatureMalformed, "too many notificationItems");
  }
  std::vector<Item> items;
  for (size_t i = 0; i < count; ++i) {
    auto item = ReadItem(values, i);
    if (!item)
      return Refuse(Reason::kSignatureMissing, StrCat("item ", i, " has no hmacSignature"));
    items.push_back(*std::move(item));
  }
  if (items.empty()) return Refuse(Reason::kSignatureMissing, "no notificationItems in the body");
  if (trace.on()) trace.Ok("signature", StrCat(items.size(), " items, each with its own"));
  bool active = false;
  for (const RingKey& key : keys) {
    if (!key.ActiveAt(now)) continue;
    active = true;
    if (AllMatch(std::get<HmacKey>(key.material), items)) {
      return {.refused = {}, .detail = {}, .key_id = key.id, .signed_time = {}};
    }
  }
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  return Refuse(Reason::kSignatureMismatch, "no key matches every item's fields");
}

}  // namespace hookbridge
