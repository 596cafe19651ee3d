#pragma once

#include "server/base/mutex.h"
#include "tests/support/test_certificates.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

typedef struct ssl_ctx_st SSL_CTX;

namespace hookbridge {

// What a server does with a request, once its head has come, and the body that it announces.
struct Served {
  std::string bytes = {};  // sent as they are
  bool hang = false;       // then waits until the client leaves
  bool abrupt = false;     // then drops the connection without TLS's farewell
};

// `HTTP/1.1 STATUS` with this body and its length.
Served Respond(int status, const std::string& body, const std::string& more_headers = "");

// An HTTPS server on a port of its own for one test, a thread for each connection. The handler is
// called on those threads.
class TlsServer {
 public:
  using Handler = std::function<Served(const std::string& request)>;

  // `silent` takes connections and says nothing, not even in TLS.
  TlsServer(const TestCertificate& identity, Handler handler, bool silent = false);
  ~TlsServer();

  std::string address() const;
  // All requests so far, each with its body.
  std::vector<std::string> requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until there were that many.
  void WaitForRequests(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Accept();
  void Serve(int fd);
  static bool IsWhole(const std::string& request);

  const Handler handler_;
  const bool silent_;
  SSL_CTX* context_;
  int listener_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> connections_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread acceptor_;
};

}  // namespace hookbridge
