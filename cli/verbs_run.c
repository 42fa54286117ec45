// Verbs that train and use what was trained: train, eval, predict, run.
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "verbs.h"

// Ctrl-C, a polite kill and a terminal that goes away ask the training to save and stop; a second signal ends the program at
// once. So does the first one where nothing is there to be saved, as while the driver compiles: `stop` is not asked before.
static atomic_bool saves, asked;
static bool stop(void *ctx) {
  (void)ctx;
  saves = true;
  return asked;
}

static void *listen(void *heard) {
  for (int number;;) {
    if (sigwait(heard, &number) != 0) continue;
    if (!saves || asked) _exit(NACRE_INTERRUPTED);
    asked = true;
  }
  return NULL;
}

// A thread waits for the signals, and they are blocked in all others, those to come too: a handler of ours would not do.
// The driver's compiler puts one of its own before it, which removes the files that are being worked on, so that what is
// compiled just then fails. Under nohup a hangup is blocked and nobody waits for it: it does nothing.
static void heed_signals(void) {
  static sigset_t heard;
  static const int ours[] = {SIGINT, SIGTERM, SIGHUP};
  pthread_t thread;
  sigset_t before, blocked;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) sigaddset(&blocked, ours[i]);
  heard = blocked;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (signal(ours[i], SIG_DFL) == SIG_IGN && ours[i] == SIGHUP) sigdelset(&heard, SIGHUP);      // what is ignored may not be heard
  if (pthread_create(&thread, NULL, listen, &heard) != 0) pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// Whether there is more than one training to go on with.
static bool has_seeds(const char *resume) {
  char path[4096];
  struct stat st;
  int n = snprintf(path, sizeof path, "%s/seeds.json", resume);
  return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0;
}

static int train_seeds(const CliArgs *a, const NacreOptions *o, NacreTrainOptions *t) {
  char *error = NULL;
  if (a->value[O_MAX_STEPS]) return cli_usage("E0704", "--max-steps stops one training, not several: leave it out, or --seeds");
  int64_t n = a->number[O_SEEDS];
  CliProgress *p = t->ctx;
  p->seeds = true;
  NacreStatus s = nacre_train_seeds(a->args ? a->arg[0] : NULL, n > INT_MAX ? -1 : (int)n, o, t, cli_stdout, NULL, &error);
  cli_progress_end(p);
  return cli_done_text(error, s);
}

int cli_train(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  const char *resume = a->value[O_RESUME];
  if (!resume && a->args != 1) return cli_usage("E0704", "`nacre train` needs a FILE (or --resume RUN)");
  if (resume && a->args) return cli_usage("E0704", "--resume goes on with the run's own file: leave out `%s`", a->arg[0]);
  if (resume && a->value[O_OUT]) return cli_usage("E0704", "--resume goes on in the run's own directory: leave out --out");
  for (int i = 0; resume && i < 3; i++) {
    static const struct { int option; const char *name; } own[] = {{O_FORCE, "force"}, {O_BATCH, "batch"}, {O_MODEL, "model"}};
    if (a->value[own[i].option]) return cli_usage("E0704", "--resume goes on with the run's own settings: leave out --%s", own[i].name);
  }
  static const struct { int option; const char *name; } not_one[] = {
    {O_RESUME, "resume"}, {O_SEEDS, "seeds"}, {O_OUT, "out"}, {O_FORCE, "force"}};
  for (size_t i = 0; a->value[O_OVERFIT] && i < sizeof not_one / sizeof *not_one; i++)
    if (a->value[not_one[i].option])
      return cli_usage("E0704", "--overfit-one-batch tries the network and writes nothing: leave out --%s", not_one[i].name);
  heed_signals();
  signal(SIGPIPE, SIG_IGN);   // `nacre train --json | head` is no reason to lose a training
  signal(SIGXFSZ, SIG_IGN);   // a file that may not grow is an error to be told, like a full disk
  CliPlot plot;
  CliProgress p = cli_progress(a, &plot);
  NacreTrainOptions t = {
    .out = a->value[O_OUT], .force = a->value[O_FORCE] != NULL, .resume = resume,
    .overfit = a->value[O_OVERFIT] != NULL, .max_steps = a->number[O_MAX_STEPS], .progress = cli_show, .stop = stop, .ctx = &p,
  };
  if (a->value[O_SEEDS] || (resume && has_seeds(resume))) return train_seeds(a, &o, &t);
  NacreStatus s = resume ? nacre_open_run(resume, "last", &o, &m) : nacre_open(a->arg[0], &o, &m);
  if (s == NACRE_OK) s = nacre_train(m, &t);
  cli_progress_end(&p);
  return cli_done(m, s);
}

static void print_scores(const CliArgs *a, const NacreScores *scores) {
  bool json = a->value[O_JSON];
  int width = 10;
  if (json) {
    fputs("{\"run\":", stdout);
    cli_json_text(stdout, a->arg[0]);
    printf(",\"split\":\"%s\",\"examples\":%lld,\"metrics\":{", scores->split, (long long)scores->examples);
  } else printf("%s (%lld examples)\n", scores->split, (long long)scores->examples);
  for (int i = 0; i < scores->metrics; i++)
    if ((int)strlen(scores->metric[i].name) > width) width = (int)strlen(scores->metric[i].name);
  for (int i = 0; i < scores->metrics; i++) {
    const NacreMetric *v = &scores->metric[i];
    if (!json) printf("  %-*s %.6g\n", width, v->name, v->value);
    else if (isfinite(v->value)) printf("%s\"%s\":%.9g", i ? "," : "", v->name, v->value);
    else printf("%s\"%s\":null", i ? "," : "", v->name);
  }
  if (json) puts("}}");
}

int cli_eval(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  NacreScores scores;
  NacreStatus s = nacre_open_run(a->arg[0], a->value[O_CHECKPOINT], &o, &m);
  if (s == NACRE_OK) s = nacre_eval(m, a->value[O_SPLIT], &scores);
  if (s == NACRE_OK) print_scores(a, &scores);
  return cli_done(m, s);
}

// What was written to files is narration; numbers and text are results.
static void told(void *ctx, const char *text, size_t size) {
  const CliArgs *a = ctx;
  FILE *to = a->value[O_OUTPUT] ? stderr : stdout;
  if (to == stdout || !a->value[O_QUIET]) fwrite(text, 1, size, to);
}

int cli_predict(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  const char *format = a->value[O_FORMAT] ? a->value[O_FORMAT] : a->value[O_JSON] ? "json" : "csv";
  const char *file = a->args > 1 ? a->arg[1] : NULL, *split = a->value[O_SPLIT];
  if (a->value[O_OUTPUT] && a->value[O_FORMAT]) return cli_usage("E0704", "the name of --output tells the form: leave out --format");
  if (file && split) return cli_usage("E0704", "give an INPUT or --split, not both");
  bool images = file && nacre_image_named(file);
  for (int i = 2; i < a->args; i++)
    if (!images || !nacre_image_named(a->arg[i])) return cli_usage("E0704", "several INPUTs must all be images: `%s` and `%s` are not", file, a->arg[i]);
  NacreStatus s = nacre_open_run(a->arg[0], a->value[O_CHECKPOINT], &o, &m);
  if (s == NACRE_OK && images) s = nacre_predict_images(m, a->args - 1, a->arg + 1, format, a->value[O_OUTPUT], told, (void *)a);
  else if (s == NACRE_OK) s = nacre_predict_file(m, file, split, format, a->value[O_OUTPUT], told, (void *)a);
  return cli_done(m, s);
}

// A text as it is made. What was told so is not written again.
typedef struct { bool any; } Told;
static void tell(void *ctx, const char *text, size_t size) {
  ((Told *)ctx)->any = true;
  fwrite(text, 1, size, stdout);
  fflush(stdout);
}

int cli_run(const CliArgs *a) {
  NacreModel *m;
  int n = 0;
  const NacreOutput *out;
  const char *path = a->value[O_OUTPUT];
  NacreRun r = {.args = a->nameds, .arg = a->named, .has_seed = a->value[O_SEED] != NULL,
                .seed = (uint64_t)a->number[O_SEED]};
  Told t = {false};
  if (!path && !a->value[O_JSON]) r.text = tell, r.ctx = &t;
  if (!cli_is_run(a->arg[0]) && a->value[O_CHECKPOINT]) return cli_usage("E0704", "--checkpoint belongs to a run directory, and `%s` is none", a->arg[0]);
  NacreStatus s = cli_open(a, &m);
  if (s == NACRE_OK && path) s = nacre_output_path(m, path);
  if (s == NACRE_OK) s = nacre_run_task(m, a->arg[1], &r, &n, &out);
  if (t.any) fputc('\n', stdout);
  if (s == NACRE_OK && !t.any) s = nacre_write_outputs(m, a->arg[1], n, out, path, told, (void *)a);
  return cli_done(m, s);
}
