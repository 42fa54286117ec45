// The command line in one table: verbs and options yield parsing, help and the man page.
#ifndef NACRE_CLI_OPTIONS_H
#define NACRE_CLI_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "nacre.h"
#include "plot.h"

// OPT(id, name, metavar or NULL for a switch, default as shown or NULL, the only values (of a switch: what it may be given as --name=value) or NULL, documentation)
#define CLI_OPTIONS(OPT) \
  OPT(SET, "set", "PATH=VALUE", NULL, NULL, "override a hyperparameter, constant or setting (mlp.hidden=256, train.batch=32)") \
  OPT(DEVICE, "device", "NAME", "the best one", NULL, "the OpenCL device: its number, cpu, gpu, or part of its name") \
  OPT(CLASS, "class", "CLASS", "by the device", "cpu gpu", "the code generator: cpu or gpu") \
  OPT(MODEL, "model", "NAME", "the one trained", NULL, "which model of the file") \
  OPT(BATCH, "batch", "N", "the file's", NULL, "the batch size") \
  OPT(MEMORY, "memory", "SIZE", "the device's", NULL, "how much of the device's memory may be used, as in 500M or 4G: a batch that needs more is trained in parts") \
  OPT(DATA, "data", "PATH", NULL, NULL, "what to learn: a CSV, IDX, NPY or NPZ file, the folder of CIFAR, or a folder of images") \
  OPT(TARGET, "target", "COLUMN", "by names and values", NULL, "the column of a CSV file that is to be predicted") \
  OPT(OUT, "out", "DIR", "runs/MODEL-DATE-N", NULL, "the run directory to write") \
  OPT(FORCE, "force", NULL, NULL, NULL, "replace what an earlier run left in --out, or the file that is there") \
  OPT(RESUME, "resume", "RUN", NULL, NULL, "go on with a stopped run, with the same bits") \
  OPT(SEEDS, "seeds", "N", NULL, NULL, "train N times, with as many seeds, into DIR/seed-1 and so on; tells mean and confidence interval") \
  OPT(OVERFIT, "overfit-one-batch", NULL, NULL, NULL, "train on one batch until its loss is next to nothing, to see that it can; writes nothing") \
  OPT(MAX_STEPS, "max-steps", "N", "0: no limit", NULL, "stop, saved, after so many steps") \
  OPT(PLOT, "plot", NULL, NULL, "always", "draw the loss as a curve: on a terminal; --plot=always: at the end elsewhere too") \
  OPT(SPLIT, "split", "NAME", "test, else valid, else train", "train valid test all", "the part of the data: train, valid, test or all") \
  OPT(CHECKPOINT, "checkpoint", "NAME", "best, else last", "best last", "which checkpoint of the run: best or last") \
  OPT(FORMAT, "format", "FORMAT", "csv", "csv json", "csv or json") \
  OPT(OUTPUT, "output", "FILE", "stdout", NULL, \
      "-o FILE: write there; what is computed as .csv, .json, .npy, .png or .txt, a graph as .svg, .png or .dot, a report as .html") \
  OPT(SEED, "seed", "N", "the run's", NULL, "decides the random numbers") \
  OPT(GRAPH, "graph", NULL, NULL, NULL, "print the graph") \
  OPT(PLAN, "plan", NULL, NULL, NULL, "print the plan: buffers and launches") \
  OPT(OPENCL, "opencl", NULL, NULL, NULL, "print the OpenCL C of all kernels") \
  OPT(PURPOSE, "for", "PURPOSE", "step; of `nacre graph` predict", NULL, "which compilation: step (training), eval, predict, init, or a task of the file") \
  OPT(STEPS, "steps", "N", "20", NULL, "how many steps are measured") \
  OPT(TOP, "top", "N", "20", NULL, "rows of each table, the others as one; 0: all") \
  OPT(DEPTH, "depth", "N", "0: as deep as it stays legible", NULL, "draw layers inside of layers, so many deep; with --kernels, the launches of a layer so deep as one box") \
  OPT(KERNELS, "kernels", NULL, NULL, NULL, "draw the launches, with what was fused into each") \
  OPT(BATCHES, "batches", "N,N,…", NULL, NULL, "a row for each of these batch sizes") \
  OPT(RUNS, "runs", "N", "3", NULL, "how many processes are measured") \
  OPT(SECONDS, "seconds", "N", "10, to tune 60", NULL, "how long is measured for each row; how long is searched") \
  OPT(IMPORT, "import", "FILE", NULL, NULL, "first take over what such a search wrote with --output") \
  OPT(AFTER, "after", "PASS", NULL, NULL, "stop after this pass and print what it left") \
  OPT(LIST_PASSES, "list-passes", NULL, NULL, NULL, "list the compiler's passes") \
  OPT(TIMINGS, "timings", NULL, NULL, NULL, "print how long each pass took") \
  OPT(VERIFY, "verify", NULL, NULL, NULL, "check the graph after every pass") \
  OPT(RUN_PLAN, "run-plan", "FILE", NULL, NULL, "run a plan from its text, with inputs of zero, and print its outputs") \
  OPT(CHECK, "check", NULL, NULL, NULL, "write nothing; exit 1 when a file would change") \
  OPT(MARKDOWN, "markdown", NULL, NULL, NULL, "all words as one page of Markdown") \
  OPT(JSON, "json", NULL, NULL, NULL, "results and messages as JSON lines") \
  OPT(QUIET, "quiet", NULL, NULL, NULL, "no narration on stderr, only errors") \
  OPT(HELP, "help", NULL, NULL, NULL, "this text")

typedef enum {
#define OPT(id, name, metavar, fallback, choices, doc) O_##id,
  CLI_OPTIONS(OPT)
#undef OPT
  O_COUNT
} CliOption;
#define B(id) (UINT64_C(1) << O_##id)

enum { CLI_MAX_SET = 64, CLI_MAX_NAMED = 64 };
typedef struct {
  const char *value[O_COUNT];        // NULL: not given; switches: ""
  int64_t number[O_COUNT];           // of options whose metavar is N
  const char *set[CLI_MAX_SET];
  int sets;
  NacreArgument named[CLI_MAX_NAMED];   // --NAME VALUE that is no option, of verbs that take them
  int nameds;
  const char **arg;                  // what is no option
  int args;
} CliArgs;

typedef struct {
  const char *name, *operands, *doc;
  uint64_t options;                  // which, besides --json and --help
  int min_args, max_args;            // max -1: any number
  int (*run)(const CliArgs *a);      // returns the exit status
  const char *choices;               // the only first operands, or NULL
  bool named;                        // takes --NAME VALUE of names that only the file knows
} CliVerb;
extern const CliVerb cli_verbs[];    // ended by name NULL

// Parses what follows the verb. False after an error on stderr (exit status 2).
bool cli_parse(const CliVerb *v, int argc, char **argv, CliArgs *out);
void cli_free(CliArgs *a);
typedef struct { const char *name, *metavar, *fallback, *choices, *doc; } CliOptionRow;
extern const CliOptionRow cli_option_rows[O_COUNT];
bool cli_takes(const CliVerb *v, int option);
void cli_help(FILE *to);
void cli_verb_help(FILE *to, const CliVerb *v);
void cli_man(FILE *to);
const CliVerb *cli_find_verb(const char *name);      // NULL after an error that names the nearest one
// unknown.c: errors that say what was meant. `value`: what stands behind the option, or NULL.
void cli_unknown_verb(const char *name);
void cli_unknown_option(const CliVerb *v, const char *word, const char *value);
const char *cli_nearest(const char *word, const char *const *name, int n);      // NULL where none is near; NULLs in `name` are none
void cli_usage_json(bool on);                        // whether cli_usage prints JSON
int cli_usage(const char *code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));   // prints; returns 2
NacreOptions cli_options(const CliArgs *a);          // what nacre.h takes

void cli_json_text(FILE *to, const char *s);         // quoted

// Text that is collected, to be compared or to be one member of a JSON line. A NacreWrite whose ctx is a CliText.
typedef struct { char *at; size_t n, cap; bool full; } CliText;      // full: there was no memory
void cli_keep(void *ctx, const char *text, size_t size);
// Prints what was kept: as it is, or as {"what":…,"text":…} (what NULL: the text alone). Frees it; the status.
int cli_tell(const CliArgs *a, const char *what, CliText *t, int status);

bool cli_terminal(void);                             // stderr is one that can move its cursor
bool cli_color(void);

// progress.c: one calm line on a terminal, plain lines elsewhere, JSON lines when asked.
typedef struct {
  bool json, quiet, terminal, seeds;                 // seeds: of several trainings
  double last;
  bool line_open, warned;
  CliPlot *plot;                                     // NULL: the loss is not drawn
} CliProgress;
CliProgress cli_progress(const CliArgs *a, CliPlot *plot);
void cli_show(void *ctx, const NacreProgress *p);    // NacreTrainOptions.progress; ctx is a CliProgress
void cli_progress_end(CliProgress *p);
#endif
