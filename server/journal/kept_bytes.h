#pragma once

#include "server/base/event.h"

#include <cstdint>
#include <deque>

namespace hookbridge {

// What the kept events of one opening take, exactly: an engine whose files shrink late counts by
// it. Holds a mark for every kStep events. Threads: thread-compatible (the committer's).
class KeptBytes {
 public:
  static constexpr Position kStep = 64;

  // Nothing is counted up to and with `last`.
  void Reset(Position last) {
    marks_.clear();
    begin_ = last + 1;
    total_ = 0;
    trimmed_ = 0;
  }
  // The first position that is counted.
  Position begin() const { return begin_; }
  // Of positions that grow.
  void Add(Position position, uint64_t bytes) {
    if (marks_.empty() || position >= marks_.back().position + kStep) {
      marks_.push_back({.position = position, .before = total_});
    }
    total_ += bytes;
  }
  // Events up to and with `position` are gone. Exact to a step, and exact at the end.
  void TrimTo(Position position, Position last) {
    if (position >= last) {
      marks_.clear();
      trimmed_ = total_;
      return;
    }
    while (marks_.size() > 1 && marks_[1].position <= position + 1) marks_.pop_front();
    if (!marks_.empty() && marks_.front().position <= position + 1) {
      trimmed_ = marks_.front().before;
    }
  }
  uint64_t bytes() const { return total_ - trimmed_; }

 private:
  struct Mark {
    Position position = 0;
    uint64_t before = 0;  // bytes of all that came before it
  };

  std::deque<Mark> marks_;
  Position begin_ = 1;
  uint64_t total_ = 0;
  uint64_t trimmed_ = 0;
};

}  // namespace hookbridge
