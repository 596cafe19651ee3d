#include <string_view>
#include <vector>

#include "server/commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  return hookbridge::RunCommand(arguments);
}
