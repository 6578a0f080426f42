#include "base/version.hpp"

namespace motley {

const char* version_string() { return MOTLEY_VERSION; }

}  // namespace motley
