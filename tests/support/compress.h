#pragma once

#include "server/body/content_coding.h"

#include <string>
#include <string_view>

namespace hookbridge {

// The bytes in that coding, as its own library writes them; kDeflate is zlib's form.
std::string Compress(ContentCoding coding, std::string_view bytes);

// Deflate without zlib's header and check (RFC 1951 alone).
std::string CompressRawDeflate(std::string_view bytes);

}  // namespace hookbridge
