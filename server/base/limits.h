#pragma once

#include "server/base/recipe_limits.h"

#include "absl/time/time.h"

#include <cstddef>
#include <cstdint>

// Every limit of the bridge: its name, unit and default. What the configuration can change has its
// default here and its hard maximum as `k…Hard`.
namespace hookbridge::limits {

// Ingress.
inline constexpr uint32_t kConnectionsMax = 10'000;
inline constexpr uint64_t kBodyBytesMax = 1 << 20;
inline constexpr uint64_t kBodyBytesMaxHard = 25 << 20;
inline constexpr uint64_t kHeaderBytesMax = 32 << 10;
inline constexpr uint64_t kHeaderBytesMaxHard = 256 << 10;
inline constexpr uint32_t kHeaderLinesMax = 100;
inline constexpr uint64_t kTargetBytesMax = 4 << 10;
inline constexpr uint64_t kInflightBodyBytesMax = 256 << 20;
inline constexpr absl::Duration kHeaderTimeout = absl::Seconds(10);
inline constexpr absl::Duration kBodyTimeout = absl::Seconds(30);
inline constexpr absl::Duration kWriteTimeout = absl::Seconds(10);
inline constexpr absl::Duration kIdleTimeout = absl::Seconds(60);
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);
inline constexpr absl::Duration kHandlerTimeout = absl::Seconds(8);
static_assert(kFetchTimeout < kHandlerTimeout);
inline constexpr uint64_t kBodyBytesPerSecondMin = 1 << 10;
// A body's rate is looked at over this long, or a quarter of body_timeout where that is shorter.
inline constexpr absl::Duration kBodyRateWindow = absl::Seconds(5);
// One line with a chunk's size and extensions; all trailer lines of a chunked body.
inline constexpr size_t kChunkLineBytesMax = 4 << 10;
inline constexpr size_t kTrailerBytesMax = 8 << 10;
// Bodies from this size on wait their turn in their lane, one source after the other.
inline constexpr size_t kLargeBodyBytes = 64 << 10;
inline constexpr uint32_t kHandshakesPerSecondMax = 200;
// Handshakes that may begin at once when the lane had none for a while.
inline constexpr uint32_t kHandshakeBurst = 32;
// A connection that ends is given this long, and this many bytes that nobody reads, so that its
// peer sees the last answer.
inline constexpr absl::Duration kLingerTime = absl::Seconds(1);
inline constexpr size_t kLingerBytesMax = 1 << 20;
// At shutdown an idle connection is kept this long for a request that is on its way.
inline constexpr absl::Duration kDrainIdleTime = absl::Milliseconds(250);
// Open files that connections leave to the journal, the logs and the machine's libraries.
inline constexpr uint32_t kReservedFiles = 512;
// What is left for webhooks, however few files the process may open.
inline constexpr uint32_t kConnectionsLeast = 16;
// How often the files of `tls` are looked at for a change.
inline constexpr absl::Duration kTlsFilesCheckInterval = absl::Seconds(10);
inline constexpr absl::Duration kRetryAfter = absl::Seconds(5);
inline constexpr size_t kHandshakeEchoBytesMax = 1024;
inline constexpr size_t kAnswerTextBytesMax = 4 << 10;
inline constexpr uint32_t kThreadsMax = 64;

// Certificates of the bridge's own ports: their files; from when, how often their end is logged.
inline constexpr size_t kTlsFileBytesMax = 1 << 20;
inline constexpr absl::Duration kCertificateWarnAhead = absl::Hours(14 * 24);
inline constexpr absl::Duration kCertificateWarnInterval = absl::Hours(24);

// Names of sources and subscriptions: ^[a-z0-9][a-z0-9-]{0,62}$.
inline constexpr size_t kNameBytesMax = 63;

// Journal.
inline constexpr uint32_t kAppendQueueEventsMax = 4'096;
inline constexpr uint64_t kAppendQueueBytesMax = 64 << 20;
inline constexpr uint32_t kSplitItemsMax = 1'000;
// A commit's group is cut here: larger ones gain nothing and lengthen the wait of the first.
inline constexpr size_t kCommitGroupEventsMax = 1'024;
inline constexpr uint64_t kCommitGroupBytesMax = 2 << 20;
// One source may fill half of the queue, and a batch goes in as a whole.
inline constexpr uint32_t kAppendQueueEventsMaxLeast = 2 * kSplitItemsMax;
inline constexpr absl::Duration kJournalMaxAge = absl::Hours(30 * 24);
inline constexpr absl::Duration kJournalMaxAgeLeast = absl::Minutes(1);
inline constexpr absl::Duration kDedupWindow = absl::Hours(7 * 24);
// How far retention may go on in a minute beyond that minute, and how far behind it may be before
// it waits for an operator's word.
inline constexpr absl::Duration kRetentionCatchUpPerMinute = absl::Hours(1);
inline constexpr absl::Duration kRetentionHoldBeyond = absl::Hours(24);
// Space that is kept to read and to remove on a full disk.
inline constexpr uint64_t kJournalReserveBytes = 96 << 20;
// Neighbouring lost events that are listed; beyond it the last stands for all that follow.
inline constexpr size_t kLostRangesMax = 1'000;
// How fast the journal is read through in search of damage.
inline constexpr uint64_t kScrubBytesPerSecond = 4 << 20;

// Delivery.
inline constexpr uint32_t kStreamsMax = 1'000;
inline constexpr absl::Duration kStreamMaxAge = absl::Minutes(30);
inline constexpr uint64_t kTailCacheBytesMax = 32 << 20;
inline constexpr size_t kClientIdBytesMax = 128;
inline constexpr uint32_t kBatchEvents = 64;
inline constexpr uint32_t kBatchEventsMax = 1'024;
inline constexpr uint64_t kBatchBytesMax = 1 << 20;
inline constexpr uint64_t kEventBytesMax = 3 << 20;
inline constexpr uint64_t kBodyChunkBytesMax = 1 << 20;
inline constexpr absl::Duration kHeartbeat = absl::Seconds(15);
inline constexpr absl::Duration kHeartbeatMin = absl::Seconds(1);
inline constexpr absl::Duration kHeartbeatMax = absl::Seconds(60);
inline constexpr int kPageSize = 100;
inline constexpr int kPageSizeMax = 1'000;
inline constexpr size_t kPageScanEventsMax = 10'000;
inline constexpr size_t kFilterClausesMax = 64;
inline constexpr size_t kFilterListMax = 64;
inline constexpr size_t kFilterAttributesMax = 16;
inline constexpr absl::Duration kShutdownDeadline = absl::Seconds(10);
inline constexpr absl::Duration kDrainWriteTimeout = absl::Seconds(1);

// The gRPC port.
inline constexpr uint32_t kGrpcConnectionsMax = 256;
inline constexpr uint32_t kGrpcCallsPerConnectionMax = 100;
// Calls that begin, and connections that are taken, a second, on the whole port: more wait.
inline constexpr uint32_t kGrpcCallsPerSecondMax = 5'000;
inline constexpr uint32_t kGrpcCallsBurstMax = 1'000;
inline constexpr uint32_t kGrpcCallsAtOnce = 16;
inline constexpr uint32_t kGrpcConnectionsPerSecondMax = 50;
inline constexpr uint32_t kGrpcConnectionsBurstMax = 256;
inline constexpr uint32_t kGrpcResetsPerSecondMax = 100;
inline constexpr uint32_t kGrpcResetsBurstMax = 1'000;
inline constexpr uint32_t kGrpcControlFramesPerSecondMax = 200;
inline constexpr uint32_t kGrpcControlFramesBurstMax = 1'000;
inline constexpr uint32_t kGrpcPingsPerSecondMax = 10;
inline constexpr uint32_t kGrpcPingsBurstMax = 100;
inline constexpr uint32_t kGrpcHeaderBlockBytesMax = 32 << 10;
inline constexpr uint64_t kGrpcUnfinishedBytesPerConnectionMax = 2 << 20;
inline constexpr uint64_t kGrpcUnfinishedBytesMax = 64 << 20;
inline constexpr absl::Duration kGrpcHandshakeTimeout = absl::Seconds(10);
inline constexpr absl::Duration kGrpcWriteTimeout = absl::Seconds(30);
// Reads of a body at a time; one whose client has not taken a chunk for this long may give way.
inline constexpr size_t kBodyReadsMax = 32;
inline constexpr absl::Duration kBodyReadStall = absl::Seconds(10);

// Refusals that are kept for operators, and header names of each.
inline constexpr size_t kRejectionsMax = 256;
inline constexpr size_t kRejectionHeadersMax = 32;
// Refused requests that are kept whole, when that is configured, and those that wait to be written.
inline constexpr uint64_t kQuarantineBytesMax = 64 << 20;
inline constexpr uint32_t kQuarantineRequestsPerSecondMax = 50;
inline constexpr absl::Duration kQuarantineMaxAge = absl::Hours(7 * 24);
inline constexpr uint64_t kQuarantineWaitingBytesMax = 32 << 20;
inline constexpr size_t kQuarantineFilesMax = 10'000;
inline constexpr absl::Duration kQuarantineSweepInterval = absl::Minutes(1);
inline constexpr absl::Duration kQuarantineStopTimeout = absl::Seconds(1);
// Admin calls that wait for the journal.
inline constexpr size_t kAdminCallsMax = 256;

// Log: longer values are cut; warnings and errors of one event name, source and reason are counted,
// not written, beyond this. Lines wait for their reader up to a number of bytes, and at exit for a
// time.
inline constexpr size_t kLogValueBytesMax = 512;
inline constexpr uint32_t kLogLinesPerSecondMax = 10;
inline constexpr size_t kLogWindowsMax = 1'024;
inline constexpr size_t kLogQueueBytesMax = 1 << 20;
inline constexpr absl::Duration kLogFlushTimeout = absl::Seconds(1);

// Configuration: what no duration of it may pass, and names of headers in it.
inline constexpr absl::Duration kConfigDurationMax = absl::Hours(36'500 * 24);
inline constexpr size_t kHeaderNameBytesMax = 256;

}  // namespace hookbridge::limits
