// One function per verb of main.c's table.
#ifndef NACRE_CLI_VERBS_H
#define NACRE_CLI_VERBS_H
#include "options.h"

// verbs_model.c: on a file
int cli_check(const CliArgs *a);
int cli_summary(const CliArgs *a);
int cli_test(const CliArgs *a);
int cli_emit(const CliArgs *a);
// verbs_run.c: on a run directory
int cli_train(const CliArgs *a);
int cli_eval(const CliArgs *a);
int cli_predict(const CliArgs *a);
int cli_run(const CliArgs *a);
// verbs_measure.c: on either of them
int cli_profile(const CliArgs *a);
int cli_bench(const CliArgs *a);
int cli_tune(const CliArgs *a);
// verbs_show.c: pictures of either
int cli_graph(const CliArgs *a);
int cli_report(const CliArgs *a);
// verbs_new.c: on data
int cli_new(const CliArgs *a);
// verbs_plain.c: without a model that is opened
int cli_explain(const CliArgs *a);
int cli_fmt(const CliArgs *a);
int cli_syntax(const CliArgs *a);
int cli_completion(const CliArgs *a);    // completion.c
int cli_runs(const CliArgs *a);
int cli_diff(const CliArgs *a);
int cli_devices(const CliArgs *a);
int cli_doctor(const CliArgs *a);

void cli_stdout(void *ctx, const char *text, size_t size);           // a NacreWrite
bool cli_is_run(const char *path);                                    // a directory: that of a training
NacreStatus cli_open(const CliArgs *a, NacreModel **m);               // the first argument: a file, or a run with its weights
int cli_done(NacreModel *m, NacreStatus s);                           // prints messages, closes; the exit status
int cli_done_text(char *error, NacreStatus s);
int cli_replace(const CliArgs *a, const char *path, const CliText *t); // beside and renamed; the exit status, after a message
char *cli_read(const char *path, size_t *size);                       // malloc'ed; NULL after a message
#endif
