#include "server/next_step.h"

#include "server/pipeline.h"

#include <string_view>
#include <utility>

namespace hookbridge {
namespace {

// Why a webhook has no parsed form; of a split batch the first reason.
std::string_view ConversionError(const ConvertedWebhook& converted) {
  for (const ConvertedEvent& event : converted.events) {
    if (!event.conversion_error.empty()) return event.conversion_error;
  }
  return "";
}

}  // namespace

NextStep DecideNextStep(Verdict verdict, const Verifier& verifier, const SourceRuntime& source,
                        absl::Time now) {
  if (auto* const rejection = std::get_if<Rejection>(&verdict)) return std::move(*rejection);
  if (auto* const needed = std::get_if<NeedsFetch>(&verdict)) return std::move(*needed);
  auto& webhook = std::get<VerifiedWebhook>(verdict);
  if (auto need = verifier.Confirmation(webhook)) {
    return ConfirmSubscription{.webhook = std::move(webhook), .need = *std::move(need)};
  }
  if (auto answer = verifier.AnswerHandshake(webhook, now)) {
    return AnswerCheck{.webhook = std::move(webhook), .answer = *std::move(answer)};
  }
  ConvertedWebhook converted = source.converter->Convert(webhook);
  const std::string_view error = ConversionError(converted);
  if (!error.empty() && source.config.on_malformed() == config::v1::ON_MALFORMED_REFUSE) {
    std::string detail(error);
    return RefuseMalformed{.webhook = std::move(webhook), .detail = std::move(detail)};
  }
  return StoreEvents{.webhook = std::move(webhook), .converted = std::move(converted)};
}

}  // namespace hookbridge
