#pragma once
// What of a lifespan is open, what belongs to what, and in which order it has to be closed: exactly
// the reverse of the order in which each became open. A pure value: no loop, no clock, no values.
//
//   Opening --opened--> Open --closing--> Closing --closed--> Closed
//      |  ^
//      +--+ failed: Idle, from where it may be tried again (reopen)

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace reeve::worker {

class ExitStack {
 public:
  using Id = std::size_t;

  /// A new resource begins to open, nested in another one or not.
  [[nodiscard]] Id add(std::optional<Id> parent);
  void reopen(Id id);
  /// It is open: it is what has to be closed next.
  void opened(Id id);
  void failed(Id id);
  void closing(Id id);
  void closed(Id id);

  /// What to close next of everything, or nothing.
  [[nodiscard]] std::optional<Id> next() const;
  /// What is open below `id`, children and theirs, in the order in which to close it.
  [[nodiscard]] std::vector<Id> open_below(Id id) const;
  /// What is open, and not yet closing, in the order in which it became so.
  [[nodiscard]] const std::vector<Id>& open() const { return stack_; }

 private:
  enum class Place : std::uint8_t { Opening, Idle, Open, Closing, Closed };
  struct Entry {
    std::optional<Id> parent;
    Place place = Place::Opening;
  };
  void move(Id id, Place from, Place to);
  [[nodiscard]] bool is_below(Id id, Id ancestor) const;

  std::vector<Entry> entries_;
  std::vector<Id> stack_;  // What is open, in the order in which it became so.
};

}  // namespace reeve::worker
