#include "server/fetch/internal/exchange.h"

#include "server/base/strings.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::string_view kHttpsPort = "443";
constexpr unsigned kHttp11 = 11;
constexpr size_t kBufferBytesMax = 64 << 10;

absl::Status StatusOf(std::string_view phase, const boost::system::error_code& error) {
  const std::string text = StrCat(phase, ": ", error.message());
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return absl::OutOfRangeError(text);
  }
  if (error.category() == http::make_error_code(http::error::end_of_stream).category() ||
      error == asio::ssl::error::stream_truncated || error == asio::error::eof) {
    return absl::DataLossError(text);
  }
  return absl::UnavailableError(text);
}

}  // namespace

Exchange::Exchange(asio::io_context& context, asio::ssl::context& tls,
                   const FetcherOptions& options, Job job, FetchDone done)
    : options_(options),
      job_(std::move(job)),
      done_(std::move(done)),
      resolver_(context),
      stream_(context, tls),
      timer_(context),
      request_(job_.body.empty() ? http::verb::get : http::verb::post, job_.url.target, kHttp11),
      buffer_(kBufferBytesMax) {
  request_.set(http::field::host, job_.url.host);
  request_.set(http::field::user_agent, "hookbridge");
  request_.set(http::field::accept_encoding, "identity");
  request_.set(http::field::connection, "close");
  if (!job_.bearer.empty()) {
    request_.set(http::field::authorization, StrCat("Bearer ", job_.bearer));
  }
  if (!job_.body.empty()) {
    request_.set(http::field::content_type, "application/json");
    request_.body() = job_.body;
    request_.prepare_payload();
  }
  parser_.body_limit(options_.answer_bytes_max);
  parser_.header_limit(options_.header_bytes_max);
}

void Exchange::Start() { Resolve(); }

void Exchange::Finish(absl::StatusOr<FetchResult> result) {
  if (!done_) return;
  FetchDone done = std::exchange(done_, nullptr);
  Error ignored;
  timer_.cancel();
  resolver_.cancel();
  stream_.next_layer().close(ignored);
  done(std::move(result));
}

void Exchange::Arm(std::string_view phase, absl::Duration timeout) {
  phase_ = phase;
  const Time phase_end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  timer_.expires_at(std::min(phase_end, job_.deadline));
  timer_.async_wait([self = shared_from_this()](const Error& error) {
    if (error || self->timer_.expiry() > std::chrono::steady_clock::now()) return;
    self->Finish(absl::DeadlineExceededError(StrCat(self->phase_, ": takes too long")));
  });
}

bool Exchange::Goes(const Error& error) {
  if (!done_) return false;
  if (!error) return true;
  Finish(StatusOf(phase_, error));
  return false;
}

void Exchange::Resolve() {
  Arm("connect", options_.connect_timeout);
  std::string host = job_.url.host;
  std::string port(kHttpsPort);
  if (const auto it = options_.addresses.find(host); it != options_.addresses.end()) {
    const size_t colon = it->second.rfind(':');
    host = it->second.substr(0, colon);
    port = it->second.substr(colon + 1);
  }
  resolver_.async_resolve(
      host, port,
      [self = shared_from_this()](const Error& error, const Tcp::resolver::results_type& found) {
        if (self->Goes(error)) self->Connect(found);
      });
}

void Exchange::Connect(const Tcp::resolver::results_type& endpoints) {
  asio::async_connect(stream_.next_layer(), endpoints,
                      [self = shared_from_this()](const Error& error, const Tcp::endpoint&) {
                        if (self->Goes(error)) self->Handshake();
                      });
}

void Exchange::Handshake() {
  Arm("TLS handshake", options_.handshake_timeout);
  SSL_set_tlsext_host_name(stream_.native_handle(), job_.url.host.c_str());
  Error error;
  stream_.set_verify_callback(asio::ssl::host_name_verification(job_.url.host), error);
  if (!Goes(error)) return;
  stream_.async_handshake(
      asio::ssl::stream_base::client, [self = shared_from_this()](const Error& failed) {
        const long verdict = SSL_get_verify_result(self->stream_.native_handle());
        if (failed && self->done_ && verdict != X509_V_OK) {
          self->Finish(absl::PermissionDeniedError(
              StrCat("TLS handshake: ", X509_verify_cert_error_string(verdict))));
          return;
        }
        if (self->Goes(failed)) self->Write();
      });
}

void Exchange::Write() {
  Arm("answer", options_.timeout);
  http::async_write(stream_, request_, [self = shared_from_this()](const Error& error, size_t) {
    if (self->Goes(error)) self->Read();
  });
}

void Exchange::Read() {
  http::async_read(stream_, buffer_, parser_,
                   [self = shared_from_this()](const Error& error, size_t) {
                     if (self->Goes(error)) self->Answer();
                   });
}

void Exchange::Answer() {
  auto message = parser_.release();
  const unsigned status = message.result_int();
  if (status >= 300 && status < 400) {
    Finish(absl::FailedPreconditionError(StrCat("answer: ", status, ", and no redirect is taken")));
    return;
  }
  const auto coding = message[http::field::content_encoding];
  if (!coding.empty() && !boost::beast::iequals(coding, "identity")) {
    Finish(absl::DataLossError("answer: is compressed"));
    return;
  }
  Finish(FetchResult{.status = static_cast<int>(status), .body = std::move(message.body())});
}

}  // namespace hookbridge
