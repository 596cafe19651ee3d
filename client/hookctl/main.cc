#include "client/hookctl/command.h"
#include "server/base/clock.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const hookbridge::SystemClock clock;
  const auto variable = [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  hookbridge::hookctl::Environment environment{
      .out = std::cout,
      .err = std::cerr,
      .color = isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty(),
      .clock = clock,
      .variable = variable};
  return hookbridge::hookctl::RunHookctl(arguments, environment);
}
