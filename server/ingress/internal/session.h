#pragma once

#include "server/ingress/internal/lane.h"

#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace hookbridge {

// Who is at the other end of a connection that was accepted.
struct AcceptedPeer {
  std::string address;
  std::string owner;  // as AddressOwner; shares and turns go by it
  std::unique_ptr<ConnectionCounts::Slot> slot;
};

// Serves one accepted connection until it ends, on the lane's thread, where it must be called.
// `tls` is null for plain HTTP.
void ServeConnection(TcpSocket socket, AcceptedPeer peer,
                     const std::shared_ptr<boost::asio::ssl::context>& tls, IngressLane& lane,
                     IngressState& state);

}  // namespace hookbridge
