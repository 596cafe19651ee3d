#include "server/base/reason.h"

#include <array>

namespace hookbridge {
namespace {

constexpr std::array<std::string_view, kReasonCount> kNames = {
    "unknown_source",
    "method_not_allowed",
    "malformed_http",
    "header_too_large",
    "target_too_long",
    "body_too_large",
    "content_encoding",
    "timeout",
    "connection_limit",
    "credential_missing",
    "credential_malformed",
    "credential_mismatch",
    "signature_missing",
    "signature_malformed",
    "signature_mismatch",
    "duplicate_header",
    "signed_header_missing",
    "timestamp_missing",
    "timestamp_malformed",
    "timestamp_stale",
    "timestamp_future",
    "no_active_key",
    "unknown_key_id",
    "gate_refused",
    "url_not_allowed",
    "certificate_unavailable",
    "certificate_untrusted",
    "topic_not_allowed",
    "confirmation_failed",
    "claim_mismatch",
    "key_set_unavailable",
    "key_not_awaited",
    "resource_unavailable",
    "resource_unknown",
    "challenge_refused",
    "malformed_body",
    "overload",
    "journal_unavailable",
    "draining",
    "internal",
};

}  // namespace

std::string_view ReasonName(Reason reason) { return kNames[static_cast<size_t>(reason)]; }

}  // namespace hookbridge
