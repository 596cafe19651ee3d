#include "server/base/config_problem.h"

#include "server/base/strings.h"

namespace hookbridge {

std::string FormatProblems(const std::string& file, const std::vector<ConfigProblem>& problems) {
  std::string text;
  for (const ConfigProblem& problem : problems) {
    text += file;
    if (problem.line > 0) StrAppend(&text, ":", problem.line);
    text += ": ";
    if (!problem.path.empty()) StrAppend(&text, problem.path, ": ");
    text += problem.message;
    if (!problem.fix.empty()) StrAppend(&text, "; ", problem.fix);
    text += '\n';
  }
  return text;
}

}  // namespace hookbridge
