#pragma once

#include <cstddef>
#include <string_view>

namespace hookbridge {

// Why a request was refused: a closed set, the same word as metric label, log field and admin
// value. The sender sees only a status code. docs/operations.md explains each.
enum class Reason {
  // Ingress.
  kUnknownSource,
  kMethodNotAllowed,
  kMalformedHttp,
  kHeaderTooLarge,
  kTargetTooLong,
  kBodyTooLarge,
  kContentEncoding,
  kTimeout,
  kConnectionLimit,
  // Verify.
  kCredentialMissing,
  kCredentialMalformed,
  kCredentialMismatch,
  kSignatureMissing,
  kSignatureMalformed,
  kSignatureMismatch,
  kDuplicateHeader,
  kSignedHeaderMissing,
  kTimestampMissing,
  kTimestampMalformed,
  kTimestampStale,
  kTimestampFuture,
  kNoActiveKey,
  kUnknownKeyId,
  kGateRefused,
  kUrlNotAllowed,
  kCertificateUnavailable,
  kCertificateUntrusted,
  kTopicNotAllowed,
  kConfirmationFailed,
  kClaimMismatch,
  kKeySetUnavailable,
  kKeyNotAwaited,
  kResourceUnavailable,
  kResourceUnknown,
  kChallengeRefused,
  // Convert.
  kMalformedBody,
  // Journal and life cycle.
  kOverload,
  kJournalUnavailable,
  kDraining,
  kInternal,
};

inline constexpr size_t kReasonCount = static_cast<size_t>(Reason::kInternal) + 1;

// snake_case word, for example `signature_mismatch`.
std::string_view ReasonName(Reason reason);

}  // namespace hookbridge
