/* The same through the C interface: continues a text with the model of the command line, greedily, for 20
 * tokens. */
#include <motley/motley.h>
#include <stdio.h>
#include <string.h>

static int print_text(const char* text, size_t text_bytes, void* user) {
  size_t* total_bytes = user;
  *total_bytes += text_bytes;
  return fwrite(text, 1, text_bytes, stdout) == text_bytes;
}

static void generate(motley_session* session, size_t* total_bytes, motley_error** error) {
  const char* prompt = "Once upon a time";
  motley_generate_options options = motley_generate_options_default();
  options.max_tokens = 20;
  options.temperature = 0;
  motley_session_generate(session, prompt, strlen(prompt), &options, print_text, total_bytes, NULL, error);
  putchar('\n');
}

int main(int argc, char** argv) {
  motley_error* error = NULL;
  motley_device* device = NULL;
  motley_engine* engine = NULL;
  motley_session* session = NULL;
  size_t total_bytes = 0;
  motley_model* model = motley_model_open(argc == 2 ? argv[1] : NULL, &error);
  if (model != NULL) device = motley_device_open(NULL, NULL, &error);
  if (device != NULL) engine = motley_engine_create(model, device, NULL, &error);
  if (engine != NULL) session = motley_session_create(engine, NULL, &error);
  if (session != NULL) generate(session, &total_bytes, &error);
  if (error != NULL) fprintf(stderr, "%s\n", motley_error_message(error));

  motley_session_free(session);
  motley_engine_free(engine);
  motley_device_free(device);
  motley_model_free(model);
  motley_error_free(error);
  return total_bytes > 0 && error == NULL ? 0 : 1;
}
