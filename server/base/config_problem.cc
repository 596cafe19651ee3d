#include "server/base/config_problem.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"

namespace hookbridge {
namespace {

// A line of its own, and nothing that a terminal obeys.
void AppendPrintable(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      StrAppend(&out, "\\x", HexEncode({&c, 1}));
    } else {
      out += c;
    }
  }
}

std::string Format(const std::string& file, const std::vector<ConfigProblem>& problems,
                   std::string_view kind) {
  std::string text;
  for (const ConfigProblem& problem : problems) {
    AppendPrintable(text, file);
    if (problem.line > 0) StrAppend(&text, ":", problem.line);
    text += ": ";
    if (!problem.path.empty()) {
      AppendPrintable(text, problem.path);
      text += ": ";
    }
    text += kind;
    AppendPrintable(text, problem.message);
    if (!problem.fix.empty()) {
      text += "; ";
      AppendPrintable(text, problem.fix);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

int LineOf(const LineMap& lines, std::string_view path) {
  while (!path.empty()) {
    if (const auto it = lines.find(path); it != lines.end()) return it->second;
    const size_t end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return 0;
}

bool ContainsPath(std::string_view parent, std::string_view path) {
  return path.starts_with(parent) && (parent.empty() || path.size() == parent.size() ||
                                      path[parent.size()] == '.' || path[parent.size()] == '[');
}

std::string FormatProblems(const std::string& file, const std::vector<ConfigProblem>& problems) {
  return Format(file, problems, "");
}

std::string FormatWarnings(const std::string& file, const std::vector<ConfigProblem>& warnings) {
  return Format(file, warnings, "warning: ");
}

}  // namespace hookbridge
