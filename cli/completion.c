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
static void quoted(FILE *to, const char *s, const char *special) {
  for (; *s; s++) {
    if (*s == '\'') fputs("'\\'", to);
    if (strchr(special, *s)) fputc('\\', to);
    fputc(*s, to);
  }
}

static void verbs(FILE *to) {
  for (const CliVerb *v = cli_verbs; v->name; v++) fprintf(to, "%s%s", v > cli_verbs ? " " : "", v->name);
}

static void bash(FILE *to) {
  fputs("# bash completion of nacre, printed by `nacre completion bash`\n_nacre() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
        "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '", to);
  verbs(to);
  fputs(" --help --version' -- \"$cur\"))\n    return\n  fi\n  case $prev in\n", to);
  for (int i = 0; i < O_COUNT; i++) {
    const CliOptionRow *o = &cli_option_rows[i];
    if (o->choices && o->metavar) fprintf(to, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->name, o->choices);
    else if (o->metavar && !is_path(o->metavar)) fprintf(to, "    --%s) return ;;\n", o->name);
  }
  fputs("  esac\n  case ${COMP_WORDS[1]} in\n", to);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    fprintf(to, "    %s) words='%s", v->name, v->choices ? v->choices : "");
    for (int i = 0; i < O_COUNT; i++)
      if (cli_takes(v, i)) fprintf(to, " --%s", cli_option_rows[i].name);
    fputs("' ;;\n", to);
  }
  fputs("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "  case $cur in -*) ;; *) COMPREPLY+=($(compgen -f -- \"$cur\")) ;; esac\n}\ncomplete -o filenames -F _nacre nacre\n", to);
}

static void zsh(FILE *to) {
  fputs("#compdef nacre\n# zsh completion of nacre, printed by `nacre completion zsh`\n_nacre() {\n  local -a verbs\n  verbs=(\n", to);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    fprintf(to, "    '%s:", v->name);
    quoted(to, v->doc, ":");
    fputs("'\n", to);
  }
  fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command verbs\n    return\n  fi\n"
        "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n", to);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    fprintf(to, "    %s) _arguments", v->name);
    for (int i = 0; i < O_COUNT; i++) {
      const CliOptionRow *o = &cli_option_rows[i];
      if (!cli_takes(v, i)) continue;
      fprintf(to, " \\\n      '--%s[", o->name);
      quoted(to, o->doc, ":[]\\");
      fprintf(to, "]");
      if (o->metavar) fprintf(to, ":%s:", o->metavar);
      if (o->choices && o->metavar) fprintf(to, "(%s)", o->choices);
      else if (is_path(o->metavar)) fprintf(to, "_files");
      fputc('\'', to);
    }
    if (v->choices) fprintf(to, " \\\n      '1:%s:(%s)' ;;\n", v->operands, v->choices);
    else fprintf(to, " \\\n      '*:file:_files' ;;\n");
  }
  fputs("  esac\n}\n_nacre \"$@\"\n", to);
}

static void fish(FILE *to) {
  fputs("# fish completion of nacre, printed by `nacre completion fish`\n", to);
  for (const CliVerb *v = cli_verbs; v->name; v++) {
    fprintf(to, "complete -c nacre -n __fish_use_subcommand -f -a %s -d '", v->name);
    quoted(to, v->doc, "\\");
    fputs("'\n", to);
    if (v->choices) fprintf(to, "complete -c nacre -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", v->name, v->choices);
    for (int i = 0; i < O_COUNT; i++) {
      const CliOptionRow *o = &cli_option_rows[i];
      if (!cli_takes(v, i)) continue;
      fprintf(to, "complete -c nacre -n '__fish_seen_subcommand_from %s' -l %s%s", v->name, o->name,
             !o->metavar ? "" : is_path(o->metavar) ? " -r -F" : " -x");
      if (o->choices && o->metavar) fprintf(to, " -a '%s'", o->choices);
      fputs(" -d '", to);
      quoted(to, o->doc, "\\");
      fputs("'\n", to);
    }
  }
}

int cli_completion(const CliArgs *a) {
  static const struct { const char *name; void (*print)(FILE *to); } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  CliText t = {0};
  FILE *to = open_memstream(&t.at, &t.n);
  if (!to) return cli_usage("E0606", "out of memory"), NACRE_RUN;
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
    if (strcmp(a->arg[0], shells[i].name) == 0) shells[i].print(to);
  t.full = fclose(to) != 0;
  return cli_tell(a, NULL, &t, 0);
}
