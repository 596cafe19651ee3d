#include "server/health.h"

#include "server/base/config.h"
#include "server/base/strings.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace hookbridge {
namespace {

constexpr std::string_view kRequest =
    "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

// The address to ask: a listener on all addresses answers on loopback.
std::string AskedHost(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

absl::Status Failed(std::string_view what) {
  return absl::UnavailableError(StrCat(what, ": ", std::strerror(errno)));
}

// Connects with `timeout` for every later read and write.
absl::Status Connect(const Socket& socket, const addrinfo& address, absl::Duration timeout) {
  const timeval limit = absl::ToTimeval(timeout);
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) return Failed("connect");
  return absl::OkStatus();
}

// The first bytes of the answer, which hold the status.
absl::StatusOr<std::string> AskPlain(const Socket& socket) {
  if (send(socket.fd(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return Failed("send");
  std::array<char, 256> buffer;
  const ssize_t count = recv(socket.fd(), buffer.data(), buffer.size(), MSG_WAITALL);
  if (count < 0) return Failed("no answer");
  return std::string(buffer.data(), static_cast<size_t>(count));
}

absl::StatusOr<std::string> AskTls(const Socket& socket) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  if (tls == nullptr || SSL_set_fd(tls.get(), socket.fd()) != 1 || SSL_connect(tls.get()) != 1) {
    return absl::UnavailableError("the TLS handshake failed");
  }
  if (SSL_write(tls.get(), kRequest.data(), static_cast<int>(kRequest.size())) <= 0) {
    return absl::UnavailableError("cannot send over TLS");
  }
  std::array<char, 256> buffer;
  const int count = SSL_read(tls.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (count <= 0) return absl::UnavailableError("no answer over TLS");
  return std::string(buffer.data(), static_cast<size_t>(count));
}

absl::Status Judge(std::string_view answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!answer.starts_with(kVersion)) return absl::UnavailableError("the answer is not HTTP");
  const std::string_view status = answer.substr(kVersion.size(), 3);
  if (status == "200") return absl::OkStatus();
  return absl::UnavailableError(StrCat("/readyz answers ", status));
}

absl::Status Ask(const config::v1::Ingress& ingress, const HostPort& target,
                 absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(AskedHost(target.host).c_str(), std::to_string(target.port).c_str(),
                                &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  const Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return Failed("socket");
  if (absl::Status status = Connect(socket, *found, timeout); !status.ok()) return status;
  const auto answer = ingress.has_tls() ? AskTls(socket) : AskPlain(socket);
  return answer.ok() ? Judge(*answer) : answer.status();
}

}  // namespace

absl::Status CheckHealth(const config::v1::Ingress& ingress, absl::Duration timeout) {
  const auto target = ParseHostPort(ingress.listen());
  if (!target.ok()) return target.status();
  if (target->port == 0) {
    return absl::InvalidArgumentError("ingress.listen has port 0: nobody knows which one it took");
  }
  const absl::Status status = Ask(ingress, *target, timeout);
  if (status.ok()) return status;
  return absl::UnavailableError(StrCat(ingress.listen(), ": ", ToStd(status.message())));
}

}  // namespace hookbridge
