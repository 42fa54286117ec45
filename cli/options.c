// Parsing and printing the option table.
#include "options.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const CliOptionRow cli_option_rows[O_COUNT] = {
#define OPT(id, name, metavar, fallback, choices, doc) {name, metavar, fallback, choices, doc},
  CLI_OPTIONS(OPT)
#undef OPT
};

static const uint64_t EVERYWHERE = B(JSON) | B(HELP) | B(QUIET);
bool cli_takes(const CliVerb *v, int option) { return (v->options | EVERYWHERE) >> option & 1; }

// Set once, before anything is parsed: wrong options are told as --json says, too.
static bool usage_json;
void cli_usage_json(bool on) { usage_json = on; }

static void usage_line(const char *code, char *text) {
  char *help = strstr(text, "\nhelp: ");
  if (help) *help = 0;
  fprintf(stderr, "{\"severity\":\"error\",\"code\":\"%s\",\"message\":", code);
  cli_json_text(stderr, text);
  fputs(",\"file\":null,\"label\":null,\"labels\":[],\"notes\":[],\"help\":",
        stderr);
  if (help) cli_json_text(stderr, help + strlen("\nhelp: "));
  else fputs("null", stderr);
  fputs("}\n", stderr);
}

int cli_usage(const char *code, const char *fmt, ...) {
  char text[4096];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (usage_json) usage_line(code, text);
  else fprintf(stderr, "error[%s]: %s\n", code, text);
  return NACRE_USAGE;
}

const CliVerb *cli_find_verb(const char *name) {
  for (const CliVerb *v = cli_verbs; v->name; v++)
    if (strcmp(v->name, name) == 0) return v;
  cli_unknown_verb(name);
  return NULL;
}

static int find_option(const CliVerb *v, const char *name, size_t n) {
  for (int i = 0; i < O_COUNT; i++)
    if (strlen(cli_option_rows[i].name) == n && memcmp(cli_option_rows[i].name, name, n) == 0 &&
        cli_takes(v, i))
      return i;
  return -1;
}

// Whether a word is one of those that stand in `choices`, with a space between them; else an error that names the nearest.
static bool is_choice(const char *what, const char *choices, const char *word) {
  enum { MOST = 8 };
  char copy[128], list[192] = "", *one[MOST + 1] = {0}, *rest = copy;
  const char *near = NULL;
  int n = 0;
  snprintf(copy, sizeof copy, "%s", choices);
  for (char *s; n < MOST && (s = strsep(&rest, " "));) one[n++] = s;
  for (int i = 0; i < n; i++) {
    if (strcmp(one[i], word) == 0) return true;
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", one[i]);
  }
  near = cli_nearest(word, (const char *const *)one, n);
  if (near) cli_usage("E0702", "%s is %s, not `%s`\nhelp: did you mean `%s`?", what, list, word, near);
  else cli_usage("E0702", "%s is %s, not `%s`", what, list, word);
  return false;
}

// Bytes, as in 500M, 4G, 1.5GB or 65536; 0: it is none.
static int64_t size_of(const char *s) {
  static const char units[] = "KMGT";
  char *end;
  double n = strtod(s, &end);
  const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
  for (int i = 0; unit && i <= unit - units; i++) n *= 1024;
  if (unit) end++;
  if (unit && *end == 'i') end++;
  if (toupper((unsigned char)*end) == 'B') end++;
  return end == s || *end || !(n >= 1 && n < 1e18) || !isdigit((unsigned char)*s) ? 0 : (int64_t)n;
}

static bool take_value(const CliVerb *v, int option, const char *value, CliArgs *out) {
  if (option == O_SET) {
    if (!strchr(value, '=')) return cli_usage("E0702", "`--set %s` needs the form PATH=VALUE\nhelp: as in `--set train.batch=32`", value), false;
    if (out->sets == CLI_MAX_SET) return cli_usage("E0704", "more than %d `--set`", CLI_MAX_SET), false;
    out->set[out->sets++] = value;
    return true;
  }
  const char *form = cli_option_rows[option].metavar;
  if (strcmp(form, "SIZE") == 0 && !(out->number[option] = size_of(value)))
    return cli_usage("E0702", "`--%s` is a number of bytes, as 500M or 4G, not `%s`", cli_option_rows[option].name, value), false;
  if (strcmp(form, "N") == 0) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    int least = option == O_BATCH ? 1 : 0;
    if (errno || end == value || *end || number < least)
      return cli_usage("E0702", "`--%s` of `nacre %s` needs a whole number of %d or more, not `%s`", cli_option_rows[option].name, v->name,
                       least, value), false;
    out->number[option] = number;
  }
  const char *choices = cli_option_rows[option].choices;
  char what[64];
  snprintf(what, sizeof what, "`--%s`", cli_option_rows[option].name);
  if (choices && !is_choice(what, choices, value)) return false;
  out->value[option] = value;
  return true;
}

// --NAME VALUE of a verb that takes what the file declares. The name is cut out of --NAME=VALUE.
static bool take_named(const char *word, size_t n, const char *value, CliArgs *out) {
  if (out->nameds == CLI_MAX_NAMED) return cli_usage("E0704", "more than %d arguments", CLI_MAX_NAMED), false;
  char *name = strndup(word, n);
  if (!name) return cli_usage("E0606", "out of memory"), false;
  out->named[out->nameds++] = (NacreArgument){name, value};
  return true;
}

void cli_free(CliArgs *a) {
  for (int i = 0; i < a->nameds; i++) free((char *)a->named[i].name);
  free(a->arg);
}

static void needs_value(const CliOptionRow *o) {
  cli_usage("E0704", "`--%s` needs a value: %s\nhelp: it is %s", o->name, o->metavar, o->doc);
}

bool cli_parse(const CliVerb *v, int argc, char **argv, CliArgs *out) {
  *out = (CliArgs){.arg = calloc((size_t)argc + 1, sizeof *out->arg)};
  if (!out->arg) return cli_usage("E0606", "out of memory"), false;
  bool only_operands = false;
  for (int i = 0; i < argc; i++) {
    const char *word = argv[i];
    if (only_operands || word[0] != '-' || !word[1]) {
      out->arg[out->args++] = word;
      continue;
    }
    if (strcmp(word, "--") == 0) { only_operands = true; continue; }
    if (strcmp(word, "-h") == 0) word = "--help";
    if (strcmp(word, "-o") == 0 && (v->options & B(OUTPUT))) word = "--output";
    if (strncmp(word, "--", 2) != 0) return cli_usage("E0701", "unknown option `%s`\nhelp: options begin with `--`", word), false;
    size_t n = strcspn(word + 2, "=");
    int option = find_option(v, word + 2, n);
    const char *value = word[2 + n] ? word + 2 + n + 1 : NULL;
    if (option < 0 && v->named) {
      if (!value && i + 1 >= argc) return cli_usage("E0704", "`%s` needs a value", word), false;
      if (!take_named(word + 2, n, value ? value : argv[++i], out)) return false;
      continue;
    }
    if (option < 0) return cli_unknown_option(v, word, value ? value : i + 1 < argc ? argv[i + 1] : NULL), false;
    if (!cli_option_rows[option].metavar) {
      const char *choices = cli_option_rows[option].choices;
      char what[64];
      snprintf(what, sizeof what, "the value of `--%s`", cli_option_rows[option].name);
      if (value && !choices) return cli_usage("E0702", "`--%s` takes no value", cli_option_rows[option].name), false;
      if (value && !is_choice(what, choices, value)) return false;
      out->value[option] = value ? value : "";
      continue;
    }
    if (!value && i + 1 >= argc) return needs_value(&cli_option_rows[option]), false;
    if (!take_value(v, option, value ? value : argv[++i], out)) return false;
  }
  if (out->value[O_HELP]) return true;
  if (out->args < v->min_args) return cli_usage("E0704", "`nacre %s` needs: %s\nhelp: `nacre %s --help` tells what it takes", v->name, v->operands, v->name), false;
  if (v->max_args >= 0 && out->args > v->max_args)
    return cli_usage("E0704", "`nacre %s` takes no further argument `%s`\nhelp: it takes %s", v->name, out->arg[v->max_args],
                     *v->operands ? v->operands : "none"), false;
  if (v->choices && out->args && !is_choice(v->operands, v->choices, out->arg[0])) return false;
  return true;
}

// The bytes of the character that s begins with; 0: it is no UTF-8, as the names of files need not be.
static int character(const unsigned char *s) {
  static const struct { unsigned char mask, lead; uint32_t least; } form[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (int n = 1; n <= 4; n++) {
    if ((s[0] & form[n - 1].mask) != form[n - 1].lead) continue;
    uint32_t code = s[0] & ~form[n - 1].mask & 0xffu;
    for (int i = 1; i < n; i++) {
      if ((s[i] & 0xc0) != 0x80) return 0;
      code = code << 6 | (s[i] & 0x3fu);
    }
    return code < form[n - 1].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n;
  }
  return 0;
}

void cli_json_text(FILE *to, const char *text) {
  fputc('"', to);
  for (const unsigned char *s = (const unsigned char *)text; *s;) {
    int n = character(s);
    if (*s < ' ') fprintf(to, "\\u%04x", *s);
    else if (!n) fputs("\\ufffd", to);
    else {
      if (*s == '"' || *s == '\\') fputc('\\', to);
      fwrite(s, 1, (size_t)n, to);
    }
    s += n ? n : 1;
  }
  fputc('"', to);
}

void cli_keep(void *ctx, const char *text, size_t size) {
  CliText *t = ctx;
  if (t->n + size + 1 > t->cap) {
    size_t cap = (t->n + size + 1) * 2;
    char *more = realloc(t->at, cap);
    if (!more) { t->full = true; return; }
    t->at = more;
    t->cap = cap;
  }
  memcpy(t->at + t->n, text, size);
  t->n += size;
  t->at[t->n] = 0;
}

int cli_tell(const CliArgs *a, const char *what, CliText *t, int status) {
  if (t->full) {
    cli_usage("E0606", "out of memory");
    status = NACRE_RUN;
  } else if (t->n && !a->value[O_JSON]) fwrite(t->at, 1, t->n, stdout);
  else if (t->n) {
    putchar('{');
    if (what) printf("\"what\":\"%s\",", what);
    fputs("\"text\":", stdout);
    cli_json_text(stdout, t->at);
    puts("}");
  }
  free(t->at);
  return status;
}

NacreOptions cli_options(const CliArgs *a) {
  return (NacreOptions){
    .set = a->set, .sets = a->sets, .device = a->value[O_DEVICE], .device_class = a->value[O_CLASS],
    .model = a->value[O_MODEL], .batch = a->number[O_BATCH], .json = a->value[O_JSON] != NULL,
    .memory = a->number[O_MEMORY], .verify = a->value[O_VERIFY] != NULL,
    .color = cli_color() && !a->value[O_JSON],
  };
}

bool cli_terminal(void) {
  const char *kind = getenv("TERM");
  return isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
}

bool cli_color(void) {
  const char *no = getenv("NO_COLOR");
  return cli_terminal() && !(no && *no);
}

void cli_help(FILE *to) {
  fprintf(to, "nacre %s: neural networks declared in one text file, trained on any OpenCL device\n\n"
              "usage: nacre COMMAND [OPTION...] ...\n\n", nacre_version());
  for (const CliVerb *v = cli_verbs; v->name; v++) fprintf(to, "  %-9s %s\n", v->name, v->doc);
  fputs("\n`nacre COMMAND --help` tells a command's options. Results go to stdout, narration to stderr.\n"
        "Exit status: 0 fine, 1 the run failed, 2 usage, 3 the model is wrong, 4 the data is wrong,\n"
        "5 the device failed, 130 interrupted (and saved).\n", to);
}

void cli_verb_help(FILE *to, const CliVerb *v) {
  fprintf(to, "usage: nacre %s [OPTION...] %s\n\n%s\n\n", v->name, v->operands, v->doc);
  for (int i = 0; i < O_COUNT; i++) {
    if (!cli_takes(v, i)) continue;
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", cli_option_rows[i].name, cli_option_rows[i].metavar ? " " : "",
             cli_option_rows[i].metavar ? cli_option_rows[i].metavar : "");
    fprintf(to, "  %-18s %s", left, cli_option_rows[i].doc);
    if (cli_option_rows[i].fallback) fprintf(to, " (default: %s)", cli_option_rows[i].fallback);
    fputc('\n', to);
  }
}

// roff needs its own minus sign, and no line may begin with a dot.
static void roff(FILE *to, const char *s) {
  for (; *s; s++) {
    if (*s == '-') fputs("\\-", to);
    else if (*s == '\\') fputs("\\e", to);
    else fputc(*s, to);
  }
}

void cli_man(FILE *to) {
  fprintf(to, ".TH NACRE 1 \"\" \"nacre %s\"\n.SH NAME\nnacre \\- train and use neural networks declared in one text file\n"
              ".SH SYNOPSIS\n.B nacre\n.I COMMAND\n[\\fIOPTION\\fR...] ...\n.SH COMMANDS\n", nacre_version());
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    fprintf(to, ".TP\n.B nacre %s \\fR[\\fIOPTION\\fR...] ", v->name);
    roff(to, v->operands);
    fputc('\n', to);
    roff(to, v->doc);
    fputs(".\n", to);
  }
  fputs(".SH OPTIONS\nEach command takes those that its own \\fB\\-\\-help\\fR lists.\n", to);
  for (int i = 0; i < O_COUNT; i++) {
    fputs(".TP\n.B \\-\\-", to);
    roff(to, cli_option_rows[i].name);
    if (cli_option_rows[i].metavar) fprintf(to, " \\fI%s\\fR", cli_option_rows[i].metavar);
    fputc('\n', to);
    roff(to, cli_option_rows[i].doc);
    if (cli_option_rows[i].fallback) { fputs(" (default: ", to); roff(to, cli_option_rows[i].fallback); fputc(')', to); }
    fputs(".\n", to);
  }
  fputs(".SH EXIT STATUS\n0 fine, 1 the run failed, 2 usage, 3 the model is wrong, 4 the data is wrong, 5 the device\n"
        "failed, 130 interrupted (and saved).\n.SH ENVIRONMENT\n.TP\n.B NO_COLOR\nWhere it is set, and not empty: no colours in messages.\n.TP\n"
        ".B TERM\nA terminal that is \\fIdumb\\fR, or of no kind, gets plain lines.\n.TP\n.B XDG_CACHE_HOME\nWhere what was compiled and "
        "tuned is kept, in a folder \\fInacre\\fR (default: ~/.cache).\n.TP\n.B NACRE_COMPILE\nThe program that compiles beside this "
        "one where PoCL takes long; empty: none does (default: \\fInacre-compile\\fR, as it is installed).\n", to);
}
