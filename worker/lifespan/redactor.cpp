#include "worker/lifespan/redactor.hpp"

#include <algorithm>

#include "reeve/secret.hpp"

namespace reeve::worker {
namespace {

/// In "scheme://user:password@host/": the text between the ':' and the last '@' before the path.
std::string_view password_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon >= at) return {};
  return authority.substr(colon + 1, at - colon - 1);
}

}  // namespace

void Redactor::hide(std::string_view value) {
  const std::lock_guard lock(mutex_);
  hide_one(value);
  hide_one(password_of(value));
  while (value.contains('\n')) {  // A log has no line ends within a line.
    const std::size_t end = value.find('\n');
    hide_one(value.substr(0, end));
    value.remove_prefix(end + 1);
    if (!value.contains('\n')) hide_one(value);
  }
}

void Redactor::hide_one(std::string_view value) {
  if (value.size() < kShortest || std::ranges::count(values_, value) > 0) return;
  const auto shorter = [value](const std::string& other) { return other.size() < value.size(); };
  values_.emplace(std::ranges::find_if(values_, shorter), value);
}

std::string Redactor::redact(std::string_view text) const {
  std::string shown(text);
  const std::lock_guard lock(mutex_);
  for (const std::string& value : values_) {
    for (std::size_t at = shown.find(value); at != std::string::npos; at = shown.find(value, at)) {
      shown.replace(at, value.size(), Secret::kShown);
      at += Secret::kShown.size();
    }
  }
  return shown;
}

}  // namespace reeve::worker
