#pragma once
// Turns bytes into one Request after another: HeadScanner refuses what is not strictly HTTP/1.x,
// llhttp frames, and what no request may say is refused at the end of the head. Knows no socket and
// no clock. One a connection; loop thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "reeve/http_limits.hpp"
#include "reeve/request.hpp"
#include "worker/http/head_rules.hpp"
#include "worker/http/head_scanner.hpp"

namespace reeve::worker {

class RequestParser {
 public:
  ///   Head --> Body --> Complete       Content-Length
  ///     |       +--> Trailers --^      chunked
  ///     +-----------------------^      no body
  enum class Stage : std::uint8_t { Head, Body, Trailers, Complete };

  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Starts on the next request, which goes into `request`; that must outlive its parsing.
  void begin(Request& request);

  /// Takes bytes of the request and returns how many it used. The others must come again, with more
  /// behind them, unless stage() is Complete: then they belong to the next request. After an error
  /// the connection can only be closed.
  [[nodiscard]] Parsed<std::size_t> parse(std::string_view bytes);

  [[nodiscard]] Stage stage() const { return stage_; }
  /// From the end of the head on: the client wants to send another request after this one.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  /// From the end of the head on: the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  /// From the end of the head on: the client speaks HTTP/1.1, so it understands chunks.
  [[nodiscard]] bool http_1_1() const { return http_1_1_; }

 private:
  struct Framing;  // llhttp and its callbacks.
  friend struct Framing;

  [[nodiscard]] Parsed<std::size_t> parse_head(std::string_view bytes);
  [[nodiscard]] Parsed<std::size_t> parse_body(std::string_view bytes);
  [[nodiscard]] Parsed<std::size_t> parse_trailers(std::string_view bytes);

  const HttpLimits& limits_;
  HeadScanner scanner_;
  std::unique_ptr<Framing> framing_;
  Request* request_ = nullptr;
  Stage stage_ = Stage::Head;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool http_1_1_ = false;
};

}  // namespace reeve::worker
