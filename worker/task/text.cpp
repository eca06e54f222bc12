// Out of line: what most files include needs neither <cxxabi.h> nor a try.

#include "worker/task/text.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace reeve::worker {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

std::string type_name(std::type_index type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace reeve::worker
