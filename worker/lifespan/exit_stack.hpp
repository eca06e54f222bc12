#pragma once
// In which order a lifespan has to be closed: exactly the reverse of the order in which each of its
// nodes became open. It only orders them: what state one is in, the node knows. Loop thread only.

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace reeve::worker {

/// Whether `node` was opened by the open function of `other`, or of what that one has opened.
template <class Node>
[[nodiscard]] bool is_below(const Node& node, const Node& other) {
  const Node* at = node.parent.get();
  while (at != nullptr && at != &other) at = at->parent.get();
  return at != nullptr;
}

/// A Node has a `parent`, a shared pointer: what is over is remembered as long as there is
/// something below it, and no longer.
template <class Node>
class ExitStack {
 public:
  using Pointer = std::shared_ptr<Node>;

  /// The node is open, and the next to be closed.
  void push(Pointer node) { open_.push_back(std::move(node)); }
  /// The node begins to close.
  void remove(const Pointer& node) { std::erase(open_, node); }

  /// The open nodes, in the order in which they became so.
  [[nodiscard]] const std::vector<Pointer>& open() const { return open_; }
  /// The open nodes below `node`, in the order in which to close them.
  [[nodiscard]] std::vector<Pointer> open_below(const Node& node) const {
    std::vector<Pointer> below;
    std::copy_if(open_.rbegin(), open_.rend(), std::back_inserter(below),
                 [&](const Pointer& other) { return is_below(*other, node); });
    return below;
  }

 private:
  std::vector<Pointer> open_;
};

}  // namespace reeve::worker
