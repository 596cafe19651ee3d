#pragma once

#include "server/base/rejection_log.h"
#include "server/base/source_stats.h"

#include <string>
#include <vector>

namespace hookbridge {

// The configured sources as AdminService shows them; the counters outlive it.
struct SourceCatalog {
  struct Entry {
    std::string name;
    std::string preset;
    const SourceStats* stats = nullptr;
  };
  std::vector<Entry> sources;  // by name
  const SourceStats* unattributed = nullptr;
  const RejectionLog* rejections = nullptr;
};

}  // namespace hookbridge
