#include "server/base/form_scan.h"

#include "server/base/encoding.h"

#include <algorithm>
#include <optional>

namespace hookbridge {
namespace {

// False for a bad escape.
bool Decode(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const std::optional<std::string> byte = HexDecode(text.substr(i + 1, 2));
      if (!byte.has_value() || byte->size() != 1) return false;
      out += *byte;
      i += 2;
    }
  }
  return true;
}

}  // namespace

bool FormScanner::Next() {
  if (!status_.ok()) return false;
  rest_.remove_prefix(std::min(rest_.find_first_not_of('&'), rest_.size()));
  if (rest_.empty()) return false;
  if (fields_left_ == 0) {
    status_ = absl::ResourceExhaustedError("too many form fields");
    return false;
  }
  --fields_left_;
  const std::string_view field = rest_.substr(0, rest_.find('&'));
  rest_.remove_prefix(field.size());
  const size_t equals = std::min(field.find('='), field.size());
  encoded_name_ = field.substr(0, equals);
  encoded_value_ = field.substr(std::min(equals + 1, field.size()));
  if (Decode(encoded_name_, name_) && Decode(encoded_value_, value_)) return true;
  status_ = absl::InvalidArgumentError("bad percent escape in a form field");
  return false;
}

}  // namespace hookbridge
