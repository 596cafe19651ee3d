#pragma once

#include "server/base/reason.h"
#include "server/verify/fetch_need.h"
#include "server/verify/verifier.h"

#include "absl/time/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

// The decision on one request.
struct Decision {
  std::optional<Reason> refused;
  std::string detail;
  std::string key_id;
  std::optional<absl::Time> signed_time;
  std::optional<SignedHash> signed_hash = {};
  // Set beside `refused`: with this at hand the decision may be another.
  std::optional<FetchNeed> need = {};
};

inline Decision Refuse(Reason reason, std::string detail) {
  return {.refused = reason, .detail = std::move(detail), .key_id = {}, .signed_time = {}};
}

// Records steps when somebody asks for an explanation.
class Trace {
 public:
  explicit Trace(std::vector<ExplainStep>* steps) : steps_(steps) {}
  void Ok(std::string_view what, const std::string& detail) const {
    if (steps_ == nullptr) return;
    steps_->push_back({.ok = true, .what = std::string(what), .detail = detail});
  }
  bool on() const { return steps_ != nullptr; }

 private:
  std::vector<ExplainStep>* const steps_;
};

}  // namespace hookbridge
