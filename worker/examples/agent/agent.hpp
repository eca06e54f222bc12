#pragma once
// A small gateway to language models: it asks the first model that works, remembers what it was
// asked, and answers the same question from its cache. The parts that a test replaces are here.

#include <cstddef>
#include <map>
#include <mutex>
#include <reeve/reeve.hpp>
#include <string>
#include <vector>

namespace agent {

/// Counts who has answered how often; a real one would send it somewhere. Loop thread.
struct Telemetry {
  std::map<std::string, int> answers;
};

/// One question: made with its request, counted after its response was sent.
struct Span {
  Telemetry& telemetry;
  std::string answered_by = "nobody";
};

/// The questions and answers; a stand-in for a database, so its functions may block. Any thread.
class Store {
 public:
  void save(const std::string& prompt, const std::string& answer);
  [[nodiscard]] std::string history() const;
  void keep_newest(std::size_t count);

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Talks to other services; a stub that needs no network. Loop thread.
struct HttpClient {
  virtual ~HttpClient() = default;
  virtual reeve::Task<std::string> post(std::string url, std::string body);
};

/// Prompt to answer. Loop thread.
struct Cache {
  std::map<std::string, std::string> answers;
};

/// Somebody who completes a prompt. Loop thread.
struct Model {
  virtual ~Model() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  virtual reeve::Task<std::string> complete(std::string prompt) = 0;
};

[[nodiscard]] reeve::App make_app();

}  // namespace agent
