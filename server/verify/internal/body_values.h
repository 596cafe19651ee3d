#pragma once

#include "server/base/json_pointer.h"
#include "server/base/json_tape.h"
#include "server/ingress/request.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace hookbridge {

// Values inside a JSON body, for schemes that keep their signature there. Reads the body when it is
// first asked, by the reader that makes events too. Lives as long as one decision; one at a time on
// a thread.
class BodyValues {
 public:
  explicit BodyValues(const WebhookRequest& request) : request_(request) {}

  // The text of a string, number or boolean; nullopt when the body is not JSON or has none there.
  std::optional<std::string_view> Find(const JsonPointer& pointer);

  // Elements of the array there; 0 when there is none.
  size_t CountElements(std::string_view pointer);

 private:
  const JsonTape* Tape();

  const WebhookRequest& request_;
  const JsonTape* tape_ = nullptr;
  bool read_ = false;
};

}  // namespace hookbridge
