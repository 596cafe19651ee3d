#pragma once

#include "server/base/key_offers.h"
#include "server/base/rejection_log.h"
#include "server/base/source_stats.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// The configured sources as AdminService shows them, and what it may do; the counters outlive it.
struct SourceCatalog {
  struct Key {
    std::string id;
    uint64_t matched = 0;
    absl::Time last_match;  // InfinitePast: never
    absl::Time not_before;  // InfinitePast: no limit
    absl::Time not_after;   // InfiniteFuture: no limit
  };
  struct Entry {
    std::string name;
    std::string preset;
    const SourceStats* stats = nullptr;
    std::function<std::vector<Key>()> keys = {};  // as they are now; thread-safe
  };
  std::vector<Entry> sources;  // by name
  const SourceStats* unattributed = nullptr;
  const RejectionLog* rejections = nullptr;

  struct Reverified {
    std::vector<std::string> event_ids;
    std::string reason;  // empty: taken
    std::string detail;
  };
  // The quarantine; unset when the configuration keeps none. Both block on the disk.
  std::function<std::vector<RejectedRequest>(size_t count, std::string_view source)> quarantined =
      {};
  // Requests that it did not keep since the start.
  std::function<uint64_t()> quarantine_skipped = {};
  // kNotFound: no such request.
  std::function<absl::StatusOr<Reverified>(std::string_view request_id)> reverify = {};

  // Where providers hand keys over; unset where none can.
  KeyOffers* key_offers = nullptr;
  // Whether the source learns a key; and takes one over, which returns the file that holds it and
  // blocks on the disk.
  std::function<bool(std::string_view source)> learns_key = {};
  std::function<absl::StatusOr<std::string>(std::string_view source, std::string_view secret)>
      keep_key = {};

  // As Journal::ReleaseRetention; blocks on the disk.
  std::function<absl::Status(uint64_t up_to)> release_retention = {};
};

}  // namespace hookbridge
