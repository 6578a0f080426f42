// Compiled kernels as a table, as JSON, and compared with those of an earlier run.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "isa/compile.hpp"

namespace motley::isa {

/// One line a row.
std::string to_table(std::span<const Row> rows);

std::string to_json(std::span<const Row> rows, const std::string& driver);

/// What to_json() wrote. Throws Error{kInvalidArgument}, naming the field, where the text is something else.
std::vector<Row> from_json(const std::string& text);

/// What became of each kernel, the same use of it on the same family: a line for each that is new, gone or
/// has other figures, then their numbers.
std::string difference(std::span<const Row> before, std::span<const Row> after);

/// Rows whose kernel keeps vector registers in memory.
std::vector<Row> spilling(std::span<const Row> rows);

}  // namespace motley::isa
