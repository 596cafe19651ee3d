#include "client/hookctl/http_client.h"

#include "server/base/strings.h"

#include "absl/strings/numbers.h"
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace hookbridge::hookctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kTimeout{10};
constexpr uint64_t kAnswerBytesMax = 1 << 20;

}  // namespace

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return absl::InvalidArgumentError(StrCat("'", text, "' is no http:// or https:// URL"));
  }
  const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  const std::string_view target = rest.substr(slash);
  const size_t question = std::min(target.find('?'), target.size());
  url.path = std::string(target.substr(0, question));
  if (url.path.empty()) url.path = "/";
  if (question < target.size()) url.query = std::string(target.substr(question + 1));
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    uint32_t port = 0;
    if (!absl::SimpleAtoi(std::string(authority.substr(colon + 1)), &port) || port == 0 ||
        port > 65535) {
      return absl::InvalidArgumentError(StrCat("'", text, "': the port is no number to 65535"));
    }
    url.port = static_cast<uint16_t>(port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty() || authority.find('@') != std::string_view::npos) {
    return absl::InvalidArgumentError(StrCat("'", text, "' has no host, or a user name"));
  }
  url.host = std::string(authority);
  return url;
}

class HttpClient::Impl {
 public:
  Impl(Url url, bool insecure) : url_(std::move(url)), insecure_(insecure) {}

  absl::StatusOr<HttpAnswer> Post(const std::string& target,
                                  const std::vector<HeaderField>& headers,
                                  const std::string& body) {
    const auto request = MakeRequest(target, headers, body);
    const bool reused = stream_.has_value();
    absl::StatusOr<HttpAnswer> answer = Exchange(request);
    // The host may have closed an idle connection; a new one tells.
    return !answer.ok() && reused ? Exchange(request) : answer;
  }

  absl::Status PostTruncated(const std::string& target, const std::vector<HeaderField>& headers,
                             const std::string& body) {
    stream_.reset();
    if (const absl::Status connected = Connect(); !connected.ok()) return connected;
    auto request = MakeRequest(target, headers, body);
    request.body().resize(body.size() / 2);
    const error_code error = Write(request);
    stream_.reset();
    return error ? Unavailable("write", error) : absl::OkStatus();
  }

 private:
  using Request = http::request<http::string_body>;
  using TlsStream = asio::ssl::stream<boost::beast::tcp_stream>;

  Request MakeRequest(const std::string& target, const std::vector<HeaderField>& headers,
                      const std::string& body) const {
    Request request(http::verb::post, target, 11);
    request.set(http::field::host, StrCat(url_.host, ":", url_.port));
    request.set(http::field::user_agent, "hookctl");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    return request;
  }

  absl::StatusOr<HttpAnswer> Exchange(const Request& request) {
    if (const absl::Status connected = Connect(); !connected.ok()) return connected;
    // A refusal may come before the body was taken: the answer counts, not the write.
    Write(request);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerBytesMax);
    boost::beast::flat_buffer buffer;
    const error_code error = Wait([&](auto done) {
      Visit([&](auto& stream) { http::async_read(stream, buffer, parser, done); });
    });
    if (error) {
      stream_.reset();
      return Unavailable("no answer", error);
    }
    const auto& response = parser.get();
    if (!response.keep_alive()) stream_.reset();
    return HttpAnswer{.status = response.result_int(),
                      .body = response.body(),
                      .retry_after = std::string(response[http::field::retry_after])};
  }

  absl::Status Connect() {
    if (stream_.has_value()) return absl::OkStatus();
    error_code error;
    tls_context_.set_default_verify_paths(error);
    TlsStream& stream = stream_.emplace(io_, tls_context_);
    const auto endpoints = tcp::resolver(io_).resolve(url_.host, StrCat(url_.port), error);
    if (!error) {
      error = Wait([&](auto done) { stream.next_layer().async_connect(endpoints, done); });
    }
    if (!error && url_.tls) error = Handshake(stream);
    if (!error) return absl::OkStatus();
    stream_.reset();
    return Unavailable("cannot connect", error);
  }

  error_code Handshake(TlsStream& stream) {
    error_code error;
    SSL_set_tlsext_host_name(stream.native_handle(), url_.host.c_str());
    stream.set_verify_mode(insecure_ ? asio::ssl::verify_none : asio::ssl::verify_peer, error);
    if (!insecure_) {
      stream.set_verify_callback(asio::ssl::host_name_verification(url_.host), error);
    }
    return Wait([&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); });
  }

  error_code Write(const Request& request) {
    return Wait(
        [&](auto done) { Visit([&](auto& stream) { http::async_write(stream, request, done); }); });
  }

  // Starts an operation on the stream and runs it to its end or the deadline.
  template <typename Start>
  error_code Wait(Start start) {
    error_code result;
    stream_->next_layer().expires_after(kTimeout);
    start([&result](const error_code& error, const auto&...) { result = error; });
    io_.restart();
    io_.run();
    return result;
  }

  // Calls `use` with the layer that speaks HTTP.
  template <typename Use>
  void Visit(Use use) {
    if (url_.tls) {
      use(*stream_);
    } else {
      use(stream_->next_layer());
    }
  }

  absl::Status Unavailable(std::string_view what, const error_code& error) const {
    return absl::UnavailableError(
        StrCat(url_.host, ":", url_.port, ": ", what, ": ", error.message()));
  }

  const Url url_;
  const bool insecure_;
  asio::io_context io_;
  asio::ssl::context tls_context_{asio::ssl::context::tls_client};
  std::optional<TlsStream> stream_;
};

HttpClient::HttpClient(Url url, bool insecure)
    : impl_(std::make_unique<Impl>(std::move(url), insecure)) {}
HttpClient::~HttpClient() = default;

absl::StatusOr<HttpAnswer> HttpClient::Post(const std::string& target,
                                            const std::vector<HeaderField>& headers,
                                            const std::string& body) {
  return impl_->Post(target, headers, body);
}

absl::Status HttpClient::PostTruncated(const std::string& target,
                                       const std::vector<HeaderField>& headers,
                                       const std::string& body) {
  return impl_->PostTruncated(target, headers, body);
}

}  // namespace hookbridge::hookctl
