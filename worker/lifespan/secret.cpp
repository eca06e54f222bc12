#include "reeve/secret.hpp"

#include <cstring>
#include <ostream>
#include <utility>

namespace reeve {
namespace {

/// Also what lies beyond the end, which may be the rest of a longer text.
void wipe_text(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.capacity());
  text.clear();
}

}  // namespace

Secret::Secret(std::string&& text) : text_(text) { wipe_text(text); }

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();  // Assignment may free the old text, as it is.
  text_ = other.text_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  text_ = std::move(other.text_);
  other.wipe();
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept { wipe_text(text_); }

bool Secret::equals(std::string_view other) const {
  if (text_.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    difference |= static_cast<unsigned char>(text_[i]) ^ static_cast<unsigned char>(other[i]);
  }
  const volatile unsigned result = difference;  // No early way out for an optimizer to find.
  return result == 0;
}

std::ostream& operator<<(std::ostream& out, const Secret& /*secret*/) {
  return out << Secret::kShown;
}

}  // namespace reeve
