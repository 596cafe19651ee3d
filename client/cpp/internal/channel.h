#pragma once

#include "client/cpp/connection.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>

// The edge between gRPC's types and the library's.
namespace hookbridge::internal {

// A channel with a connection of its own, made when it is first used. kInvalidArgument: a TLS file
// cannot be read, or a certificate came without its key.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options);

// The same code and text, with the google.rpc details as payloads.
absl::Status ToStatus(const grpc::Status& status);

}  // namespace hookbridge::internal
