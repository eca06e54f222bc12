#include "reeve/router.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>

#include "worker/http/target.hpp"
#include "worker/task/loop_activity.hpp"

namespace reeve {
namespace {

/// Takes the first segment off a path: "/a/b" gives "a" and leaves "/b".
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

[[noreturn]] void refuse_route(Method method, std::string_view pattern, std::string_view why) {
  throw std::invalid_argument("route " + std::string(to_string(method)) + " " +
                              std::string(pattern) + ": " + std::string(why));
}

}  // namespace

/// One segment of the patterns that share what came before it.
struct Router::Node {
  struct Leaf {
    Route route;
    std::vector<std::string> names;  // The parameters'.
  };

  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::array<std::optional<Leaf>, kMethods> routes;

  [[nodiscard]] const Leaf* route(Method method) const {
    const auto& route = routes[static_cast<std::size_t>(method)];
    return route ? &*route : nullptr;
  }
  [[nodiscard]] bool has_routes() const {
    return std::ranges::any_of(routes, [](const auto& route) { return route.has_value(); });
  }

  /// The node that `path` leads to, by way of literals where there is one. `values` gets what stood
  /// in place of the parameters.
  [[nodiscard]] const Node* find(std::string_view path, std::vector<std::string>& values) const {
    if (path.empty()) return has_routes() ? this : nullptr;
    const std::string_view segment = take_segment(path);
    std::optional<std::string> decoded;
    if (segment.contains('%')) decoded = worker::percent_decode(segment);
    const std::string_view text = decoded ? std::string_view(*decoded) : segment;

    if (const auto literal = literals.find(text); literal != literals.end()) {
      if (const Node* found = literal->second->find(path, values)) return found;
    }
    if (parameter == nullptr || text.empty()) return nullptr;
    values.emplace_back(text);
    const Node* found = parameter->find(path, values);
    if (found == nullptr) values.pop_back();
    return found;
  }

  void collect(std::vector<const Route*>& into) const {
    for (const auto& leaf : routes) {
      if (leaf) into.push_back(&leaf->route);
    }
    for (const auto& [segment, node] : literals) node->collect(into);
    if (parameter) parameter->collect(into);
  }

  [[nodiscard]] std::string allow() const {
    std::string list;
    for (std::size_t i = 0; i < kMethods; ++i) {
      const auto method = static_cast<Method>(i);
      const bool implied =
          method == Method::Options || (method == Method::Head && route(Method::Get) != nullptr);
      if (!routes[i] && !implied) continue;
      if (!list.empty()) list += ", ";
      list += to_string(method);
    }
    return list;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

void Router::add(Method method, std::string_view pattern, Handler handler,
                 std::vector<detail::Wanted> wants) {
  if (!pattern.starts_with('/')) refuse_route(method, pattern, "a pattern begins with '/'");
  Node* node = root_.get();
  std::vector<std::string> names;
  for (std::string_view rest = pattern; !rest.empty();) {
    const std::string_view segment = take_segment(rest);
    if (is_parameter(segment)) {
      const std::string name(segment.substr(1, segment.size() - 2));
      if (!segment.ends_with('}') || segment.size() < 3 || name.find_first_of("{}") != name.npos) {
        refuse_route(method, pattern, "a parameter is a whole segment, {name}");
      }
      if (std::ranges::find(names, name) != names.end())
        refuse_route(method, pattern, "a name appears twice");
      names.push_back(name);
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else {
      if (segment.find_first_of("{}?#%") != segment.npos) {
        refuse_route(method, pattern, "a literal segment cannot contain { } ? # or %");
      }
      auto& next = node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
  }
  auto& route = node->routes[static_cast<std::size_t>(method)];
  if (route) refuse_route(method, pattern, "registered twice");
  std::string name = std::string(to_string(method)) + " " + std::string(pattern);
  auto activity = std::make_shared<const worker::Activity>(worker::ActivityKind::Request, name);
  route.emplace(Route{std::move(name), std::move(handler), std::move(wants), std::move(activity)},
                std::move(names));
}

std::vector<const Router::Route*> Router::routes() const {
  std::vector<const Route*> all;
  root_->collect(all);
  return all;
}

Router::Match Router::match(Method method, std::string_view path,
                            std::vector<Parameter>& parameters) const {
  if (!path.starts_with('/')) return {};
  std::vector<std::string> values;
  const Node* node = root_->find(path, values);
  if (node == nullptr) return {};

  const Node::Leaf* route = node->route(method);
  if (route == nullptr && method == Method::Head) route = node->route(Method::Get);
  if (route == nullptr) return {.allow = node->allow()};
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters.push_back({route->names[i], std::move(values[i])});
  }
  return {&route->route, {}};
}

}  // namespace reeve
