#include "server/verify/internal/content.h"

#include "server/base/strings.h"
#include "server/body/content_coding.h"

#include <algorithm>
#include <string>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;

bool KindReadsContent(config::v1::AlgorithmKind kind) {
  return kind == config::v1::ALGORITHM_KIND_TWILIO ||
         kind == config::v1::ALGORITHM_KIND_ADYEN_PAYMENTS ||
         kind == config::v1::ALGORITHM_KIND_AWS_SNS ||
         kind == config::v1::ALGORITHM_KIND_BRAINTREE ||
         kind == config::v1::ALGORITHM_KIND_MOLLIE_CLASSIC;
}

bool PartReadsContent(const MessagePart& part) {
  return part.has_json_pointer() || part.has_form_field() ||
         (part.has_fields() && part.fields().from() != config::v1::FIELDS_FROM_QUERY);
}

}  // namespace

bool DecidesByContent(const Recipe& recipe) {
  const auto& signature = recipe.signature();
  const auto& timestamp = recipe.timestamp();
  return recipe.signed_body() == config::v1::SIGNED_BODY_INFLATED ||
         KindReadsContent(recipe.algorithms(0).kind()) || !signature.json_pointer().empty() ||
         !signature.form_field().empty() || timestamp.has_json_pointer() ||
         timestamp.has_form_field() ||
         std::any_of(recipe.message().begin(), recipe.message().end(), PartReadsContent);
}

std::optional<Decision> OpenContent(WebhookRequest& request, uint64_t bytes_max,
                                    const Trace& trace) {
  const auto coding = FindContentCoding(request.headers);
  if (!coding) {
    return Refuse(Reason::kContentEncoding, "is not one of gzip, deflate, zstd, br alone");
  }
  if (*coding == ContentCoding::kNone || request.body.empty() || request.inflated) {
    return std::nullopt;
  }
  auto inflated = Inflate(*coding, request.body, bytes_max);
  if (!inflated.ok()) {
    return Refuse(absl::IsResourceExhausted(inflated.status()) ? Reason::kBodyTooLarge
                                                               : Reason::kContentEncoding,
                  std::string(ToStd(inflated.status().message())));
  }
  request.inflated = *std::move(inflated);
  if (trace.on()) {
    trace.Ok("content",
             StrCat(request.body.size(), " bytes inflate to ", request.inflated->size()));
  }
  return std::nullopt;
}

void KeepContentAlone(WebhookRequest& request) {
  if (!request.inflated) return;
  request.body = *std::exchange(request.inflated, std::nullopt);
  std::erase_if(request.headers, [](const HeaderLine& line) {
    return SameHeaderName(line.name, kContentEncodingName);
  });
}

}  // namespace hookbridge
