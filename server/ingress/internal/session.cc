#include "server/ingress/internal/session.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/ingress/internal/head.h"
#include "server/ingress/internal/response_text.h"
#include "server/ingress/internal/route.h"
#include "server/ingress/internal/sender.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

template <typename T>
using Awaitable = asio::awaitable<T, LaneExecutor>;
using UseAwaitable = asio::use_awaitable_t<LaneExecutor>;
constexpr auto kAwait = asio::as_tuple(UseAwaitable());
constexpr size_t kReadBytes = 16 << 10;
// A chunk header or trailer section that has not ended within this is refused.
constexpr size_t kChunkHeaderBytesMax = 64 << 10;
constexpr size_t kTrailerBytesMax = 8 << 10;
constexpr uint64_t kBudgetStepBytes = 64 << 10;
// What is read and thrown away after a refusal, so that the sender sees the answer and no reset.
constexpr size_t kLingerBytesMax = 1 << 20;
constexpr auto kLingerTime = std::chrono::seconds(1);

HttpResponse PlainResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

HttpResponse RefusalResponse(int status) {
  HttpResponse response;
  response.status = status;
  response.body = "{\"error\":\"refused\"}";
  if (status == 404) response.body = "{\"error\":\"not found\"}";
  if (status == 503) {
    response.headers.emplace_back("Retry-After", StrCat(absl::ToInt64Seconds(limits::kRetryAfter)));
  }
  return response;
}

// The answer of the handler, given once: by the handler, or by the deadline. Lane-bound.
struct Completion {
  absl::AnyInvocable<void(HttpResponse)> resume;
  bool initiating = true;  // the handler has not returned yet

  void Complete(HttpResponse response) {
    if (!resume) return;
    auto once = std::exchange(resume, nullptr);
    once(std::move(response));
  }
};

// What an answer needs to know of its request, whose bytes may be gone by then.
struct AnswerRules {
  explicit AnswerRules(const Head& head)
      : keep_alive(head.keep_alive),
        http_1_0(head.http_1_0),
        with_body(head.method != "HEAD"),
        unread_body(head.has_body()) {}

  bool keep_alive;
  bool http_1_0;
  bool with_body;
  bool unread_body;
};

enum class Phase { kHandshake, kIdle, kHeader, kBody, kHandler, kWrite, kLinger };

// Coroutines here take their arguments by reference from named locals: GCC 12 destroys temporaries
// of class type in a co_await expression twice.

// One connection. Its coroutine holds it; the lane knows it for its deadlines. Strand: the lane's
// thread.
template <typename Stream>
class Session final : public TimedSession, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(Stream stream, IngressLane& lane, IngressState& state)
      : stream_(std::move(stream)), lane_(lane), state_(state), config_(state.config) {
    boost::system::error_code error;
    const auto peer = stream_.lowest_layer().remote_endpoint(error);
    if (!error) peer_address_ = peer.address().to_string();
    remote_address_ = peer_address_;
    lane_.Add(*this);
  }
  ~Session() override {
    lane_.Remove(*this);
    state_.connections.fetch_sub(1, std::memory_order_acq_rel);
  }

  void Start() {
    asio::co_spawn(
        lane_.context(), [self = this->shared_from_this()] { return self->Run(); }, asio::detached);
  }

  void Expire() override {
    if (phase_ == Phase::kHandler && completion_ != nullptr) {
      state_.handler.Refused(Reason::kTimeout, source_, remote_address_);
      const auto completion = completion_;
      completion->Complete(RefusalResponse(503));
      return;
    }
    if (phase_ != Phase::kIdle && phase_ != Phase::kLinger) {
      state_.handler.Refused(Reason::kTimeout, source_, remote_address_);
    }
    Close();
  }

  void CloseIfIdle() override {
    if (phase_ == Phase::kIdle) Close();
  }

  void Close() override {
    deadline = SteadyTime::max();
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
    if (const auto completion = completion_) completion->Complete(RefusalResponse(503));
  }

 private:
  void Enter(Phase phase, std::chrono::milliseconds timeout) {
    phase_ = phase;
    deadline = std::chrono::steady_clock::now() + timeout;
  }

  Awaitable<void> Run() {
    const auto self = this->shared_from_this();
    if (!co_await Handshake()) co_return;
    while (true) {
      const size_t head_bytes = co_await ReadHeadBytes();
      if (head_bytes == 0) break;
      if (!co_await ServeRequest(head_bytes)) break;
    }
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

  Awaitable<bool> Handshake() {
    if constexpr (!std::is_same_v<Stream, TcpSocket>) {
      Enter(Phase::kHandshake, state_.timeouts.handshake);
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
      if (!error) client_names_ = ClientNames(stream_.native_handle());
      co_return !error;
    }
    co_return true;
  }

  // Reads until the buffer holds a whole head; its size, or 0 when the connection ends.
  Awaitable<size_t> ReadHeadBytes() {
    size_t scanned = 0;
    Enter(Phase::kIdle, state_.timeouts.idle);
    while (true) {
      const std::string_view bytes = Buffered();
      if (!bytes.empty() && phase_ == Phase::kIdle) Enter(Phase::kHeader, state_.timeouts.header);
      bool line_seen = scanned > 0;
      for (size_t at = bytes.find('\n', scanned); at != std::string_view::npos;
           at = bytes.find('\n', at + 1)) {
        line_seen = true;
        if (at == 0 || bytes[at - 1] != '\r') {
          co_await RefuseAndClose(Reason::kMalformedHttp, 400);
          co_return 0;
        }
        if (at >= 3 && bytes.substr(at - 3, 4) == "\r\n\r\n") {
          if (at + 1 <= config_.header_bytes_max()) co_return at + 1;
          co_await RefuseAndClose(Reason::kHeaderTooLarge, 431);
          co_return 0;
        }
        scanned = at + 1;
      }
      if (!line_seen && bytes.size() > config_.target_bytes_max() + 64) {
        co_await RefuseAndClose(Reason::kTargetTooLong, 414);
        co_return 0;
      }
      if (bytes.size() >= config_.header_bytes_max()) {
        co_await RefuseAndClose(Reason::kHeaderTooLarge, 431);
        co_return 0;
      }
      if (!co_await ReadSome()) co_return 0;
    }
  }

  // One request from its head to its answer; whether the connection stays.
  Awaitable<bool> ServeRequest(size_t head_bytes) {
    WebhookRequest request;
    const std::string_view bytes = Buffered().substr(0, head_bytes);
    request.header_block.assign(bytes.begin(), bytes.end());
    buffer_.consume(head_bytes);
    const auto read = ReadHead({request.header_block.data(), request.header_block.size()},
                               {.target_bytes_max = config_.target_bytes_max(),
                                .header_lines_max = config_.header_lines_max()});
    if (const auto* const refusal = std::get_if<HeadRefusal>(&read)) {
      co_await RefuseAndClose(refusal->reason, refusal->status);
      co_return false;
    }
    const Head& head = std::get<Head>(read);
    const AnswerRules rules(head);
    const Route route = FindRoute(head.target);
    source_ = route.source;
    if (route.kind != RouteKind::kWebhook) co_return co_await ServeOther(head, route, rules);
    if (head.has_content_encoding) {
      co_await RefuseAndClose(Reason::kContentEncoding, 415);
      co_return false;
    }
    remote_address_ = SenderAddress(state_.trusted_proxies, peer_address_, head.headers);
    Admission admission = state_.handler.Admit(
        {.method = head.method,
         .source = route.source,
         .token = route.token,
         .query = route.query,
         .content_length =
             head.chunked ? std::nullopt : std::make_optional(head.content_length.value_or(0)),
         .remote_address = remote_address_,
         .headers = head.headers,
         .client_names = client_names_});
    if (admission.response) co_return co_await AnswerEarly(rules, *admission.response);
    if (!co_await ReadBody(head, admission, request.body)) co_return false;

    // The request's views move with its header block; `head`'s do not outlive Handle.
    request.method = head.method;
    request.path = route.path;
    request.query = route.query;
    request.source = route.source;
    request.token = route.token;
    request.headers = head.headers;
    request.receive_time = state_.clock.Now();
    request.remote_address = remote_address_;
    request.request_id = lane_.NewRequestId();
    HttpResponse response;
    co_await Handle(request, response);
    admission.ticket.reset();
    co_return co_await Answer(rules, response);
  }

  Awaitable<bool> ServeOther(const Head& head, const Route& route, const AnswerRules& rules) {
    HttpResponse response;
    if (route.kind == RouteKind::kNotFound) {
      state_.handler.Refused(Reason::kUnknownSource, "", remote_address_);
      response = RefusalResponse(404);
    } else if (head.method != "GET" && head.method != "HEAD") {
      response = RefusalResponse(405);
      response.headers.emplace_back("Allow", "GET, HEAD");
    } else if (route.kind == RouteKind::kLivez) {
      response = PlainResponse(200, "ok\n");
    } else if (state_.handler.NotReadyReason().empty()) {
      response = PlainResponse(200, "ready\n");
    } else {
      response = PlainResponse(503, "not ready\n");
    }
    co_return co_await AnswerEarly(rules, response);
  }

  // An answer without looking at the body: what is left of it cannot be skipped, so close.
  Awaitable<bool> AnswerEarly(const AnswerRules& rules, HttpResponse& response) {
    response.close |= rules.unread_body;
    const bool stays = co_await Answer(rules, response);
    if (!stays && rules.unread_body) co_await Linger();
    co_return stays;
  }

  Awaitable<bool> Answer(const AnswerRules& rules, const HttpResponse& response) {
    const bool keep_alive =
        rules.keep_alive && !response.close && !state_.draining.load(std::memory_order_relaxed);
    // An HTTP/1.0 sender has to be told that the connection stays.
    WriteResponse(response, keep_alive, rules.with_body, out_);
    if (keep_alive && rules.http_1_0)
      out_.insert(out_.find("\r\n") + 2, "Connection: keep-alive\r\n");
    Enter(Phase::kWrite, state_.timeouts.write);
    const auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(out_), kAwait);
    co_return !error && keep_alive;
  }

  Awaitable<void> RefuseAndClose(Reason reason, int status) {
    state_.handler.Refused(reason, source_, remote_address_);
    WriteResponse(RefusalResponse(status), /*keep_alive=*/false, /*with_body=*/true, out_);
    Enter(Phase::kWrite, state_.timeouts.write);
    const auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(out_), kAwait);
    if (!error) co_await Linger();
  }

  Awaitable<void> Linger() {
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
    phase_ = Phase::kLinger;
    deadline = std::chrono::steady_clock::now() + kLingerTime;
    size_t discarded = 0;
    while (discarded < kLingerBytesMax) {
      buffer_.consume(buffer_.size());
      if (!co_await ReadSome()) co_return;
      discarded += buffer_.size();
    }
  }

  Awaitable<bool> ReadBody(const Head& head, Admission& admission, std::string& body) {
    if (!head.has_body()) co_return true;
    Enter(Phase::kBody, state_.timeouts.body);
    if (head.expect_continue && buffer_.size() == 0) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto [error, bytes] =
          co_await asio::async_write(stream_, asio::buffer(kContinue), kAwait);
      if (error) co_return false;
    }
    if (head.chunked) co_return co_await ReadChunkedBody(admission, body);
    co_return co_await ReadSizedBody(*head.content_length, body);
  }

  // Admission has compared the size with its limit.
  Awaitable<bool> ReadSizedBody(uint64_t size, std::string& body) {
    body.resize(size);
    size_t have = std::min<size_t>(buffer_.size(), size);
    std::memcpy(body.data(), buffer_.data().data(), have);
    buffer_.consume(have);
    while (have < size) {
      const auto [error, bytes] =
          co_await stream_.async_read_some(asio::buffer(body.data() + have, size - have), kAwait);
      if (error) co_return false;
      have += bytes;
    }
    co_return true;
  }

  // Beast decodes the chunks; it is given a head of its own, since ours has been read strictly.
  Awaitable<bool> ReadChunkedBody(Admission& admission, std::string& body) {
    static constexpr std::string_view kHead =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    http::request_parser<http::string_body> parser;
    parser.eager(true);
    parser.body_limit(admission.body_bytes_max);
    parser.header_limit(kTrailerBytesMax);
    boost::system::error_code error;
    parser.put(asio::buffer(kHead), error);
    error = {};
    uint64_t reserved = 0;
    while (!parser.is_done()) {
      const size_t used = buffer_.size() == 0 ? 0 : parser.put(buffer_.data(), error);
      buffer_.consume(used);
      if (error == http::error::need_more) error = {};
      if (error) {
        const bool large = error == http::error::body_limit;
        co_await RefuseAndClose(large ? Reason::kBodyTooLarge : Reason::kMalformedHttp,
                                large ? 413 : 400);
        co_return false;
      }
      while (parser.get().body().size() > reserved) {
        if (admission.ticket != nullptr && !admission.ticket->Grow(kBudgetStepBytes)) {
          co_await RefuseAndClose(Reason::kOverload, 503);
          co_return false;
        }
        reserved += kBudgetStepBytes;
      }
      if (parser.is_done()) break;
      if (buffer_.size() >= kChunkHeaderBytesMax) {
        co_await RefuseAndClose(Reason::kMalformedHttp, 400);
        co_return false;
      }
      if (!co_await ReadSome()) co_return false;
    }
    body = std::move(parser.get().body());
    co_return true;
  }

  Awaitable<void> Handle(WebhookRequest& request, HttpResponse& response) {
    Enter(Phase::kHandler, state_.timeouts.handler);
    completion_ = std::make_shared<Completion>();
    const auto initiate = [this, &request](auto resume) {
      // Never from inside the initiation: an early answer takes a turn through the loop.
      const std::shared_ptr<Completion> completion = completion_;
      completion->resume = std::move(resume);
      state_.handler.Handle(std::move(request), lane_,
                            [&lane = lane_, completion](HttpResponse answer) {
                              if (!completion->initiating) {
                                return completion->Complete(std::move(answer));
                              }
                              lane.Post([completion, answer = std::move(answer)]() mutable {
                                completion->Complete(std::move(answer));
                              });
                            });
      completion->initiating = false;
    };
    response = co_await asio::async_initiate<const UseAwaitable, void(HttpResponse)>(
        initiate, UseAwaitable());
    completion_.reset();
  }

  std::string_view Buffered() const {
    return {static_cast<const char*>(buffer_.data().data()), buffer_.size()};
  }

  Awaitable<bool> ReadSome() {
    const auto [error, bytes] =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    if (error) co_return false;
    buffer_.commit(bytes);
    co_return true;
  }

  Stream stream_;
  IngressLane& lane_;
  IngressState& state_;
  const config::v1::Ingress& config_;
  boost::beast::flat_buffer buffer_;
  std::string out_;
  std::string peer_address_;
  std::string remote_address_;  // of the request's sender, trusted proxies resolved
  std::vector<std::string> client_names_;
  std::string source_;
  Phase phase_ = Phase::kIdle;
  std::shared_ptr<Completion> completion_;
};

}  // namespace

void ServeConnection(TcpSocket socket, asio::ssl::context* tls, IngressLane& lane,
                     IngressState& state) {
  if (tls == nullptr) {
    std::make_shared<Session<TcpSocket>>(std::move(socket), lane, state)->Start();
    return;
  }
  using TlsStream = asio::ssl::stream<TcpSocket>;
  std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls), lane, state)->Start();
}

}  // namespace hookbridge
