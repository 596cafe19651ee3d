#pragma once

#include <string>
#include <string_view>

namespace hookbridge {

// Goes over the parameters of a header value, `; name=value; name="value"`, behind its first word.
// Quoted values are taken as they stand between the quotes; a backslash takes the next character's
// meaning away. Ownership: views the value. Threads: thread-compatible.
class HeaderParameters {
 public:
  explicit HeaderParameters(std::string_view value);

  // The word before the first `;`, blanks removed.
  std::string_view first_word() const { return first_word_; }

  // False: the end, or text that is no parameter (then broken() is true).
  bool Next();

  const std::string& name() const { return name_; }  // in lower case
  std::string_view value() const { return value_; }  // quotes left out, escapes as they came
  bool quoted() const { return quoted_; }
  bool broken() const { return broken_; }

 private:
  bool Break();

  std::string_view first_word_;
  std::string_view rest_;
  std::string name_;
  std::string_view value_;
  bool quoted_ = false;
  bool broken_ = false;
};

// Blanks at both ends removed.
std::string_view TrimmedBlanks(std::string_view text);

// A to Z in lower case.
std::string LowerCase(std::string_view text);

}  // namespace hookbridge
