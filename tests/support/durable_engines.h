#pragma once

#include "hookbridge/config/v1/config.pb.h"

#include <string>
#include <vector>

namespace hookbridge {

// The engines that keep events on a disk, and what is known that they do not do yet. A new engine
// is added here with all of it true; a gap that is closed is taken out.
struct DurableEngine {
  std::string name;
  config::v1::JournalEngine engine;
  // Opens whatever file is cut, damaged or gone, and loses what was in it. RocksDB refuses to open
  // where its own bookkeeping is hit, or a log before the newest durable position.
  bool opens_after_any_loss = true;
};

inline const std::vector<DurableEngine>& DurableEngines() {
  static const std::vector<DurableEngine> engines = {
      {.name = "RocksDb",
       .engine = config::v1::JOURNAL_ENGINE_ROCKSDB,
       .opens_after_any_loss = false},
  };
  return engines;
}

}  // namespace hookbridge
