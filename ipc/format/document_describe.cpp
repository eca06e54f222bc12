#include <fmt/format.h>

#include <cstddef>
#include <variant>

#include "ipc/base/text.hpp"
#include "ipc/format/document.hpp"

namespace reeve::ipc::document {
namespace {

constexpr std::size_t kMostShown = 120;

struct Describe {
  std::string operator()(const std::string& text) const {
    return fmt::format("the string \"{}\"", printable(text, kMostShown));
  }
  std::string operator()(std::int64_t number) const { return fmt::format("the number {}", number); }
  std::string operator()(double number) const { return fmt::format("the number {}", number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(const Array&) const { return "an array"; }
  std::string operator()(const Table&) const { return "a table"; }
  std::string operator()(const DateTime&) const { return "a date or time"; }
};

}  // namespace

std::string describe(const Value& value) { return std::visit(Describe{}, value.data); }

}  // namespace reeve::ipc::document
