#pragma once

#include "server/base/json_pointer.h"
#include "server/base/json_tape.h"
#include "server/ingress/request.h"
#include "server/verify/internal/request_fields.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace hookbridge {

// Values inside a JSON body, for schemes that keep their signature there. Reads the body, or with
// `fields` the document that Recipe.json_field names, when it is first asked, by the reader that
// makes events too. Lives as long as one decision; one at a time on a thread. Views what it is
// given.
class BodyValues {
 public:
  explicit BodyValues(const WebhookRequest& request, RequestFields* fields = nullptr)
      : request_(request), fields_(fields) {}

  // The text of a string, number or boolean; nullopt when the body is not JSON or has none there.
  std::optional<std::string_view> Find(const JsonPointer& pointer);

  // Elements of the array there; 0 when there is none.
  size_t CountElements(std::string_view pointer);

 private:
  const JsonTape* Tape();

  const WebhookRequest& request_;
  RequestFields* const fields_;
  const JsonTape* tape_ = nullptr;
  bool read_ = false;
};

}  // namespace hookbridge
