#pragma once
// A line of text, put together without allocating: for signal handlers. What does not fit is cut.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeve::worker {

class SignalSafeText {
 public:
  SignalSafeText& add(std::string_view text) {
    for (const char each : text) {
      if (size_ < bytes_.size()) bytes_[size_++] = each;
    }
    return *this;
  }
  SignalSafeText& add_decimal(std::uint64_t number) { return add_digits(number, 10); }
  SignalSafeText& add_hex(std::uint64_t number) { return add("0x").add_digits(number, 16); }

  [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }
  /// For the kernel. Cuts the last byte where there is no room.
  [[nodiscard]] const char* c_str() {
    bytes_[size_ < bytes_.size() ? size_ : bytes_.size() - 1] = '\0';
    return bytes_.data();
  }

 private:
  SignalSafeText& add_digits(std::uint64_t number, unsigned base) {
    std::array<char, 20> digits;
    std::size_t begin = digits.size();
    do {
      digits[--begin] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number != 0);
    return add({digits.data() + begin, digits.size() - begin});
  }

  std::array<char, 640> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace reeve::worker
