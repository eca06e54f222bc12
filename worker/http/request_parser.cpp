#include "worker/http/request_parser.hpp"

#include <llhttp.h>

#include <cassert>
#include <optional>
#include <utility>

#include "worker/http/characters.hpp"
#include "worker/http/head_rules.hpp"
#include "worker/http/request_access.hpp"
#include "worker/http/target.hpp"

namespace reeve::worker {

#if LLHTTP_VERSION_MAJOR < 9  // From 9 on there is no other mode.
static_assert(LLHTTP_STRICT_MODE == 1, "llhttp must be compiled in strict mode");
#endif

namespace {
constexpr std::size_t kMaxChunkExtensionBytes = 4096;
constexpr std::size_t kUsualHeaders = 16;
}  // namespace

/// llhttp for one request. It is fed whole heads and whole trailers, so its spans need no joining.
struct RequestParser::Framing {
  llhttp_t llhttp{};
  RequestParser* parser = nullptr;
  std::optional<ParseError> error;
  std::size_t extension_bytes = 0;
  bool last_chunk = false;
  bool complete = false;

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t kSettings = [] {
      llhttp_settings_t callbacks;
      llhttp_settings_init(&callbacks);
      callbacks.on_url = on_url;
      callbacks.on_header_field = on_header_field;
      callbacks.on_header_value = on_header_value;
      callbacks.on_headers_complete = on_headers_complete;
      callbacks.on_chunk_extension_name = on_chunk_extension;
      callbacks.on_chunk_extension_value = on_chunk_extension;
      callbacks.on_chunk_header = on_chunk_header;
      callbacks.on_body = on_body;
      callbacks.on_message_complete = on_message_complete;
      return callbacks;
    }();
    return kSettings;
  }

  void begin() {
    llhttp_init(&llhttp, HTTP_REQUEST, &settings());
    llhttp.data = this;
    error.reset();
    extension_bytes = 0;
    last_chunk = complete = false;
  }

  /// Returns how many bytes llhttp used: all, unless the last chunk's size line or the message
  /// ended earlier.
  [[nodiscard]] Parsed<std::size_t> execute(std::string_view bytes) {
    switch (llhttp_execute(&llhttp, bytes.data(), bytes.size())) {
      case HPE_OK:
        return bytes.size();
      case HPE_PAUSED: {
        const auto used = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp) - bytes.data());
        llhttp_resume(&llhttp);
        return used;
      }
      default:
        return std::unexpected(error.value_or(ParseError{400, "malformed request"}));
    }
  }

 private:
  static Framing& of(llhttp_t* llhttp) { return *static_cast<Framing*>(llhttp->data); }
  static RequestAccess::Parts& parts(llhttp_t* llhttp) {
    return RequestAccess::parts(*of(llhttp).parser->request_);
  }
  static int fail(llhttp_t* llhttp, int status, std::string_view reason) {
    of(llhttp).error = ParseError{status, reason};
    return HPE_USER;
  }

  static int on_url(llhttp_t* llhttp, const char* at, std::size_t length) {
    parts(llhttp).target = {at, length};
    return HPE_OK;
  }

  static int on_header_field(llhttp_t* llhttp, const char* at, std::size_t length) {
    const std::string_view name(at, length);
    if (of(llhttp).last_chunk) {
      return is_forbidden_trailer(name) ? fail(llhttp, 400, "forbidden trailer") : HPE_OK;
    }
    parts(llhttp).headers.push_back({name, {}});
    return HPE_OK;
  }

  static int on_header_value(llhttp_t* llhttp, const char* at, std::size_t length) {
    if (!of(llhttp).last_chunk) parts(llhttp).headers.back().value = trim_blanks({at, length});
    return HPE_OK;
  }

  static int on_headers_complete(llhttp_t* llhttp) {
    llhttp->upgrade = 0;  // No other protocol is spoken here: Upgrade is ignored.
    RequestParser& parser = *of(llhttp).parser;
    const auto facts =
        check_head(parts(llhttp).headers, parser.http_1_1_, parser.limits_.body_bytes);
    if (!facts) return fail(llhttp, facts.error().status, facts.error().reason);
    parser.expects_continue_ = facts->expects_continue;
    parser.keep_alive_ = llhttp_should_keep_alive(llhttp) != 0;
    return HPE_OK;
  }

  static int on_chunk_extension(llhttp_t* llhttp, const char*, std::size_t length) {
    std::size_t& bytes = of(llhttp).extension_bytes;
    bytes += length;
    return bytes > kMaxChunkExtensionBytes ? fail(llhttp, 413, "chunk extensions too large")
                                           : HPE_OK;
  }

  static int on_chunk_header(llhttp_t* llhttp) {
    if (llhttp->content_length == 0) {
      of(llhttp).last_chunk = true;
      return HPE_PAUSED;
    }
    const std::size_t room = of(llhttp).parser->limits_.body_bytes - parts(llhttp).body.size();
    return llhttp->content_length > room ? fail(llhttp, 413, "body too large") : HPE_OK;
  }

  static int on_body(llhttp_t* llhttp, const char* at, std::size_t length) {
    parts(llhttp).body.append(at, length);
    return HPE_OK;
  }

  static int on_message_complete(llhttp_t* llhttp) {
    of(llhttp).complete = true;
    return HPE_PAUSED;
  }
};

RequestParser::RequestParser(const HttpLimits& limits)
    : limits_(limits), scanner_(limits), framing_(std::make_unique<Framing>()) {
  framing_->parser = this;
}

RequestParser::~RequestParser() = default;

void RequestParser::begin(Request& request) {
  RequestAccess::clear(request);
  request_ = &request;
  stage_ = Stage::Head;
  keep_alive_ = expects_continue_ = http_1_1_ = false;
  scanner_.begin_head();
  framing_->begin();
}

Parsed<std::size_t> RequestParser::parse(std::string_view bytes) {
  assert(request_ != nullptr && "begin() first");
  std::size_t used = 0;
  while (stage_ != Stage::Complete) {
    const Stage before = stage_;
    const std::string_view rest = bytes.substr(used);
    const auto step = stage_ == Stage::Head   ? parse_head(rest)
                      : stage_ == Stage::Body ? parse_body(rest)
                                              : parse_trailers(rest);
    if (!step) return step;
    used += *step;
    if (stage_ == before) break;  // More bytes are needed to go on.
  }
  return used;
}

Parsed<std::size_t> RequestParser::parse_head(std::string_view bytes) {
  const auto size = scanner_.scan(bytes);
  if (!size) return std::unexpected(size.error());
  if (!*size) return 0;

  auto& parts = RequestAccess::parts(*request_);
  parts.head = bytes.substr(0, **size);
  parts.headers.reserve(kUsualHeaders);
  const std::string_view line = std::string_view(parts.head).substr(0, parts.head.find('\r'));
  parts.method = *parse_method(line.substr(0, line.find(' ')));  // The scanner knows it.
  http_1_1_ = line.ends_with('1');
  if (const auto used = framing_->execute(parts.head); !used) return used;

  const auto target = split_target(parts.target);
  auto path = target ? percent_decode(target->path) : std::nullopt;
  auto queries = target ? parse_query(target->query) : std::nullopt;
  if (!path || !queries || (*path == "*" && parts.method != Method::Options)) {
    return refuse(400, "malformed request target");
  }
  parts.raw_path = target->path;
  parts.path = std::move(*path);
  parts.queries = std::move(*queries);

  stage_ = framing_->complete ? Stage::Complete : Stage::Body;
  return **size;
}

Parsed<std::size_t> RequestParser::parse_body(std::string_view bytes) {
  const auto used = framing_->execute(bytes);
  if (!used) return used;
  if (framing_->complete) stage_ = Stage::Complete;
  if (framing_->last_chunk) {
    stage_ = Stage::Trailers;
    scanner_.begin_trailers();
  }
  return used;
}

Parsed<std::size_t> RequestParser::parse_trailers(std::string_view bytes) {
  const auto size = scanner_.scan(bytes);
  if (!size) return std::unexpected(size.error());
  if (!*size) return 0;
  if (const auto used = framing_->execute(bytes.substr(0, **size)); !used) return used;
  if (!framing_->complete) return refuse(400, "malformed trailers");
  stage_ = Stage::Complete;
  return **size;
}

}  // namespace reeve::worker
