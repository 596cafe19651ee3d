#pragma once

#include "client/cpp/connection.h"
#include "client/hookctl/args.h"
#include "client/hookctl/command.h"

#include <vector>

// The flags of all commands that speak gRPC.
namespace hookbridge::hookctl {

// `flags`, then those of the connection.
std::vector<Flag> WithConnectionFlags(std::vector<Flag> flags);

ConnectionOptions ReadConnectionFlags(const Args& args, const Environment& environment);

}  // namespace hookbridge::hookctl
