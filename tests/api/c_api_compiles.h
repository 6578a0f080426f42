/* What the C half of the tests offers the C++ half. */
#ifndef MOTLEY_TESTS_API_C_API_COMPILES_H
#define MOTLEY_TESTS_API_C_API_COMPILES_H

#include <motley/motley.h>

/* NOLINTBEGIN(modernize-*,readability-identifier-naming): C */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct story {
  char text[4096]; /* ends with NUL */
  size_t text_bytes;
  motley_generation generation;
} story;

/* Whether every _default() function sets its structure's size. */
int sizes_are_set_in_c(void);

/* Generates into *told; as motley_session_generate(). */
int tell_in_c(motley_session* session, const char* prompt, const motley_generate_options* options,
              story* told, motley_error** error);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-*,readability-identifier-naming) */

#endif
