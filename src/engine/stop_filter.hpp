// Finding stop texts in a stream, however the tokens cut them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace motley::engine {

/// Lets text through except what may be the beginning of a stop text.
class StopFilter {
 public:
  /// Empty stop texts are ignored.
  explicit StopFilter(std::vector<std::string> stops);

  /// Adds text and returns what can be shown for certain. After a stop text was found, what stood before it.
  std::string push(std::string_view text);
  /// What was held back, when the stream ends.
  std::string flush();
  bool found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace motley::engine
