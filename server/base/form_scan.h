#pragma once

#include "server/base/limits.h"

#include "absl/status/status.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace hookbridge {

// Goes over the fields of an application/x-www-form-urlencoded body, in order and with repeats,
// without building a tree. Ownership: views the body, which outlives it. Threads:
// thread-compatible. Source: url.spec.whatwg.org section 5.1, but a bad escape is an error.
//   FormScanner form(body);
//   while (form.Next()) { form.name(), form.value() }
//   if (!form.status().ok()) …
class FormScanner {
 public:
  explicit FormScanner(std::string_view body, size_t fields_max = limits::kFormFieldsMax)
      : rest_(body), fields_left_(fields_max) {}

  // True: name and value are of the next field. False: the end, or an error (then status() says
  // it): kInvalidArgument for a `%` without two hexadecimal digits, kResourceExhausted for more
  // than `fields_max` fields. Empty runs between `&` are skipped; a field without `=` has the
  // value ``.
  bool Next();

  // Decoded bytes; valid until the next call of Next. Not necessarily UTF-8.
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  // The same as they came; views of the body.
  std::string_view encoded_name() const { return encoded_name_; }
  std::string_view encoded_value() const { return encoded_value_; }
  const absl::Status& status() const { return status_; }

 private:
  std::string_view rest_;
  size_t fields_left_;
  std::string name_;
  std::string value_;
  std::string_view encoded_name_;
  std::string_view encoded_value_;
  absl::Status status_;
};

}  // namespace hookbridge
