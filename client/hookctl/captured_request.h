#pragma once

#include "client/hookctl/signer.h"
#include "server/ingress/request.h"

#include "absl/status/statusor.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::hookctl {

// A request from the bytes of its head and body, as a proxy or `nc` captures them; lines may end in
// CRLF or LF. A body longer than Content-Length is cut there (editors add line ends).
// kInvalidArgument: no request line, a header line without a colon, no blank line after the head, a
// body shorter than Content-Length, or one in chunks.
absl::StatusOr<WebhookRequest> ParseCapturedRequest(std::string_view bytes);

// A request from its parts; `target` is a path with optional query.
WebhookRequest MakeRequest(std::string_view target, const std::vector<HeaderField>& headers,
                           std::string body);

}  // namespace hookbridge::hookctl
