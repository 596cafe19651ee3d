#pragma once

#include "server/ingress/handler.h"

#include <string>
#include <string_view>

namespace hookbridge {

// Reason phrase of the codes that the bridge answers; `Status` for others.
std::string_view StatusPhrase(int status);

// Replaces `out` by the answer's bytes. `with_body` is false for HEAD.
void WriteResponse(const HttpResponse& response, bool keep_alive, bool with_body, std::string& out);

}  // namespace hookbridge
