#pragma once

#include "absl/time/time.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::internal {

// One file of the quarantine.
struct KeptRequest {
  std::string name;  // of the file, without the directory
  std::string request_id;
  std::string source;  // empty: not known
  absl::Time time;     // when the request came
  uint64_t bytes = 0;  // that the file takes of the disk
};

// `{milliseconds}-{sequence}-{request id}.{source}.request`; names sort as the requests came.
std::string FileName(absl::Time time, int64_t sequence, std::string_view request_id,
                     std::string_view source);

// The parts of such a name; also of one without the source. nullopt: another file.
std::optional<KeptRequest> ParseFileName(std::string_view name);

// What a file of so many bytes takes of the disk: whole blocks of 4 KiB.
uint64_t BytesOnDisk(uint64_t file_bytes);

// Which files there are, in memory, so that nobody lists the directory. The bounds are shared: the
// source that holds the most gives up its oldest. Threads: thread-compatible. Never blocks.
class QuarantineIndex {
 public:
  // Newer than all before.
  void Add(KeptRequest request);

  // Name of the file with this id, or empty.
  std::string NameOf(std::string_view request_id) const;

  // Names, newest first; of one source when it is not empty.
  std::vector<std::string> Newest(std::string_view source) const;

  // These forget files and return the names, or an empty one when there is none of that id.
  std::string Remove(std::string_view request_id);
  std::vector<std::string> TakeExcess(uint64_t bytes_max, size_t files_max);
  std::vector<std::string> TakeOlder(absl::Time than);

  uint64_t bytes() const { return bytes_; }
  size_t files() const { return kept_.size(); }

 private:
  using Order = uint64_t;
  struct Share {
    std::set<Order> files;
    uint64_t bytes = 0;
  };

  std::string Erase(Order order);

  std::map<Order, KeptRequest> kept_;  // oldest first
  std::map<std::string, Order, std::less<>> by_id_;
  std::map<std::string, Share, std::less<>> shares_;  // by source; none is empty
  uint64_t bytes_ = 0;
  Order next_ = 0;
};

}  // namespace hookbridge::internal
