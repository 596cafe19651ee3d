#pragma once

#include <string>
#include <vector>

namespace hookbridge {

// One thing that is wrong with a configuration file, told so that it can be mended.
struct ConfigProblem {
  int line = 0;              // from 1; 0 when it belongs to no line
  std::string path = {};     // for example `sources[0].keys[0].secret`
  std::string message = {};  // what is wrong
  std::string fix = {};      // what to write instead
};

// `file:line: path: message; fix`, a line each.
std::string FormatProblems(const std::string& file, const std::vector<ConfigProblem>& problems);

}  // namespace hookbridge
