// Enough of the Itanium C++ ABI's mangling to read the name of a function: identifiers and their
// scopes, without types. One pass, no recursion, no allocation beyond the name.

#include "ipc/recorder/symbol.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

constexpr std::size_t kMostBytes = 200;
constexpr std::string_view kLambda = "(lambda)";

class Symbol {
 public:
  explicit Symbol(std::string_view mangled) : rest_(mangled) {}

  std::optional<std::string> read() {
    if (!skip("_Z")) return std::nullopt;
    int enclosing = 0;
    while (skip("L") || skip("T") || skip_and_count("Z", enclosing)) {  // Internal, special, local.
    }
    name();
    // A name local to the function, behind its parameters: "ZN3app3runEiPPcENKUlvE_clEv".
    while (enclosing-- > 0 && leave_nesting() && name()) {
    }
    if (name_.empty() || name_ == "std") return std::nullopt;
    return name_.substr(0, kMostBytes);
  }

 private:
  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  bool skip_and_count(std::string_view expected, int& count) {
    if (!skip(expected)) return false;
    ++count;
    return true;
  }

  /// One name with its scopes. False when it was not read to its end.
  bool name() {
    if (skip("St")) name_ = "std";
    const bool nested = skip("N");
    if (nested) {
      while (skip("K") || skip("V") || skip("r") || skip("R") || skip("O")) {  // Qualifiers.
      }
    }
    do {
      if (!part()) return false;
    } while (nested && !skip("E"));
    return true;
  }

  bool part() {
    if (skip("St")) return add("std");
    while (skip("L")) {  // Internal linkage.
    }
    if (skip("I")) return template_arguments();
    if (skip("C1") || skip("C2") || skip("C3")) return add("(constructor)");
    if (skip("D0") || skip("D1") || skip("D2")) return add("(destructor)");
    if (skip("cl")) return name_.ends_with(kLambda) || add("operator()");
    if (skip("Ul")) return lambda();
    if (skip("B")) return identifier().has_value();  // An ABI tag.
    const auto name = identifier();
    return name && add(name->starts_with("_GLOBAL__N_") ? "(anonymous)" : *name);
  }

  std::optional<std::string_view> identifier() {
    std::size_t size = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < 4 && std::isdigit(byte(digits)) != 0) {
      size = size * 10 + static_cast<std::size_t>(rest_[digits++] - '0');
    }
    if (digits == 0 || size == 0 || size > rest_.size() - digits) return std::nullopt;
    const std::string_view name = rest_.substr(digits, size);
    rest_.remove_prefix(digits + size);
    return name;
  }

  /// "UlvE_", "UlRKiE0_": the parameters end with E, the number with '_'.
  bool lambda() { return leave_nesting() && skip_number() && add(kLambda); }
  bool skip_number() {
    while (!rest_.empty() && std::isdigit(byte(0)) != 0) rest_.remove_prefix(1);
    return skip("_");
  }

  bool template_arguments() {
    if (name_.size() < kMostBytes) name_ += "<>";
    return leave_nesting();
  }

  /// To behind the E of what was begun. Letters that open a nesting of their own are counted, and
  /// identifiers, which may hold any letter, skipped as a whole.
  bool leave_nesting() {
    int depth = 1;
    while (!rest_.empty() && depth > 0) {
      if (std::isdigit(byte(0)) != 0) {
        if (!identifier()) return false;
        continue;
      }
      if (rest_.starts_with('S') || rest_.starts_with('T')) {  // "St", "S_", "S1_", "T_"
        rest_.remove_prefix(1);
        if (!rest_.empty() && std::islower(byte(0)) != 0) {
          rest_.remove_prefix(1);
        } else {
          while (!rest_.empty() && rest_.front() != '_') rest_.remove_prefix(1);
          if (!skip("_")) return false;
        }
        continue;
      }
      if (rest_.starts_with('L')) {  // A literal: "Lj8E", "Li0E"; its digits are no length.
        const std::size_t end = rest_.starts_with("L_Z") ? 0 : rest_.find('E');
        if (end == std::string_view::npos) return false;
        if (end > 0) {
          rest_.remove_prefix(end + 1);
          continue;
        }
      }
      if (rest_.starts_with("Ul")) {
        rest_.remove_prefix(2);
        ++depth;
        continue;
      }
      constexpr std::string_view kOpening = "NIXFJL";
      if (kOpening.contains(rest_.front())) ++depth;
      if (rest_.front() == 'E') --depth;
      rest_.remove_prefix(1);
      // What follows the E of a lambda is its number.
      if (depth > 0 && rest_.starts_with('_')) rest_.remove_prefix(1);
    }
    return depth == 0;
  }

  bool add(std::string_view part) {
    if (name_.size() >= kMostBytes) return true;  // The name is cut there anyway.
    if (!name_.empty()) name_ += "::";
    name_ += part;
    return true;
  }

  [[nodiscard]] int byte(std::size_t at) const { return static_cast<unsigned char>(rest_[at]); }

  std::string_view rest_;
  std::string name_;
};

}  // namespace

std::string readable_symbol(std::string_view mangled) {
  const auto name = Symbol(mangled).read();
  return name ? *name : std::string(mangled);
}

}  // namespace reeve::ipc
