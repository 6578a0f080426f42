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
  Conversation(Session& session, const GenerateOptions& options, AfterEnd after_end,
               Interruption& interruption, Statistics& statistics)
      : session_(session),
        options_(options),
        after_end_(after_end),
        interruption_(interruption),
        statistics_(statistics) {}

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
    TextOutput output;
    const Interruption::Scope scope(interruption_, [this] { session_.cancel(); });
    const Generation generation = session_.generate(
        line, options_, [&](std::string_view text) { return output.write(text) && !scope.interrupted(); });
    output.finish();
    statistics_.add(generation);
    if (generation.reason == StopReason::kEnd && after_end_ == AfterEnd::kForget) session_.reset();
    if (generation.reason == StopReason::kContextFull) start_afresh();
  }

  void start_afresh() {
    say("the context is full: everything said before is forgotten");
    session_.reset();
  }

  Session& session_;
  const GenerateOptions& options_;
  AfterEnd after_end_;
  Interruption& interruption_;
  Statistics& statistics_;
};

}  // namespace

void converse(Session& session, const GenerateOptions& options, AfterEnd after_end,
              Interruption& interruption, Statistics& statistics) {
  Conversation(session, options, after_end, interruption, statistics).run();
}

}  // namespace motley::tools
