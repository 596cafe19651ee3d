#include "server/ingress/internal/session.h"

#include "server/base/config.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/ingress/internal/body_reader.h"
#include "server/ingress/internal/connection.h"
#include "server/ingress/internal/head.h"
#include "server/ingress/internal/response_text.h"
#include "server/ingress/internal/route.h"
#include "server/ingress/internal/sender.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

namespace asio = boost::asio;

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

// Which limit a phase ran into.
std::string_view TimeoutOf(Phase phase) {
  switch (phase) {
    case Phase::kHello:
    case Phase::kHandshake:
      return "handshake_timeout";
    case Phase::kHeader:
      return "header_timeout";
    case Phase::kBody:
      return "body_timeout or body_bytes_per_second_min";
    case Phase::kHandler:
      return "handler_timeout";
    default:
      return "write_timeout";
  }
}

// The source that the target names, whatever else is wrong with the request.
std::string_view SourceOf(std::string_view target) { return FindRoute(target).source; }

// The source of a head that has not ended.
std::string_view SourceOfUnfinished(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  const size_t begin = line.find(' ');
  const size_t end = line.rfind(' ');
  return begin == std::string_view::npos || end <= begin
             ? std::string_view()
             : SourceOf(line.substr(begin + 1, end - begin - 1));
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

// One connection. Its coroutine holds it; the lane knows it for its deadlines. Strand: the lane's
// thread.
template <typename Stream>
class Session final : public TimedSession, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(Stream stream, AcceptedPeer peer, IngressLane& lane, IngressState& state)
      : connection_(std::move(stream), *this),
        peer_(std::move(peer)),
        lane_(lane),
        state_(state),
        config_(state.config),
        remote_address_(peer_.address) {
    lane_.Add(*this);
  }
  ~Session() override { lane_.Remove(*this); }

  void Start() {
    asio::co_spawn(
        lane_.context(), [self = this->shared_from_this()] { return self->Run(); },
        [self = this->shared_from_this()](const std::exception_ptr& failure) {
          if (failure == nullptr) return;
          self->Refused(Reason::kInternal, "the connection failed unexpectedly");
          self->Close();
        });
  }

  void Expire() override {
    const Phase phase = connection_.phase();
    if (phase == Phase::kIdle) return connection_.Cancel();
    if (phase != Phase::kLinger) Refused(Reason::kTimeout, TimeoutOf(phase));
    if (phase == Phase::kHandler && completion_ != nullptr) {
      const auto completion = completion_;
      completion->Complete(RefusalResponse(503));
      return;
    }
    Close();
  }

  void EndIfIdle() override {
    const Phase phase = connection_.phase();
    if ((phase == Phase::kIdle || phase == Phase::kHello) && !connection_.HasInput())
      connection_.Cancel();
  }

  void Close() override {
    connection_.Close();
    if (const auto completion = completion_) completion->Complete(RefusalResponse(503));
  }

 private:
  // How a connection ends.
  enum class Ending { kAtOnce, kDiscardInput };

  void Refused(Reason reason, std::string_view rule,
               std::span<const std::string_view> header_names = {}) {
    state_.handler.Refused({.reason = reason,
                            .source = source_,
                            .rule = rule,
                            .remote_address = remote_address_,
                            .header_names = header_names});
  }

  Awaitable<void> Run() {
    const auto self = this->shared_from_this();
    if (!co_await Handshake()) {
      connection_.Close();
      co_return;
    }
    while (true) {
      const size_t head_bytes = co_await ReadHeadBytes();
      if (head_bytes == 0 || !co_await ServeRequest(head_bytes)) break;
    }
    co_await connection_.End(ending_ == Ending::kDiscardInput);
  }

  // Waits for the peer's first byte, then for a turn: what follows is what costs.
  Awaitable<bool> Handshake() {
    if constexpr (Connection<Stream>::kIsTls) {
      connection_.Enter(Phase::kHello, state_.timeouts.handshake);
      const auto [silence] = co_await connection_.socket().async_wait(TcpSocket::wait_read, kAwait);
      if (silence) co_return false;
      connection_.Enter(Phase::kHandshake, state_.timeouts.handshake);
      const auto ask = [this](auto resume) {
        lane_.handshakes().Ask(peer_.owner, std::move(resume));
      };
      co_await Turn(ask);
      const auto [error] =
          co_await connection_.stream().async_handshake(asio::ssl::stream_base::server, kAwait);
      if (!error) client_names_ = ClientNames(connection_.stream().native_handle());
      co_return !error;
    }
    co_return true;
  }

  // Waits until the lane runs what `ask` is given.
  template <typename Ask>
  Awaitable<void> Turn(const Ask& ask) {
    return asio::async_initiate<const UseAwaitable, void()>(ask, UseAwaitable());
  }

  // Reads until the buffer holds a whole head; its size, or 0 when the connection ends.
  Awaitable<size_t> ReadHeadBytes() {
    source_.clear();
    remote_address_ = peer_.address;
    size_t scanned = 0;
    bool may_skip_line = true;  // RFC 9112 section 2.2: one empty line before a request
    connection_.Enter(Phase::kIdle, state_.timeouts.idle);
    while (true) {
      std::string_view bytes = connection_.Buffered();
      if (may_skip_line && bytes.starts_with("\r\n")) {
        connection_.buffer().consume(2);
        bytes = connection_.Buffered();
        may_skip_line = false;
      }
      if (!bytes.empty() && connection_.phase() == Phase::kIdle)
        connection_.Enter(Phase::kHeader, state_.timeouts.header);
      const HeadEnd end = FindHeadEnd(bytes, scanned);
      if (end.refusal) {
        source_ = SourceOfUnfinished(bytes);
        Refuse(*end.refusal);
        co_await SendRefusal();
        co_return 0;
      }
      if (end.bytes > 0) co_return end.bytes;
      if (!co_await connection_.ReadSome()) co_return 0;
    }
  }

  struct HeadEnd {
    size_t bytes = 0;  // of the whole head; 0: it goes on
    std::optional<BodyRefusal> refusal = {};
  };

  // Looks on where the lines before `scanned` were seen whole.
  HeadEnd FindHeadEnd(std::string_view bytes, size_t& scanned) const {
    const BodyRefusal too_large{Reason::kHeaderTooLarge, 431, "header_bytes_max"};
    bool line_seen = scanned > 0;
    for (size_t at = bytes.find('\n', scanned); at != std::string_view::npos;
         at = bytes.find('\n', at + 1)) {
      line_seen = true;
      if (at == 0 || bytes[at - 1] != '\r')
        return {.refusal = {{Reason::kMalformedHttp, 400, "a line does not end with CRLF"}}};
      if (at >= 3 && bytes.substr(at - 3, 4) == "\r\n\r\n") {
        if (at + 1 <= config_.header_bytes_max()) return {.bytes = at + 1};
        return {.refusal = too_large};
      }
      scanned = at + 1;
    }
    if (!line_seen && bytes.size() > config_.target_bytes_max() + 64)
      return {.refusal = {{Reason::kTargetTooLong, 414, "target_bytes_max"}}};
    if (bytes.size() >= config_.header_bytes_max()) return {.refusal = too_large};
    return {};
  }

  // One request from its head to its answer; whether the connection stays.
  Awaitable<bool> ServeRequest(size_t head_bytes) {
    WebhookRequest request;
    const std::string_view bytes = connection_.Buffered().substr(0, head_bytes);
    request.header_block.assign(bytes.begin(), bytes.end());
    connection_.buffer().consume(head_bytes);
    const auto read = ReadHead({request.header_block.data(), request.header_block.size()},
                               {.target_bytes_max = config_.target_bytes_max(),
                                .header_lines_max = config_.header_lines_max()});
    if (const auto* const refusal = std::get_if<HeadRefusal>(&read)) {
      source_ = SourceOf(refusal->target);
      Refuse({refusal->reason, refusal->status, refusal->rule}, refusal->header_names);
      co_await SendRefusal();
      co_return false;
    }
    const Head& head = std::get<Head>(read);
    const AnswerRules rules(head);
    const Route route = FindRoute(head.target);
    source_ = route.source;
    if (route.kind != RouteKind::kWebhook) co_return co_await ServeOther(head, route, rules);
    remote_address_ = SenderAddress(state_.trusted_proxies, peer_.address, head.headers);
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
    if (head.has_body() && !co_await ReadBody(head, admission, request.body)) co_return false;

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
    if (!co_await Handle(request, response)) co_return false;
    admission.ticket.reset();
    co_return co_await Answer(rules, response);
  }

  Awaitable<bool> ReadBody(const Head& head, Admission& admission, std::string& body) {
    BodyReader<Stream> reader(connection_, admission, state_);
    if (co_await reader.Read(head, body)) co_return true;
    if (reader.refusal()) {
      Refuse(*reader.refusal());
      co_await SendRefusal();
    }
    co_return false;
  }

  Awaitable<bool> ServeOther(const Head& head, const Route& route, const AnswerRules& rules) {
    HttpResponse response;
    if (route.kind == RouteKind::kNotFound) {
      Refused(Reason::kUnknownSource, "the path is none of the bridge's");
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
    if (rules.unread_body) ending_ = Ending::kDiscardInput;
    co_return co_await Answer(rules, response);
  }

  Awaitable<bool> Answer(const AnswerRules& rules, const HttpResponse& response) {
    const bool draining = state_.draining.load(std::memory_order_relaxed);
    const bool keep_alive = rules.keep_alive && !response.close && !draining;
    // A sender that did not ask for the end may have sent its next request.
    if (rules.keep_alive && draining) ending_ = Ending::kDiscardInput;
    // An HTTP/1.0 sender has to be told that the connection stays.
    WriteResponse(response, keep_alive, rules.with_body, out_);
    if (keep_alive && rules.http_1_0)
      out_.insert(out_.find("\r\n") + 2, "Connection: keep-alive\r\n");
    connection_.Enter(Phase::kWrite, state_.timeouts.write);
    const bool written = co_await connection_.Write(out_);
    if (!written) connection_.Close();
    co_return written&& keep_alive;
  }

  // Counts the refusal and makes its answer; SendRefusal follows.
  void Refuse(const BodyRefusal& refusal, std::span<const std::string_view> header_names = {}) {
    Refused(refusal.reason, refusal.rule, header_names);
    WriteResponse(RefusalResponse(refusal.status), /*keep_alive=*/false, /*with_body=*/true, out_);
  }
  Awaitable<void> SendRefusal() {
    connection_.Enter(Phase::kWrite, state_.timeouts.write);
    ending_ = Ending::kDiscardInput;
    const bool written = co_await connection_.Write(out_);
    if (!written) connection_.Close();
  }

  // False: the connection has ended before the request's turn came.
  Awaitable<bool> Handle(WebhookRequest& request, HttpResponse& response) {
    connection_.Enter(Phase::kHandler, state_.timeouts.handler);
    if (request.body.size() >= limits::kLargeBodyBytes) {
      const auto ask = [this, &request](auto resume) {
        lane_.large().Ask(request.source, request.body.size(), std::move(resume));
      };
      co_await Turn(ask);
      if (!connection_.is_open()) co_return false;
    }
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
    co_return true;
  }

  Connection<Stream> connection_;
  const AcceptedPeer peer_;
  IngressLane& lane_;
  IngressState& state_;
  const config::v1::Ingress& config_;
  std::string out_;
  std::string remote_address_;  // of the request's sender, trusted proxies resolved
  std::vector<std::string> client_names_;
  std::string source_;  // of the request that is being read or served
  Ending ending_ = Ending::kAtOnce;
  std::shared_ptr<Completion> completion_;
};

}  // namespace

void ServeConnection(TcpSocket socket, AcceptedPeer peer,
                     const std::shared_ptr<asio::ssl::context>& tls, IngressLane& lane,
                     IngressState& state) {
  if (tls == nullptr) {
    std::make_shared<Session<TcpSocket>>(std::move(socket), std::move(peer), lane, state)->Start();
    return;
  }
  // A connection keeps what it needs of the context it began with (SSL_new counts it).
  using TlsStream = asio::ssl::stream<TcpSocket>;
  std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls), std::move(peer), lane,
                                       state)
      ->Start();
}

}  // namespace hookbridge
