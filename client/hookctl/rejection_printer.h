#pragma once

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <ostream>

namespace hookbridge::hookctl {

// Two lines for a person: when, source and reason; sender, size and header names.
void PrintRejection(const admin::v1::Rejection& rejection, std::ostream& out);

}  // namespace hookbridge::hookctl
