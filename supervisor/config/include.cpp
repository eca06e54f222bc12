#include "supervisor/config/include.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/text_file.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kMostFiles = 1000;

void set_file(Value& value, std::size_t file) {
  value.at.file = file;
  if (auto* table = std::get_if<Table>(&value.data)) {
    for (Entry& entry : *table) {
      entry.at.file = file;
      set_file(entry.value, file);
    }
  } else if (auto* array = std::get_if<Array>(&value.data)) {
    for (Value& element : *array) set_file(element, file);
  }
}

/// The files that a pattern names, sorted; what is no pattern names itself.
std::vector<std::string> files_of(const std::string& pattern, const std::string& including) {
  std::error_code error;  // A working directory that is gone: the path stays relative to it.
  const auto base = std::filesystem::absolute(including, error).parent_path();
  const std::string path = (base / pattern).lexically_normal();
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(path.c_str(), GLOB_NOMAGIC, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return files;
}

class Including {
 public:
  Including(Value document, const std::string& file)
      : sources_{.document = std::move(document), .files = {file}, .errors = {}} {}

  Sources run() && {
    const Table* root = std::get_if<Table>(&sources_.document.data);
    const auto found = std::ranges::find(*root, "include", &Entry::key);
    if (found == root->end()) return std::move(sources_);
    const Value include = found->value;
    const auto* patterns = std::get_if<Array>(&include.data);
    if (patterns == nullptr) return std::move(sources_);  // read_document() complains.
    for (const Value& element : *patterns) {
      const auto* pattern = std::get_if<std::string>(&element.data);
      if (pattern == nullptr || pattern->empty() || pattern->contains('\0')) continue;
      for (const std::string& file : files_of(*pattern, sources_.files.front())) add(file, element);
    }
    return std::move(sources_);
  }

 private:
  void refuse(Position at, std::string text) {
    sources_.errors.push_back({sources_.files.at(at.file), at.line, at.column, std::move(text)});
  }

  void add(const std::string& file, const Value& named) {
    if (std::ranges::find(sources_.files, file) != sources_.files.end()) return;
    if (sources_.files.size() > kMostFiles) {
      if (std::exchange(is_full_, true)) return;
      return refuse(named.at, fmt::format("include: more than {} files", kMostFiles));
    }
    const std::size_t place = sources_.files.size();
    sources_.files.push_back(file);
    const auto text = read_text_file(file);
    if (!text) return refuse({.file = place}, text.error().text);
    auto document = ipc::document::parse_document(*text);
    if (!document) {
      Position at = document.error().at;
      at.file = place;
      return refuse(at, "not valid TOML: " + document.error().text);
    }
    set_file(*document, place);
    for (Entry& entry : std::get<Table>(document->data)) take(std::move(entry));
  }

  void take(Entry entry) {
    if (entry.key == "include") {
      return refuse(entry.at, "include: an included file includes no other; name that file in " +
                                  sources_.files.front());
    }
    if (entry.key == "supervisor") {
      return refuse(entry.at, "supervisor: it belongs into " + sources_.files.front());
    }
    auto& root = std::get<Table>(sources_.document.data);
    const auto same = std::ranges::find(root, entry.key, &Entry::key);
    if (same == root.end()) return root.push_back(std::move(entry));
    auto* into = std::get_if<Table>(&same->value.data);
    auto* from = std::get_if<Table>(&entry.value.data);
    if (into == nullptr || from == nullptr) {
      return refuse(entry.at, fmt::format("{}: expected tables [{}.NAME]", in_quotes(entry.key),
                                          in_quotes(entry.key)));
    }
    for (Entry& named : *from) {
      const auto twin = std::ranges::find(*into, named.key, &Entry::key);
      if (twin == into->end()) {
        into->push_back(std::move(named));
        continue;
      }
      const Position& at = twin->at;
      refuse(named.at,
             fmt::format("{}.{}: it is defined already, in {}:{}:{}; remove one", entry.key,
                         named.key, sources_.files.at(at.file), at.line, at.column));
    }
  }

  Sources sources_;
  bool is_full_ = false;
};

}  // namespace

Sources include_files(Value document, const std::string& file) {
  return Including(std::move(document), file).run();
}

}  // namespace reeve::supervisor::config
