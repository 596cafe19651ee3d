#pragma once

#include "server/base/limits.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace hookbridge {

// A part of multipart/form-data. `value` and `encoded_name` view the body.
struct FormPart {
  std::string name;
  std::string_view encoded_name;  // as it came, quotes left out
  bool is_file = false;           // it has a filename, which may be empty
  std::string filename;
  std::string content_type;  // empty: none
  std::string_view value;
};

// The boundary that a Content-Type names. kInvalidArgument, `multipart_syntax`: it is not
// multipart/form-data, or names none, several, or one that is none (RFC 2046 section 5.1.1).
absl::StatusOr<std::string> MultipartBoundary(std::string_view content_type);

// Goes over the parts of a multipart/form-data body (RFC 7578) in order and with repeats, without
// building a tree. Strict where two readers could differ: nothing before the first boundary nor
// behind the last one but a line end, lines end in CRLF, one Content-Disposition with one name a
// part, no Content-Transfer-Encoding that changes bytes. Names and filenames are read as browsers
// (%22, %0D, %0A) and HTTP libraries (\" and \\) write them; `filename*` is passed over (section
// 4.2). Ownership: views the body, which outlives it. Threads: thread-compatible. Time is linear.
//   MultipartScanner form(body, *boundary);
//   while (form.Next()) { form.part() }
//   if (!form.status().ok()) …
class MultipartScanner {
 public:
  MultipartScanner(std::string_view body, std::string_view boundary,
                   size_t parts_max = limits::kFormFieldsMax);

  // True: part() is the next one. False: the end, or an error, which status() says:
  // kInvalidArgument, `multipart_syntax`; kResourceExhausted, `form_fields` for more parts than
  // `parts_max`, `multipart_header` for headers of one that are over kPartHeaderBytesMax.
  bool Next();

  const FormPart& part() const { return part_; }
  const absl::Status& status() const { return status_; }

 private:
  bool Fail(std::string_view what);
  bool Begin();
  // Takes what follows a boundary: `--` of the last one, or the end of its line.
  bool AfterBoundary();
  // Up to the empty line, which stays.
  bool ReadHeaders();
  bool ReadHeader(std::string_view line, bool& has_disposition);

  const std::string_view body_;
  std::string_view rest_;
  const std::string delimiter_;  // CRLF, two hyphens, the boundary
  size_t parts_left_;
  bool begun_ = false;
  bool ended_ = false;
  FormPart part_;
  absl::Status status_;
};

}  // namespace hookbridge
