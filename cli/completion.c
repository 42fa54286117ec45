// What completes the command in a shell, from the tables of verbs and options.
#include <string.h>
#include "verbs.h"

// A value that is the name of a file or folder.
static bool is_path(const char *metavar) {
  static const char *const paths[] = {"FILE", "DIR", "RUN"};
  for (size_t i = 0; metavar && i < sizeof paths / sizeof *paths; i++)
    if (strcmp(metavar, paths[i]) == 0) return true;
  return false;
}

// In a shell's '…'; of zsh's descriptions what has a meaning there is escaped too.
static void quoted(const char *s, const char *special) {
  for (; *s; s++) {
    if (*s == '\'') fputs("'\\'", stdout);
    if (strchr(special, *s)) putchar('\\');
    putchar(*s);
  }
}

static void verbs(void) {
  for (const CliVerb *v = cli_verbs; v->name; v++) printf("%s%s", v > cli_verbs ? " " : "", v->name);
}

static void bash(void) {
  fputs("# bash completion of nacre, printed by `nacre completion bash`\n_nacre() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
        "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '", stdout);
  verbs();
  fputs(" --help --version' -- \"$cur\"))\n    return\n  fi\n  case $prev in\n", stdout);
  for (int i = 0; i < O_COUNT; i++) {
    const CliOptionRow *o = &cli_option_rows[i];
    if (o->choices) printf("    --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->name, o->choices);
    else if (o->metavar && !is_path(o->metavar)) printf("    --%s) return ;;\n", o->name);
  }
  fputs("  esac\n  case ${COMP_WORDS[1]} in\n", stdout);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    printf("    %s) words='%s", v->name, v->choices ? v->choices : "");
    for (int i = 0; i < O_COUNT; i++)
      if (cli_takes(v, i)) printf(" --%s", cli_option_rows[i].name);
    fputs("' ;;\n", stdout);
  }
  fputs("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "  case $cur in -*) ;; *) COMPREPLY+=($(compgen -f -- \"$cur\")) ;; esac\n}\ncomplete -o filenames -F _nacre nacre\n", stdout);
}

static void zsh(void) {
  fputs("#compdef nacre\n# zsh completion of nacre, printed by `nacre completion zsh`\n_nacre() {\n  local -a verbs\n  verbs=(\n", stdout);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    printf("    '%s:", v->name);
    quoted(v->doc, ":");
    fputs("'\n", stdout);
  }
  fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command verbs\n    return\n  fi\n"
        "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n", stdout);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    printf("    %s) _arguments", v->name);
    for (int i = 0; i < O_COUNT; i++) {
      const CliOptionRow *o = &cli_option_rows[i];
      if (!cli_takes(v, i)) continue;
      printf(" \\\n      '--%s[", o->name);
      quoted(o->doc, ":[]\\");
      printf("]");
      if (o->metavar) printf(":%s:", o->metavar);
      if (o->choices) printf("(%s)", o->choices);
      else if (is_path(o->metavar)) printf("_files");
      putchar('\'');
    }
    if (v->choices) printf(" \\\n      '1:%s:(%s)' ;;\n", v->operands, v->choices);
    else printf(" \\\n      '*:file:_files' ;;\n");
  }
  fputs("  esac\n}\n_nacre \"$@\"\n", stdout);
}

static void fish(void) {
  fputs("# fish completion of nacre, printed by `nacre completion fish`\n", stdout);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    printf("complete -c nacre -n __fish_use_subcommand -f -a %s -d '", v->name);
    quoted(v->doc, "\\");
    fputs("'\n", stdout);
    if (v->choices) printf("complete -c nacre -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", v->name, v->choices);
    for (int i = 0; i < O_COUNT; i++) {
      const CliOptionRow *o = &cli_option_rows[i];
      if (!cli_takes(v, i)) continue;
      printf("complete -c nacre -n '__fish_seen_subcommand_from %s' -l %s%s", v->name, o->name,
             !o->metavar ? "" : is_path(o->metavar) ? " -r -F" : " -x");
      if (o->choices) printf(" -a '%s'", o->choices);
      fputs(" -d '", stdout);
      quoted(o->doc, "\\");
      fputs("'\n", stdout);
    }
  }
}

int cli_completion(const CliArgs *a) {
  static const struct { const char *name; void (*print)(void); } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
    if (strcmp(a->arg[0], shells[i].name) == 0) shells[i].print();
  return 0;
}
