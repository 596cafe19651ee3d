#pragma once

#include <string_view>

// Syntax that a request's head and its trailers share. Pure.
namespace hookbridge {

// RFC 9110 section 5.6.2; not empty.
bool IsToken(std::string_view text);

// RFC 9110 section 5.5: visible characters, blanks and bytes above ASCII.
bool IsFieldValue(std::string_view text);

// Without the blanks and tabs around it.
std::string_view TrimBlanks(std::string_view text);

}  // namespace hookbridge
