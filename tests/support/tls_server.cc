#include "tests/support/tls_server.h"

#include "server/base/strings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

namespace hookbridge {

Served Respond(int status, const std::string& body, const std::string& more_headers) {
  return {.bytes = StrCat("HTTP/1.1 ", status, " Status\r\nContent-Length: ", body.size(), "\r\n",
                          more_headers, "\r\n", body)};
}

TlsServer::TlsServer(const TestCertificate& identity, Handler handler, bool silent)
    : handler_(std::move(handler)),
      silent_(silent),
      context_(SSL_CTX_new(TLS_server_method())),
      listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string certificate = identity.pem();
  const std::string key = identity.key_pem();
  BIO* const certificate_bio = BIO_new_mem_buf(certificate.data(), -1);
  X509* const parsed = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context_, parsed);
  X509_free(parsed);
  BIO_free(certificate_bio);
  BIO* const key_bio = BIO_new_mem_buf(key.data(), -1);
  EVP_PKEY* const private_key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_PrivateKey(context_, private_key);
  EVP_PKEY_free(private_key);
  BIO_free(key_bio);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any);
  listen(listener_, 64);
  acceptor_ = std::thread([this] { Accept(); });
}

TlsServer::~TlsServer() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
  SSL_CTX_free(context_);
}

std::string TlsServer::address() const {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  return StrCat("127.0.0.1:", ntohs(bound.sin_port));
}

std::vector<std::string> TlsServer::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

void TlsServer::WaitForRequests(size_t count) {
  MutexLock lock(mutex_);
  while (requests_.size() < count) changed_.Wait(mutex_);
}

void TlsServer::Accept() {
  while (true) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    MutexLock lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    connections_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

// Whether the head is there, and as much after it as its Content-Length says.
bool TlsServer::IsWhole(const std::string& request) {
  const size_t head_end = request.find("\r\n\r\n");
  if (head_end == std::string::npos) return false;
  constexpr std::string_view kLength = "Content-Length: ";
  const size_t at = request.find(kLength);
  const size_t length = at < head_end ? std::stoul(request.substr(at + kLength.size())) : 0;
  return request.size() >= head_end + 4 + length;
}

void TlsServer::Serve(int fd) {
  char bytes[4096];
  SSL* const ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  if (silent_) {
    while (recv(fd, bytes, sizeof bytes, 0) > 0) continue;
  } else if (SSL_accept(ssl) == 1) {
    std::string head;
    while (!IsWhole(head)) {
      const int got = SSL_read(ssl, bytes, sizeof bytes);
      if (got <= 0) break;
      head.append(bytes, static_cast<size_t>(got));
    }
    if (!head.empty()) {
      {
        MutexLock lock(mutex_);
        requests_.push_back(head);
        changed_.NotifyAll();
      }
      const Served served = handler_(head);
      if (!served.bytes.empty()) {
        SSL_write(ssl, served.bytes.data(), static_cast<int>(served.bytes.size()));
      }
      while (served.hang && SSL_read(ssl, bytes, sizeof bytes) > 0) continue;
      if (!served.abrupt) SSL_shutdown(ssl);
    }
  }
  SSL_free(ssl);
  ERR_clear_error();
  MutexLock lock(mutex_);
  std::erase(connections_, fd);
  close(fd);
}

}  // namespace hookbridge
