// nacre: the command. Every verb is a thin call of nacre.h.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options.h"
#include "verbs.h"

#define OPENING (B(SET) | B(MODEL) | B(BATCH))
#define RUNNING (B(SET) | B(DEVICE) | B(CLASS) | B(BATCH) | B(CHECKPOINT))

const CliVerb cli_verbs[] = {
  {"new", "[FILE]", "look at data and write a commented model that learns them", B(DATA) | B(TARGET) | B(FORCE), 0, 1, cli_new},
  {"check", "FILE...", "check names, kinds and shapes, with no device", OPENING | B(VERIFY), 1, -1, cli_check},
  {"summary", "FILE", "the tree of layers: shapes, parameters, multiply-adds, exact memory",
   OPENING | B(CLASS), 1, 1, cli_summary},
  {"graph", "FILE", "the network as a picture, through Graphviz: a box for each layer, or for each launch",
   OPENING | B(CLASS) | B(OUTPUT) | B(DEPTH) | B(KERNELS) | B(PURPOSE), 1, 1, cli_graph},
  {"train", "FILE", "train a model and write a run directory; Ctrl-C saves",
   OPENING | B(DEVICE) | B(CLASS) | B(MEMORY) | B(OUT) | B(FORCE) | B(RESUME) | B(SEEDS) | B(OVERFIT) | B(MAX_STEPS) | B(PLOT) | B(VERIFY), 0, 1, cli_train},
  {"eval", "RUN", "loss and metrics of a trained model on a part of its data", RUNNING | B(SPLIT), 1, 1, cli_eval},
  {"predict", "RUN [INPUT...]", "predictions for a CSV, NPY or IDX file, for images (PNG, JPEG), or for a part of the run's data",
   RUNNING | B(SPLIT) | B(FORMAT) | B(OUTPUT), 1, -1, cli_predict},
  {"run", "RUN-or-FILE TASK [--NAME VALUE...]", "run a task of the file, with the run's weights or untrained",
   OPENING | RUNNING | B(OUTPUT) | B(SEED), 2, 2, cli_run, .named = true},
  {"report", "RUN", "a run as one page of HTML: curves, mistakes, weights, network, environment; --output RUN/report.html",
   RUNNING | B(OUTPUT), 1, 1, cli_report},
  {"runs", "[FOLDER]", "the runs below a folder, `runs` where none is given, with their results", 0, 0, 1, cli_runs},
  {"diff", "RUN RUN", "what differs between two runs: settings, data, versions, results, lines of the source", 0, 2, 2, cli_diff},
  {"test", "FILE", "run the file's own test blocks", OPENING | B(DEVICE) | B(CLASS), 1, 1, cli_test},
  {"emit", "FILE", "what the compiler made of it: the graph, the plan, the kernels",
   OPENING | B(DEVICE) | B(CLASS) | B(GRAPH) | B(PLAN) | B(OPENCL) | B(PURPOSE) | B(AFTER) | B(LIST_PASSES) | B(TIMINGS) |
     B(VERIFY) | B(RUN_PLAN), 0, 1, cli_emit},
  {"profile", "FILE-or-RUN", "where the time of a step goes: by line, layer and kernel, beside what the machine can do",
   OPENING | B(DEVICE) | B(CLASS) | B(PURPOSE) | B(STEPS) | B(TOP), 1, 1, cli_profile},
  {"bench", "FILE-or-RUN", "what a step takes: median and interval, start with empty and with full caches, memory",
   OPENING | B(DEVICE) | B(CLASS) | B(PURPOSE) | B(BATCHES) | B(RUNS) | B(SECONDS), 1, 1, cli_bench},
  {"tune", "FILE-or-RUN", "search the quickest kernels for this model on this device, and keep them",
   OPENING | B(DEVICE) | B(CLASS) | B(SECONDS) | B(IMPORT) | B(OUTPUT), 1, 1, cli_tune},
  {"explain", "[NAME]", "a layer, function, data source, setting or error code; without a name, all of them by topic",
   B(MARKDOWN), 0, 1, cli_explain},
  {"fmt", "FILE...", "one layout for all files", B(CHECK), 1, -1, cli_fmt},
  {"syntax", "EDITOR", "the words of the language for an editor: vim, or textmate (VS Code, Sublime Text)", 0, 1, 1, cli_syntax, "vim textmate"},
  {"completion", "SHELL", "what completes this command in a shell: bash, zsh or fish", 0, 1, 1, cli_completion, "bash zsh fish"},
  {"devices", "", "the OpenCL devices and what they can do", 0, 0, 0, cli_devices},
  {"doctor", "", "every kernel family on every device against the reference, with a verdict",
   B(DEVICE) | B(CLASS), 0, 0, cli_doctor},
  {0},
};

// Where a standard stream is closed, the next file that is opened would get its number, and what is told would be written into it.
static void hold_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) _exit(NACRE_RUN);      // writing there still fails
}

int main(int argc, char **argv) {
  hold_streams();
  if (argc < 2) return cli_help(stderr), NACRE_USAGE;
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    const CliVerb *of = argc > 2 ? cli_find_verb(argv[2]) : NULL;
    if (argc > 2 && !of) return NACRE_USAGE;
    if (of) cli_verb_help(stdout, of);
    else cli_help(stdout);
    return 0;
  }
  if (!strcmp(argv[1], "--version")) return printf("nacre %s\n", nacre_version()), 0;
  if (!strcmp(argv[1], "--man")) return cli_man(stdout), 0;
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (!strcmp(argv[i], "--json")) cli_usage_json(true);
  const CliVerb *v = cli_find_verb(argv[1]);
  CliArgs a = {0};
  int status = NACRE_USAGE;
  if (v && cli_parse(v, argc - 2, argv + 2, &a)) {
    if (a.value[O_HELP]) cli_verb_help(stdout, v);
    status = a.value[O_HELP] ? 0 : v->run(&a);
  }
  cli_free(&a);
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  fputs("nacre: the output could not be written\n", stderr);
  return status ? status : NACRE_RUN;
}
