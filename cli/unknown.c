// Words that this command does not have: the nearest one that it has; and where people would look for it by the habit of other
// tools, what is written here in its place.
#include <ctype.h>
#include <string.h>
#include "options.h"

// Optimal string alignment, as the library reckons it for names of files.
static int distance(const char *a, const char *b) {
  enum { MOST = 40 };
  int n = (int)strnlen(a, MOST), m = (int)strnlen(b, MOST), d[MOST + 1][MOST + 1];
  for (int i = 0; i <= n; i++) d[i][0] = i;
  for (int j = 0; j <= m; j++) d[0][j] = j;
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= m; j++) {
      int v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < v) v = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < v) v = d[i][j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && d[i - 2][j - 2] + 1 < v) v = d[i - 2][j - 2] + 1;
      d[i][j] = v;
    }
  return d[n][m];
}

// A beginning of three letters or more is near, too: --overfit is --overfit-one-batch.
const char *cli_nearest(const char *word, const char *const *name, int n) {
  const char *best = NULL;
  size_t length = strlen(word);
  int least = (int)length / 5 + 2;
  for (int i = 0; i < n; i++) {
    if (!name[i]) continue;
    int d = length > 2 && strncmp(name[i], word, length) == 0 ? 0 : distance(word, name[i]);
    if (d < least && d < (int)strlen(name[i])) least = d, best = name[i];
  }
  return best;
}

// ---- the words of other tools

typedef struct {
  const char *words;         // with spaces between them
  int needs;                 // the mend is one where the command takes this option
  const char *mend, *sample; // %s: the value that was given, or the sample
} Habit;

// What only a training reads belongs to the command that takes --max-steps.
static const Habit options[] = {
  {"epochs epoch max-epochs num-epochs n-epochs num-train-epochs", O_MAX_STEPS, "--set train.epochs=%s", "3"},
  {"steps iterations iters num-steps", O_MAX_STEPS, "--set train.steps=%s", "1000"},
  {"lr learning-rate rate", O_MAX_STEPS, "--set 'train.optimizer=adam(%s)'", "1e-3"},
  {"weight-decay wd", O_MAX_STEPS, "--set 'train.optimizer=adamw(1e-3, weight_decay = %s)'", "0.01"},
  {"momentum", O_MAX_STEPS, "--set 'train.optimizer=sgd(0.1, momentum = %s)'", "0.9"},
  {"optimizer optim opt", O_MAX_STEPS, "--set 'train.optimizer=%s(1e-3)'", "adam"},
  {"batch-size bs batchsize train-batch-size", O_BATCH, "--batch %s", "32"},
  {"seed random-seed random-state manual-seed", O_SEED, "--seed %s", "7"},
  {"seed random-seed random-state manual-seed", O_MAX_STEPS, "--set train.seed=%s", "7"},
  {"patience early-stopping", O_MAX_STEPS, "--set train.patience=%s", "5"},
  {"dry-run fast-dev-run", O_MAX_STEPS, "--max-steps 1", ""},
  {"max-iterations max-iters max-step limit", O_MAX_STEPS, "--max-steps %s", "100"},
  {"output output-dir save save-dir save-path log-dir logdir dir run-dir folder name", O_OUT, "--out %s", "DIR"},
  {"out output-file save write to file outfile", O_OUTPUT, "--output %s", "FILE"},
  {"overwrite yes f", O_FORCE, "--force", ""},
  {"continue resume-from checkpoint ckpt load weights restore from-checkpoint", O_RESUME, "--resume %s", "RUN"},
  {"ckpt weights load epoch", O_CHECKPOINT, "--checkpoint %s", "best"},
  {"cuda gpus use-gpu", O_DEVICE, "--device gpu", ""},
  {"gpu", O_DEVICE, "--device gpu", ""},
  {"cpu no-cuda", O_DEVICE, "--device cpu", ""},
  {"accelerator platform backend", O_DEVICE, "--device %s", "gpu"},
  {"dataset part on subset", O_SPLIT, "--split %s", "test"},
  {"silent s q no-progress", O_QUIET, "--quiet", ""},
  {"label labels y class-column target-column", O_TARGET, "--target %s", "COLUMN"},
  {"input path dataset csv from images", O_DATA, "--data %s", "PATH"},
  {"data dataset data-dir data-path", O_SET, "--set DATA.path=%s, with the names that the file gives its data", "FILE"},
};

static const struct { const char *words, *mend; } commands[] = {
  {"fit learn", "nacre train FILE"},           {"resume continue", "nacre train --resume RUN"},
  {"evaluate score validate-run", "nacre eval RUN"}, {"infer inference generate sample", "nacre predict RUN INPUT` or `nacre run RUN TASK"},
  {"init create generate-model", "nacre new --data PATH"}, {"format", "nacre fmt FILE"},
  {"lint validate compile", "nacre check FILE"}, {"plot draw visualize visualise show", "nacre report RUN` or `nacre graph FILE"},
  {"list ls history", "nacre runs"},           {"compare", "nacre diff RUN RUN"},
  {"gpus info", "nacre devices"},              {"version -v -V", "nacre --version"},
  {"benchmark time", "nacre bench FILE"},      {"docs man manual", "nacre explain"},
};

static bool among(const char *words, const char *word) {
  size_t n = strlen(word);
  for (const char *s = words; n && (s = strstr(s, word)); s += n)
    if ((s == words || s[-1] == ' ') && (s[n] == ' ' || !s[n])) return true;
  return false;
}

// A value that needs no quotes in a shell.
static bool simple(const char *value) {
  if (!value || !*value || *value == '-') return false;
  for (const char *s = value; *s; s++)
    if (!isalnum((unsigned char)*s) && !strchr("._-/+", *s)) return false;
  return true;
}

static bool by_habit(const CliVerb *v, const char *name, const char *value) {
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    const Habit *h = &options[i];
    if (!cli_takes(v, h->needs) || !among(h->words, name)) continue;
    char mend[512];
    snprintf(mend, sizeof mend, h->mend, simple(value) ? value : h->sample);
    cli_usage("E0701", "`nacre %s` has no option `--%s`\nhelp: write `%s`", v->name, name, mend);
    return true;
  }
  return false;
}

// Another command that has the option.
static bool elsewhere(const CliVerb *v, const char *name) {
  for (int i = 0; i < O_COUNT; i++) {
    if (strcmp(cli_option_rows[i].name, name) != 0) continue;
    const CliVerb *of = cli_verbs;
    while (of->name && !cli_takes(of, i)) of++;
    cli_usage("E0701", "`nacre %s` has no option `--%s`, which is one of `nacre %s`\nhelp: `nacre %s --help` lists its options", v->name,
              name, of->name, v->name);
    return true;
  }
  return false;
}

void cli_unknown_option(const CliVerb *v, const char *word, const char *value) {
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  const char *known[O_COUNT] = {0};
  for (int i = 0; i < O_COUNT; i++)
    if (cli_takes(v, i)) known[i] = cli_option_rows[i].name;
  const char *near = cli_nearest(name, known, O_COUNT);
  if (by_habit(v, name, value)) return;
  if (near) cli_usage("E0701", "unknown option `--%s`\nhelp: did you mean `--%s`?", name, near);
  else if (!elsewhere(v, name))
    cli_usage("E0701", "unknown option `%s`\nhelp: `nacre %s --help` lists them%s", word, v->name,
              cli_takes(v, O_SET) ? "; what the file declares is set as in `--set train.epochs=3`" : "");
}

void cli_unknown_verb(const char *name) {
  enum { MOST = 64 };
  const char *known[MOST];
  int n = 0;
  for (; cli_verbs[n].name && n < MOST; n++) known[n] = cli_verbs[n].name;
  const char *near = cli_nearest(name, known, n), *mend = NULL;
  for (size_t i = 0; i < sizeof commands / sizeof *commands && !mend; i++)
    if (among(commands[i].words, name)) mend = commands[i].mend;
  if (mend) cli_usage("E0701", "unknown command `%s`\nhelp: write `%s`", name, mend);
  else if (near) cli_usage("E0701", "unknown command `%s`\nhelp: did you mean `%s`?", name, near);
  else cli_usage("E0701", "unknown command `%s`\nhelp: `nacre --help` lists them", name);
}
