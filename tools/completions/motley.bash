# Completes motley's subcommands, options and model files in bash.

_motley_options() {
  local placement='--device --exclude-device --priority --split --layers --reserve --max-memory --objective --spread
    -ngl --gpu-layers'
  local session='-c --ctx-size -b --batch-size -ub --ubatch-size -ctk --cache-type-k -ctv --cache-type-v --activations'
  local computing="-m --model --list-devices --no-recover --no-tune --validate -v --verbose $placement $session"
  local sampling='-n --predict -s --seed --temp --top-k --top-p --min-p --typical --repeat-penalty
    --frequency-penalty --presence-penalty --repeat-last-n --logit-bias -r --stop --context-shift --ignore-eos'
  case $1 in
    run) echo "-p --prompt -f --file --no-display-prompt --stats --stats-json $sampling $computing" ;;
    inspect) echo "--json" ;;
    tokenize) echo "-p --prompt --stdin --no-special" ;;
    detokenize) echo "--ids" ;;
    logits) echo "-p --prompt -o --output $computing" ;;
    perplexity) echo "-f --file --json $computing" ;;
    bench) echo "-p --n-prompt -n --n-gen -pg --prompt-gen -d --n-depth -npl --parallel -r --repetitions --no-warmup -o --output-format
      --profile --trace $computing" ;;
    devices) echo "--measure --kernels --json" ;;
    tune) echo "--device --format --json" ;;
    plan) echo "-m --model --devices-from --json --svg $placement $session" ;;
    synth) echo "--vocab -s --seed" ;;
    '') echo "--version" ;;
  esac
  echo "-h --help"
}

_motley() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=
  [ "$COMP_CWORD" -eq 1 ] || command=${COMP_WORDS[1]}
  COMPREPLY=()
  case $previous in
    -m|--model|-f|--file|-o|--output|--devices-from|--svg|--vocab) compopt -o default; return ;;
    -ctk|--cache-type-k|-ctv|--cache-type-v) mapfile -t COMPREPLY < <(compgen -W 'f16 f32' -- "$word"); return ;;
    --activations) mapfile -t COMPREPLY < <(compgen -W 'auto f32' -- "$word"); return ;;
    --objective) mapfile -t COMPREPLY < <(compgen -W 'latency throughput capacity efficiency' -- "$word"); return ;;
    --device) mapfile -t COMPREPLY < <(compgen -W '0 1 2 3' -- "$word"); return ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_motley_options "$command")" -- "$word")
  elif [ -z "$command" ]; then
    mapfile -t COMPREPLY < <(compgen -W 'run inspect tokenize detokenize logits perplexity bench devices tune plan synth' -- "$word")
  elif [ "$command" != devices ] && [ "$command" != tune ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -X '!*.gguf' -- "$word"; compgen -d -- "$word")
  fi
}

complete -F _motley motley
