#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// One thing that is wrong with a configuration file, told so that it can be mended.
struct ConfigProblem {
  int line = 0;              // from 1; 0 when it belongs to no line
  std::string path = {};     // for example `sources[0].keys[0].secret`
  std::string message = {};  // what is wrong
  std::string fix = {};      // what to write instead
};

// Line of each path that a file sets, for example `sources[0].keys[0].secret`.
using LineMap = std::map<std::string, int, std::less<>>;

// Line of the field, or of the nearest place around it that the file has; 0 when there is none.
int LineOf(const LineMap& lines, std::string_view path);

// `parent` is `path` itself or one of the places that it is in.
bool ContainsPath(std::string_view parent, std::string_view path);

// `file:line: path: message; fix`, a line each. Control characters are shown as `\x00`.
std::string FormatProblems(const std::string& file, const std::vector<ConfigProblem>& problems);

// The same of what is allowed and had better not be: `file:line: path: warning: message; fix`.
std::string FormatWarnings(const std::string& file, const std::vector<ConfigProblem>& warnings);

}  // namespace hookbridge
