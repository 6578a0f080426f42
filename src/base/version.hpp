// Motley's version.
#pragma once

namespace motley {

/// E.g. "0.1.0", as the project's CMake file has it.
const char* version_string();

}  // namespace motley
