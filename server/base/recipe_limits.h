#pragma once

#include "absl/time/time.h"

#include <cstddef>
#include <cstdint>

// Limits of what recipes read and ask for. Included by limits.h.
namespace hookbridge::limits {

// Verify.
inline constexpr size_t kSignaturesMax = 16;
// Groups of signatures, each with a time of its own.
inline constexpr size_t kSignatureGroupsMax = 4;
inline constexpr size_t kKeysMax = 16;
inline constexpr size_t kUrlTokenBytesMax = 512;
inline constexpr size_t kSecretBytesMax = 64 << 10;

// JSON Web Tokens, and the keys of their issuers: how many of a source, for how long, how often one
// that is missing is asked for, how long a set that cannot be fetched again is still good.
inline constexpr size_t kJwtBytesMax = 16 << 10;
inline constexpr size_t kJwtAudiencesMax = 16;
inline constexpr absl::Duration kJwtMaxAge = absl::Minutes(5);
inline constexpr absl::Duration kJwtLeeway = absl::Minutes(1);
inline constexpr size_t kKeySetKeysMax = 64;
inline constexpr absl::Duration kKeySetMaxAge = absl::Hours(1);
inline constexpr absl::Duration kKeySetRefetchInterval = absl::Minutes(1);
inline constexpr size_t kJwtKeyIdBytesMax = 256;
inline constexpr size_t kKeySetsMax = 16;
inline constexpr size_t kNewKeySetsPerIntervalMax = 8;
inline constexpr absl::Duration kKeySetGrace = absl::Hours(1);
inline constexpr absl::Duration kKeySetFailureMaxAge = absl::Seconds(10);

// How long an operator's call waits for a key that a provider sends.
inline constexpr absl::Duration kLearnKeyWait = absl::Minutes(10);
inline constexpr absl::Duration kLearnKeyWaitMax = absl::Hours(1);
// Of those that are kept: the newest and the one before.
inline constexpr size_t kLearnedKeysMax = 2;

// Fetch: HTTPS requests of the bridge itself. The whole of one ends before ingress gives up on the
// webhook that waits for it.
inline constexpr size_t kFetchesInFlightMax = 8;
inline constexpr size_t kFetchesWaitingMax = 64;
inline constexpr absl::Duration kFetchConnectTimeout = absl::Seconds(2);
inline constexpr absl::Duration kFetchHandshakeTimeout = absl::Seconds(3);
inline constexpr absl::Duration kFetchTimeout = absl::Seconds(6);
inline constexpr size_t kFetchBodyBytesMax = 8 << 10;
inline constexpr uint64_t kFetchAnswerBytesMax = 256 << 10;
inline constexpr uint32_t kFetchHeaderBytesMax = 16 << 10;
inline constexpr size_t kUrlBytesMax = 2'048;

// Signing certificates, for each source.
inline constexpr size_t kCertificatesMax = 16;
inline constexpr absl::Duration kCertificateMaxAge = absl::Hours(6);
inline constexpr size_t kCertificateFailuresMax = 64;
inline constexpr absl::Duration kCertificateFailureMaxAge = absl::Seconds(30);
inline constexpr size_t kCertificateFileBytesMax = 64 << 10;
inline constexpr size_t kCertificateFileCertificatesMax = 8;
inline constexpr int kRsaBitsMin = 2'048;
inline constexpr int kRsaBitsMax = 8'192;
inline constexpr size_t kTopicArnsMax = 100;

// Convert. A level of JSON costs three nested Protobuf messages (Value, Struct, FieldsEntry) and
// official clients stop at 100.
inline constexpr uint32_t kJsonDepthMax = 24;
inline constexpr uint32_t kJsonDepthMaxHard = 30;
inline constexpr uint64_t kParsedBytesMax = 3 << 20;
inline constexpr uint32_t kJsonElementsMax = 100'000;
inline constexpr size_t kInexactNumbersMax = 1'000;
inline constexpr size_t kAttributesMax = 16;
inline constexpr size_t kEnvelopeFieldBytesMax = 1024;
inline constexpr size_t kFormFieldsMax = 1'000;

// Bodies: inflated to no more than the source's body_bytes_max, and to no more than this many times
// what came, but for small ones.
inline constexpr uint64_t kInflateRatioMax = 100;
inline constexpr uint64_t kInflateFreeBytes = 64 << 10;
// multipart/form-data: kFormFieldsMax parts, the headers of each, the boundary (RFC 2046: 70).
inline constexpr size_t kPartHeaderBytesMax = 4 << 10;
inline constexpr size_t kBoundaryBytesMax = 70;
inline constexpr size_t kXmlDepthMax = 64;
inline constexpr size_t kXmlAttributesMax = 256;  // of one element

}  // namespace hookbridge::limits
