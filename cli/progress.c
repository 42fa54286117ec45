// Progress of a training: one calm line on a terminal, plain lines elsewhere (a step at once, then every ten seconds, and
// each validation), JSON lines when asked.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "options.h"

// Columns of the terminal; 0: not known.
static int width(void) {
  struct winsize w;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

CliProgress cli_progress(const CliArgs *a, CliPlot *plot) {
  const char *when = a->value[O_PLOT];
  bool terminal = cli_terminal(), fits = !width() || width() >= CLI_PLOT_WIDTH;
  bool drawn = when && !a->value[O_JSON] && !a->value[O_QUIET] && ((terminal && fits) || *when);
  *plot = (CliPlot){.color = cli_color()};
  return (CliProgress){.json = a->value[O_JSON], .quiet = a->value[O_QUIET], .terminal = terminal && (fits || !drawn), .plot = drawn ? plot : NULL};
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void json_number(const char *name, double v) {
  if (isfinite(v)) printf(",\"%s\":%.9g", name, v);
  else printf(",\"%s\":null", name);
}

static void json(const NacreProgress *p) {
  printf("{\"event\":\"%s\",\"run\":", p->phase);
  if (p->directory) cli_json_text(stdout, p->directory);
  else printf("null");
  if (p->stage) {
    printf(",\"stage\":");
    cli_json_text(stdout, p->stage);
  }
  printf(",\"epoch\":%lld,\"step\":%lld,\"steps\":%lld", (long long)p->epoch, (long long)p->step, (long long)p->steps);
  for (int i = 0; i < p->metrics; i++) json_number(p->metric[i].name, p->metric[i].value);
  json_number("examples_per_second", p->examples_per_second);
  json_number("seconds", p->seconds);
  if (p->phase[0] == 'v') printf(",\"best\":%s", p->best ? "true" : "false");
  if (p->early) printf(",\"early\":true");
  if (p->falls >= 0) printf(",\"falls\":%lld", (long long)p->falls);
  puts("}");
  fflush(stdout);
}

// Of one batch that was to be learnt by heart; that it could not be is an error of the training's.
static void overfit(const CliProgress *c, const NacreProgress *p) {
  double loss = p->metrics ? p->metric[0].value : NAN;
  if (c->json) {
    printf("{\"event\":\"overfit\",\"steps\":%lld", (long long)p->step);
    json_number("first_loss", p->first);
    json_number("loss", loss);
    puts("}");
  } else {
    printf("one batch is learnt by heart: its loss fell from %.4g to %.4g in %lld steps\n", p->first, loss, (long long)p->step);
  }
  fflush(stdout);
}

// Before the first step, on stderr, once for all of several trainings.
static void warn(CliProgress *c, const NacreProgress *p) {
  if (c->quiet || (c->seeds && c->warned)) return;
  cli_progress_end(c);
  c->warned = true;
  fputs(p->text, stderr);
}

static void duration(FILE *to, double s) {
  if (s < 90) fprintf(to, "%.0f s", s);
  else if (s < 5400) fprintf(to, "%.0f min", s / 60);
  else fprintf(to, "%.1f h", s / 3600);
}

// One line, without its end, of a step or a validation. The first step waits for the driver's compiler, and tells nothing of the others.
static void put_line(FILE *to, const NacreProgress *p, bool step, bool first, bool terminal) {
  if (p->stage) fprintf(to, "%s: ", p->stage);
  if (p->epochs) fprintf(to, "epoch %lld/%lld", (long long)p->epoch, (long long)p->epochs);
  else fprintf(to, "step %lld/%lld", (long long)p->step, (long long)p->steps);
  if (step && p->epochs && !terminal) fprintf(to, "  step %lld/%lld", (long long)p->step, (long long)p->steps);
  if (!step) fputs("  valid:", to);
  for (int i = 0; i < p->metrics; i++) fprintf(to, "  %s %.4f", p->metric[i].name, p->metric[i].value);
  if (p->best) fputs("  (best)", to);
  if (p->early) fputs("  (patience is at its end)", to);
  if (p->fell) fprintf(to, "  (the rate falls, %lld so far)", (long long)p->falls);
  if (step && !first) {
    fprintf(to, "  %.0f examples/s  ", p->examples_per_second);
    duration(to, p->seconds_left);
    fputs(" left", to);
  }
  if (step) fprintf(to, "  %.1f MiB", (double)p->device_bytes / 1048576);
}

// A line that the next one replaces must not be longer than the terminal is wide: of what went on below, the rest would stay.
static void put_short(const NacreProgress *p, bool first) {
  char *text = NULL;
  size_t n = 0;
  FILE *to = open_memstream(&text, &n);
  if (!to) return;
  put_line(to, p, true, first, true);
  if (fclose(to) != 0) n = 0;
  int most = width() - 1;
  fprintf(stderr, "%.*s", most > 0 && n > (size_t)most ? most : (int)n, text ? text : "");
  free(text);
}

static void put_end(CliProgress *c, const NacreProgress *p) {
  bool stopped = p->step < p->steps && !p->early;
  fprintf(stderr, "%s after %lld step%s, ", stopped ? "stopped" : p->early ? "finished early" : "finished", (long long)p->step,
          p->step == 1 ? "" : "s");
  duration(stderr, p->seconds);
  fprintf(stderr, "; saved in %s\n", p->directory);
  const char *end = c->seeds ? strrchr(p->directory, '/') : NULL;
  if (stopped) fprintf(stderr, "`nacre train --resume %.*s` goes on\n", end ? (int)(end - p->directory) : (int)strlen(p->directory), p->directory);
  c->line_open = false;
}

// Seconds between two reports of steps: a terminal's line changes in place, a file keeps each. The first step tells at once.
static double pause_of(const CliProgress *c) { return c->json ? 1 : c->terminal ? 0.1 : 10; }

void cli_show(void *ctx, const NacreProgress *p) {
  CliProgress *c = ctx;
  if (p->phase[0] == 'w') { warn(c, p); return; }
  if (p->phase[0] == 'o') { cli_progress_end(c); overfit(c, p); return; }
  double t = now();
  bool step = p->phase[0] == 't', first = !c->last;
  if (c->plot && p->phase[0] != 'd' && p->metrics)      // of the first batches of an epoch the mean says little
    cli_plot_add(step ? &c->plot->train : &c->plot->valid, (double)p->step, p->metric[0].value, step ? 0.9 : 0);
  if (c->quiet && !c->json) return;
  if (step && c->last && t - c->last < pause_of(c)) return;
  c->last = t;
  if (c->json) {
    json(p);
    return;
  }
  if (c->terminal) fputs("\r\033[K", stderr);
  if (c->plot) cli_plot_erase(c->plot, stderr);
  bool ends = p->phase[0] == 'd';
  if (c->plot && (c->terminal ? step || ends : ends)) cli_plot_draw(c->plot, stderr);
  if (ends) {
    if (c->plot) *c->plot = (CliPlot){.color = c->plot->color};      // of several trainings, the next one's is its own
    put_end(c, p);
    return;
  }
  c->line_open = step && c->terminal;
  if (c->line_open) {
    put_short(p, first);
  } else {
    put_line(stderr, p, step, first, c->terminal);
    fputc('\n', stderr);
  }
  fflush(stderr);
}

void cli_progress_end(CliProgress *p) {
  if (p->line_open) fputs("\r\033[K", stderr);
  if (p->line_open && p->plot) cli_plot_erase(p->plot, stderr);
  p->line_open = false;
}
