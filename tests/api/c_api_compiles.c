/* The header and its initialisers in a C file. */
#include "api/c_api_compiles.h"

#include <string.h>

static int append_text(const char* text, size_t text_bytes, void* user) {
  story* told = user;
  if (told->text_bytes + text_bytes >= sizeof(told->text)) return 0;
  memcpy(told->text + told->text_bytes, text, text_bytes);
  told->text_bytes += text_bytes;
  told->text[told->text_bytes] = '\0';
  return 1;
}

int sizes_are_set_in_c(void) {
  return motley_device_options_default().size == sizeof(motley_device_options) &&
         motley_tokenize_options_default().size == sizeof(motley_tokenize_options) &&
         motley_session_options_default().size == sizeof(motley_session_options) &&
         motley_memory_need_default().size == sizeof(motley_memory_need) &&
         motley_device_measurements_default().size == sizeof(motley_device_measurements) &&
         motley_engine_options_default().size == sizeof(motley_engine_options) &&
         motley_generate_options_default().size == sizeof(motley_generate_options) &&
         motley_generation_default().size == sizeof(motley_generation) &&
         motley_perplexity_default().size == sizeof(motley_perplexity);
}

int tell_in_c(motley_session* session, const char* prompt, const motley_generate_options* options,
              story* told, motley_error** error) {
  told->text_bytes = 0;
  told->text[0] = '\0';
  told->generation = motley_generation_default();
  return motley_session_generate(session, prompt, strlen(prompt), options, append_text, told,
                                 &told->generation, error);
}
