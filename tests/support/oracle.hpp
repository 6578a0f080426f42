// Float64 arithmetic that results are compared with: the library's own, of which its self-test makes use too.
#pragma once

#include "kernels/reference.hpp"

namespace motley::test {

using kernels::reference::nmse;
using kernels::reference::random_values;

}  // namespace motley::test
