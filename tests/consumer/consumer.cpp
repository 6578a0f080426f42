// The example of README.md: a program that lets a model continue a text.
#include <iostream>
#include <string>

#include <motley/motley.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) throw motley::Error(motley::ErrorCode::kInvalidArgument, "usage: consumer MODEL");
  motley::Engine engine(motley::Model::open(argv[1]), motley::Device::open());
  motley::Session session(engine);
  motley::GenerateOptions options;
  options.max_tokens = 20;
  options.sampling.temperature = 0;  // always the likeliest token
  std::string story = "Once upon a time";
  const size_t prompt_bytes = story.size();
  for (const motley::Piece& piece : session.stream(story, options)) story += piece.text;
  std::cout << story << '\n';
  return story.size() > prompt_bytes ? 0 : 1;
} catch (const motley::Error& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.code());
}
