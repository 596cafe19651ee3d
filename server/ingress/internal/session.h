#pragma once

#include "server/ingress/internal/lane.h"

#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace hookbridge {

// Serves one accepted connection until it ends, on the lane's thread, where it must be called.
// `tls` is null for plain HTTP. The connection has been counted in IngressState::connections; the
// session gives it back.
void ServeConnection(TcpSocket socket, boost::asio::ssl::context* tls, IngressLane& lane,
                     IngressState& state);

}  // namespace hookbridge
