#include "conversation.hpp"

#include <iostream>
#include <string>

#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

constexpr std::string_view kHelp =
    "Type a text and the model continues it; what was said before stays in its mind.\n"
    "  /reset   forget everything\n"
    "  /help    this\n"
    "  Ctrl-C   end the current answer\n"
    "  Ctrl-D   quit\n";

class Conversation {
 public:
  Conversation(Session& session, const GenerateOptions& options, Interruption& interruption,
               Statistics& statistics)
      : session_(session), options_(options), interruption_(interruption), statistics_(statistics) {}

  void run() {
    write_error("Ctrl-D quits, /help says more.\n");
    std::string line;
    for (;;) {
      write_error("> ");
      if (!std::getline(std::cin, line)) break;
      obey(line);
    }
    write_error("\n");
  }

 private:
  void obey(const std::string& line) {
    if (line.empty()) return;
    if (line == "/help") {
      write_error(kHelp);
    } else if (line == "/reset") {
      session_.reset();
      text_ended_ = true;
    } else if (line.starts_with('/') && line.find(' ') == std::string::npos) {
      say("unknown command " + printable(line) + "; /help lists them");
    } else {
      answer(line);
    }
  }

  void answer(const std::string& line) {
    try {
      continue_text(line);
    } catch (const Error& error) {
      // A line can be wrong by itself; all else ends the conversation.
      if (error.code() == ErrorCode::kContextFull && session_.position() > 0) {
        start_afresh();
        continue_text(line);
      } else if (error.code() == ErrorCode::kContextFull || error.code() == ErrorCode::kInvalidArgument) {
        say(error.what());
      } else {
        throw;
      }
    }
  }

  void continue_text(const std::string& line) {
    GenerateOptions options = options_;
    // A begin-of-text token belongs before the first text and after each that came to its end, not in the
    // middle.
    options.tokenize.add_special = text_ended_ || session_.position() == 0;
    TextOutput output;
    const Interruption::Scope scope(interruption_, [this] { session_.cancel(); });
    const Generation generation = session_.generate(
        line, options, [&](std::string_view text) { return output.write(text) && !scope.interrupted(); });
    output.finish();
    statistics_.add(generation);
    text_ended_ = generation.reason == StopReason::kEnd;
    if (generation.reason == StopReason::kContextFull) start_afresh();
  }

  void start_afresh() {
    say("the context is full: everything said before is forgotten");
    session_.reset();
    text_ended_ = true;
  }

  Session& session_;
  const GenerateOptions& options_;
  Interruption& interruption_;
  Statistics& statistics_;
  bool text_ended_ = false;
};

}  // namespace

void converse(Session& session, const GenerateOptions& options, Interruption& interruption,
              Statistics& statistics) {
  Conversation(session, options, interruption, statistics).run();
}

}  // namespace motley::tools
