#include "tokenizer/special_splitter.hpp"

#include <algorithm>

namespace motley::tokenizer {
namespace {

std::string_view without_leading_space(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
}

/// Cuts every occurrence of `special` out of the plain fragments.
std::vector<Fragment> cut_out(const std::vector<Fragment>& fragments, Token token, std::string_view special,
                              bool strips_following) {
  std::vector<Fragment> cut;
  cut.reserve(fragments.size() + 2);
  for (const Fragment& fragment : fragments) {
    std::string_view rest = fragment.text;
    if (fragment.token == Fragment::kPlainText) {
      for (size_t at = rest.find(special); at != std::string_view::npos; at = rest.find(special)) {
        if (at > 0) cut.push_back({Fragment::kPlainText, rest.substr(0, at)});
        cut.push_back({token, rest.substr(at, special.size())});
        rest.remove_prefix(at + special.size());
        if (strips_following) rest = without_leading_space(rest);
      }
    }
    if (!rest.empty()) cut.push_back({fragment.token, rest});
  }
  return cut;
}

}  // namespace

SpecialSplitter::SpecialSplitter(const Vocabulary& vocabulary) : nodes_(1) {
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    const TokenType type = vocabulary.type(token);
    const bool special =
        type == TokenType::kControl || type == TokenType::kUnknown || type == TokenType::kUserDefined;
    if (special && !vocabulary.text(token).empty()) {
      specials_.push_back({token, vocabulary.text(token), type == TokenType::kUserDefined,
                           vocabulary.strips_space_after(token)});
    }
  }
  std::ranges::stable_sort(specials_, std::ranges::greater(), [](const Special& s) { return s.text.size(); });
  for (size_t i = 0; i < specials_.size(); ++i) {
    uint32_t node = 0;
    for (const char byte : specials_[i].text) {
      uint32_t next = child(node, byte);
      if (next == 0) {
        next = static_cast<uint32_t>(nodes_.size());
        nodes_[node].children.emplace_back(byte, next);
        nodes_.emplace_back();
      }
      node = next;
    }
    if (nodes_[node].special < 0) nodes_[node].special = static_cast<int32_t>(i);
  }
}

uint32_t SpecialSplitter::child(uint32_t node, char byte) const {
  for (const auto& [edge, next] : nodes_[node].children) {
    if (edge == byte) return next;
  }
  return 0;
}

std::vector<bool> SpecialSplitter::find_present(std::string_view text) const {
  std::vector<bool> present(specials_.size());
  for (size_t start = 0; start < text.size(); ++start) {
    uint32_t node = 0;
    for (size_t i = start; i < text.size(); ++i) {
      node = child(node, text[i]);
      if (node == 0) break;
      if (nodes_[node].special >= 0) present[static_cast<size_t>(nodes_[node].special)] = true;
    }
  }
  return present;
}

std::vector<Fragment> SpecialSplitter::split(std::string_view text, bool parse_special) const {
  std::vector<Fragment> fragments;
  if (text.empty()) return fragments;
  fragments.push_back({Fragment::kPlainText, text});
  // One walk over the text tells the few that occur from the hundreds or thousands that do not.
  const std::vector<bool> present = find_present(text);
  for (size_t i = 0; i < specials_.size(); ++i) {
    const Special& special = specials_[i];
    if (present[i] && (parse_special || special.always)) {
      fragments = cut_out(fragments, special.token, special.text, special.strips_following);
    }
  }
  return fragments;
}

}  // namespace motley::tokenizer
