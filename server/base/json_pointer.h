#pragma once

#include "server/base/json_tape.h"

#include "absl/status/statusor.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A JSON Pointer (RFC 6901) made ready. Immutable.
class JsonPointer {
 public:
  // kInvalidArgument: does not start with `/`, or holds a `~` that is neither `~0` nor `~1`. The
  // empty text is the whole document.
  static absl::StatusOr<JsonPointer> Parse(std::string_view text);

  // The node, or nullptr. `tape` holds a text that was parsed.
  const JsonNode* Find(const JsonTape& tape) const { return FindFrom(tape, tape.nodes().front()); }
  // The same within a value of the tape.
  const JsonNode* FindFrom(const JsonTape& tape, const JsonNode& root) const;

  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  std::vector<std::string> tokens_;  // unescaped
};

}  // namespace hookbridge
