// Random trees of tasks that wait for each other in every way there is, and are cancelled or
// destroyed at random: whatever happens, each result is the right one, nothing outlives the one
// that waits for it, and nothing is left. A failure prints the seed of its tree.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/base/uv.hpp"
#include "reeve/channel.hpp"
#include "reeve/combine.hpp"
#include "reeve/wait.hpp"
#include "worker/task/spawn.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

enum class Kind : std::uint8_t {
  Nothing,
  Sleep,
  Yield,
  Offload,
  Fail,
  Stubborn,
  BorrowToken,
  Pipe,  // Leaves.
  All,
  AllOfMany,
  Any,
  AnyOfMany,
  Timeout,
  Sequence,
  Hang,  // A leaf that ends only when it is cancelled.
};
constexpr int kLeafKinds = 8;
constexpr int kKinds = 14;

/// One task of a tree. The ids of what is below it are [id + 1, end).
struct Node {
  Kind kind;
  int id;
  int end;
  milliseconds delay;
  std::vector<Node> children;
};

class TreeMaker {
 public:
  explicit TreeMaker(std::uint_fast32_t seed) : random_(seed) {}

  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  Node plant(int depth) {
    Node node{.kind = Kind(depth == 0 ? pick(kLeafKinds) : pick(kKinds)),
              .id = next_id_++,
              .end = 0,
              .delay = milliseconds(pick(4)),
              .children = {}};
    // Failures end what is around them, so there are few.
    if (node.kind == Kind::Fail && pick(3) != 0) node.kind = Kind::Yield;
    const int children = children_of(node.kind);
    for (int i = 0; i < children; ++i) {
      // Where something else will end it.
      const bool hang = (node.kind == Kind::Timeout || (node.kind == Kind::Any && i == 1));
      node.children.push_back(hang && pick(3) == 0 ? plant_hang() : plant(depth - 1));
    }
    node.end = next_id_;
    return node;
  }
  [[nodiscard]] int planted() const { return next_id_; }

 private:
  Node plant_hang() {
    const int id = next_id_++;
    return {.kind = Kind::Hang, .id = id, .end = next_id_, .delay = {}, .children = {}};
  }

  int children_of(Kind kind) {
    switch (kind) {
      case Kind::Nothing:
      case Kind::Sleep:
      case Kind::Yield:
      case Kind::Offload:
      case Kind::Fail:
      case Kind::Stubborn:
      case Kind::BorrowToken:
      case Kind::Pipe:
      case Kind::Hang:
        return 0;
      case Kind::Timeout:
        return 1;
      case Kind::All:
      case Kind::Any:
        return 2;
      case Kind::AllOfMany:
      case Kind::AnyOfMany:
      case Kind::Sequence:
        return 1 + pick(4);
    }
    return 0;
  }

  std::mt19937 random_;
  int next_id_ = 0;
};

class Failure : public std::runtime_error {
 public:
  explicit Failure(int its_id) : std::runtime_error("failure"), id(its_id) {}
  int id;
};

/// A tree and what has become of it.
struct Tree {
  Tree(std::uint_fast32_t its_seed, Channel<int>& its_tokens)
      : seed(its_seed), maker(its_seed), root(maker.plant(4)), tokens(its_tokens) {
    alive.resize(static_cast<std::size_t>(maker.planted()));
    started.resize(alive.size());
  }

  void expect(bool holds, const char* what, const Node& node) {
    if (!holds) {
      ADD_FAILURE() << what << ": node " << node.id << " of kind " << int(node.kind) << ", seed "
                    << seed;
    }
  }
  void expect_alone(const Node& node) {
    for (int id = node.id + 1; id < node.end; ++id) {
      expect(alive[static_cast<std::size_t>(id)] == 0, "a child outlived the wait for it", node);
    }
  }
  void expect_gone() {
    expect(std::ranges::count(alive, 0) == std::ssize(alive), "a frame was left", root);
  }

  std::uint_fast32_t seed;
  TreeMaker maker;
  Node root;
  Channel<int>& tokens;
  std::vector<int> alive;
  std::vector<int> started;
  int ended = 0;
  bool uprooted = false;  // The frames are destroyed where they stand.
};

struct Presence {
  Presence(Tree& its_tree, const Node& its_node) : tree(its_tree), node(its_node) {
    tree.expect(++tree.started[index()] == 1, "started twice", node);
    ++tree.alive[index()];
  }
  ~Presence() {
    tree.expect(--tree.alive[index()] == 0, "ended twice", node);
    tree.expect_alone(node);
    tree.expect(ended || tree.uprooted, "did not end", node);
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  [[nodiscard]] std::size_t index() const { return static_cast<std::size_t>(node.id); }

  Tree& tree;
  const Node& node;
  bool ended = false;
};

Task<int> grow(Tree& tree, const Node& node);

Task<> run_sleep(const Node& node) { co_await sleep_for(node.delay); }

Task<> run_offload(Tree& tree, const Node& node) {
  int local = 0;  // The thread writes to the frame.
  const int id = co_await offload([&local, &node] { return local = node.id; });
  tree.expect(id == node.id && local == id, "wrong result of an offload", node);
}

Task<> run_fail(const Node& node) {
  if (node.delay > milliseconds(1)) co_await yield();
  throw Failure(node.id);
}

Task<> run_stubborn(const Node& node) {
  try {
    co_await sleep_for(node.delay);
  } catch (const Cancelled&) {  // The task ends well all the same.
  }
}

/// The tokens are shared by all the trees. Whatever happens to the borrower, they come back.
Task<> run_borrow(Tree& tree, const Node& node) {
  struct Loan {
    Tree& tree;
    const Node& node;
    int token;
    ~Loan() { tree.expect(tree.tokens.try_send(token), "no room for a token", node); }
  };
  const std::optional<int> token = co_await tree.tokens.receive();
  tree.expect(token.has_value(), "an open channel ended", node);
  const Loan loan{tree, node, *token};
  co_await sleep_for(node.delay / 2);
}

Task<> fill_pipe(Channel<int>& pipe, int values) {
  for (int i = 1; i <= values; ++i) {
    co_await pipe.send(i);
    if (i % 3 == 0) co_await yield();
  }
  pipe.close();
}

Task<int> empty_pipe(Channel<int>& pipe) {
  int sum = 0;
  while (const auto value = co_await pipe.receive()) sum += *value;
  co_return sum;
}

Task<> run_pipe(Tree& tree, const Node& node) {
  Channel<int> pipe(static_cast<std::size_t>(node.delay.count()));
  auto [filled, sum, second] =
      co_await when_all(fill_pipe(pipe, 10), empty_pipe(pipe), empty_pipe(pipe));
  tree.expect(sum + second == 55, "wrong sum", node);
}

std::vector<Task<int>> grow_children(Tree& tree, const Node& node) {
  std::vector<Task<int>> tasks;
  for (const Node& child : node.children) tasks.push_back(grow(tree, child));
  return tasks;
}

Task<> run_all(Tree& tree, const Node& node) {
  auto [a, b] = co_await when_all(grow(tree, node.children[0]), grow(tree, node.children[1]));
  tree.expect(a == node.children[0].id && b == node.children[1].id, "wrong results of all", node);
}

Task<> run_all_of_many(Tree& tree, const Node& node) {
  const std::vector<int> ids = co_await when_all(grow_children(tree, node));
  tree.expect(ids.size() == node.children.size(), "too few results", node);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    tree.expect(ids[i] == node.children[i].id, "wrong result of many", node);
  }
}

Task<> run_any(Tree& tree, const Node& node) {
  const auto first = co_await when_any(grow(tree, node.children[0]), grow(tree, node.children[1]));
  const int id = std::visit([](int value) { return value; }, first);
  tree.expect(id == node.children[first.index()].id, "wrong result of any", node);
}

Task<> run_any_of_many(Tree& tree, const Node& node) {
  const First<int> first = co_await when_any(grow_children(tree, node));
  tree.expect(first.value == node.children[first.index].id, "wrong result of one of many", node);
}

Task<> run_timeout(Tree& tree, const Node& node) {
  const int id = co_await with_timeout(node.delay, grow(tree, node.children[0]));
  tree.expect(id == node.children[0].id, "wrong result in time", node);
}

Task<> run_sequence(Tree& tree, const Node& node) {
  for (const Node& child : node.children) {
    const int id = co_await grow(tree, child);
    tree.expect(id == child.id, "wrong result of a child", node);
  }
}

Task<> run_nothing() { co_return; }
Task<> run_hang() { co_await sleep_for(std::chrono::hours(1)); }
Task<> run_yield() { co_await yield(); }

Task<> run_node(Tree& tree, const Node& node) {
  switch (node.kind) {
    case Kind::Nothing:
      return run_nothing();
    case Kind::Sleep:
      return run_sleep(node);
    case Kind::Yield:
      return run_yield();
    case Kind::Offload:
      return run_offload(tree, node);
    case Kind::Fail:
      return run_fail(node);
    case Kind::Stubborn:
      return run_stubborn(node);
    case Kind::BorrowToken:
      return run_borrow(tree, node);
    case Kind::Pipe:
      return run_pipe(tree, node);
    case Kind::All:
      return run_all(tree, node);
    case Kind::AllOfMany:
      return run_all_of_many(tree, node);
    case Kind::Any:
      return run_any(tree, node);
    case Kind::AnyOfMany:
      return run_any_of_many(tree, node);
    case Kind::Timeout:
      return run_timeout(tree, node);
    case Kind::Sequence:
      return run_sequence(tree, node);
    case Kind::Hang:
      return run_hang();
  }
  return run_nothing();
}

/// Runs a node and returns its id. Its failures are its own, or of one below it.
Task<int> grow(Tree& tree, const Node& node) {
  Presence presence(tree, node);
  bool cancelled = false;
  try {
    co_await run_node(tree, node);
  } catch (const Cancelled&) {
    cancelled = true;
  } catch (const Failure& failure) {
    tree.expect(node.id <= failure.id && failure.id < node.end, "a failure of another", node);
    tree.expect_alone(node);
    presence.ended = true;
    throw;
  } catch (const TimedOut&) {
    tree.expect_alone(node);
    presence.ended = true;
    throw;
  }
  tree.expect_alone(node);
  presence.ended = true;
  if (cancelled) {
    co_await yield();  // Throws again, if it was this one who was cancelled.
    tree.expect(false, "Cancelled, but nobody cancelled it", node);
  }
  co_return node.id;
}

bool is_cancelled(const std::exception_ptr& error) { return describe(error) == "cancelled"; }

constexpr int kTokens = 3;

/// A loop with more than enough room in its pool.
struct TreeRunner {
  TreeRunner() {
    for (int i = 0; i < kTokens; ++i) EXPECT_TRUE(tokens.try_send(i));
  }

  Spawned plant(std::uint_fast32_t seed, bool may_be_cancelled) {
    trees.push_back(std::make_unique<Tree>(seed, tokens));
    Tree& tree = *trees.back();
    ++growing;
    return spawn(context(), grow(tree, tree.root), [this, &tree, may_be_cancelled](auto outcome) {
      --growing;
      tree.expect(++tree.ended == 1, "told twice", tree.root);
      tree.expect_gone();
      if (outcome) {
        tree.expect(*outcome == tree.root.id, "wrong result", tree.root);
      } else if (!may_be_cancelled) {
        tree.expect(!is_cancelled(outcome.error()), "cancelled by nobody", tree.root);
      }
      if (growing == 0 && running) loop.stop();
    });
  }
  [[nodiscard]] Context& context() { return *context_; }

  void run_for(milliseconds time) {
    ipc::uv::Timer end(loop, [this] { loop.stop(); });
    end.arm(time);
    running = true;
    loop.run();
    running = false;
  }

  ipc::uv::Loop loop;
  ThreadPool threads{loop, {.threads = 3, .queue = 100'000}};
  Channel<int> tokens{kTokens};
  std::vector<std::unique_ptr<Tree>> trees;
  std::optional<Context> context_{std::in_place, loop, threads};
  int growing = 0;
  bool running = false;  // A stop() before run() would stop the next run instead.
};

TEST(TaskTree, EndsRightHoweverItIsCancelled) {
  std::uint_fast32_t seed = 1;
  for (int batch = 0; batch < 60 && !testing::Test::HasFailure(); ++batch) {
    TreeRunner runner;
    std::mt19937 random(seed);
    std::vector<Spawned> handles;
    std::vector<std::unique_ptr<ipc::uv::Timer>> axes;
    for (int i = 0; i < 50; ++i, ++seed) {
      const bool cancel = random() % 2 == 0;
      handles.push_back(runner.plant(seed, cancel));
      if (!cancel) continue;
      axes.push_back(std::make_unique<ipc::uv::Timer>(
          runner.loop, [&handle = handles, i = handles.size() - 1] { handle[i].cancel(); }));
      axes.back()->arm(milliseconds(random() % 6));
    }
    if (runner.growing > 0) runner.run_for(std::chrono::seconds(20));
    ASSERT_EQ(runner.growing, 0) << "still growing; the batch ends at seed " << seed;
    EXPECT_EQ(runner.context().roots(), 0U);
    EXPECT_EQ(runner.tokens.size(), std::size_t{kTokens});
  }
}

TEST(TaskTree, LeavesNothingWhenItsLoopIsTakenAway) {
  std::uint_fast32_t seed = 1'000'000;
  for (int batch = 0; batch < 60 && !testing::Test::HasFailure(); ++batch) {
    TreeRunner runner;
    for (int i = 0; i < 20; ++i, ++seed) runner.plant(seed, false);
    if (runner.growing > 0) runner.run_for(milliseconds(batch % 6));
    for (const auto& tree : runner.trees) tree->uprooted = true;
    runner.context_.reset();
    for (const auto& tree : runner.trees) tree->expect_gone();
    EXPECT_EQ(runner.tokens.size(), std::size_t{kTokens});
  }
}

}  // namespace
}  // namespace reeve::worker
