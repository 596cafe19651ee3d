#pragma once

#include <string>

namespace hookbridge {

// Where the bridge's gRPC port is and how to trust it. Without files the connection is plain, as on
// loopback; with `ca_file` it is TLS; with all three it is mutual TLS.
struct ConnectionOptions {
  std::string target = "127.0.0.1:9090";  // HOST:PORT
  std::string ca_file = {};               // PEM, authorities of the bridge's certificate
  std::string certificate_file = {};      // PEM, the client's chain
  std::string private_key_file = {};      // PEM
};

}  // namespace hookbridge
