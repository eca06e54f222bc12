#include "worker/http/target.hpp"

#include <algorithm>
#include <utility>

#include "reeve/headers.hpp"

namespace reeve::worker {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A form writes a blank as '+'.
std::optional<std::string> decode_form(std::string_view text) {
  std::string blanks(text);
  std::ranges::replace(blanks, '+', ' ');
  return percent_decode(blanks);
}

std::optional<std::string_view> without_scheme_and_host(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto host_end = std::min(target.find_first_of("/?"), target.size());
    if (host_end == 0) return std::nullopt;
    return target.substr(host_end);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Target> split_target(std::string_view target) {
  if (target == "*") return Target{target, {}};
  if (!target.starts_with('/')) {
    const auto rest = without_scheme_and_host(target);
    if (!rest) return std::nullopt;
    target = *rest;
  }
  const auto mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  return Target{path.empty() ? std::string_view("/") : path,
                mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1)};
}

std::optional<std::string> percent_decode(std::string_view text) {
  if (!text.contains('%')) return std::string(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::optional<std::vector<Parameter>> parse_query(std::string_view query) {
  std::vector<Parameter> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode_form(pair.substr(0, equals));
    auto value = decode_form(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    parameters.push_back({std::move(*name), std::move(*value)});
  }
  return parameters;
}

}  // namespace reeve::worker
