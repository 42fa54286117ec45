// Building a program, and saying what the compiler said.
#include "device/internal.h"
#include "base/file.h"
#include "base/map.h"
#include <stdlib.h>
#include <string.h>

enum { LOG_LINES = 12, LOG_WIDTH = 300 };

// NACRE_DEBUG is a list of words, separated by commas.
static bool debug_says(const char *word) {
  const char *s = getenv("NACRE_DEBUG");
  size_t n = strlen(word);
  for (; s && *s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
    if (strncmp(s, word, n) == 0 && (!s[n] || s[n] == ',' || s[n] == ':')) return true;
  return false;
}

// NACRE_DEBUG=unoptimized builds without the driver's optimizer: programs start soon and run slowly.
// NACRE_DEBUG=nobanks leaves kernels that could share one by themselves, each step a launch of its own (banks.h).
// NACRE_DEBUG=program writes every program's text into the current folder, under a name made from its contents.
static const char *dump(NcArena *a, const char *source) {
  if (!debug_says("program")) return NULL;
  size_t n = strlen(source);
  const char *path = nc_sprintf(a, "nacre-%016llx.cl", (unsigned long long)nc_hash64(0, source, n));
  return nc_write_file(nc_diag_new(a), path, source, n) ? path : NULL;
}

bool nc_device_banks(const NcDevice *dev) {
  return strstr(dev->info.platform, "Portable Computing Language") && strcmp(dev->info.kind, "cpu") == 0 && !debug_says("nobanks");
}

static const char *build_log(NcDevice *dev, NcArena *a, cl_program program) {
  size_t n = 0;
  if (dev->cl->clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n) || !n) return "";
  char *log = nc_alloc(a, n + 1);
  return dev->cl->clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, n, log, NULL) ? "" : log;
}

static bool says_error(const char *line, size_t n) {
  return memmem(line, n, "error", 5) || memmem(line, n, "Error", 5) || memmem(line, n, "ERROR", 5);
}

// The log from its first error on, a few lines of it: warnings before it and repetitions after it help nobody.
static void note_log(NcDiag *d, NcMessage *m, const char *log) {
  const char *from = log;
  for (const char *s = log; *s; s += strcspn(s, "\n"), s += *s == '\n')
    if (says_error(s, strcspn(s, "\n"))) { from = s; break; }
  int lines = 0;
  for (const char *s = from; *s && lines < LOG_LINES; s += *s == '\n') {
    size_t n = strcspn(s, "\n");
    if (strspn(s, " \t\r") < n) {
      nc_note(d, m, "%.*s", (int)(n > LOG_WIDTH ? LOG_WIDTH : n), s);
      lines++;
    }
    s += n;
  }
  if (!lines) nc_note(d, m, "the driver says nothing more");
}

static void report(NcDevice *dev, NcDiag *d, cl_program program, const char *source, const char *dumped) {
  NcMessage *m = nc_error(d, NC_E0503, NC_NOWHERE, "the driver of %s (%s %s) does not compile the generated program",
                          dev->info.name, dev->info.platform, dev->info.driver);
  note_log(d, m, build_log(dev, d->arena, program));
  if (dumped) nc_note(d, m, "the program (%zu bytes) is in %s", strlen(source), dumped);
  nc_help(d, m, dumped ? "`nacre doctor` checks this driver; if it passes, please report this with that file"
                       : "NACRE_DEBUG=program keeps the program's text in a file; `nacre doctor` checks this driver");
}

// Oclgrind knows nothing of what clang says where it inlines a function with `restrict`, and ends the program by that.
static const char *wants(const NcDevice *dev) {
  return strcmp(dev->info.platform, "Oclgrind") == 0 ? " -Drestrict=" : "";
}

// -w: generated code may hold what a compiler warns of, and some drivers print the number of their warnings.
cl_program nc_program_build(NcDevice *dev, NcDiag *d, const char *source, const char *options) {
  cl_int err = 0;
  const char *dumped = dump(d->arena, source);
  options = nc_sprintf(d->arena, "%s%s-w%s%s", options, *options ? " " : "",
                       debug_says("unoptimized") ? " -cl-opt-disable" : "", wants(dev));
  cl_program kept = nc_binary_recall(dev, d->arena, source, options);
  if (kept) return kept;
  cl_program program = NC_MAKE(dev->cl, &err, clCreateProgramWithSource, (dev->context, 1, &source, NULL, &err));
  if (err) {
    nc_cl_error(d, "clCreateProgramWithSource", err);
    return NULL;
  }
  err = NC_CALL(dev->cl, clBuildProgram, (program, 1, &dev->id, options, NULL, NULL));
  if (!err) nc_binary_keep(dev, d->arena, source, options, program);
  if (!err) return program;
  if (err == CL_BUILD_PROGRAM_FAILURE || err == CL_INVALID_BUILD_OPTIONS) report(dev, d, program, source, dumped);
  else nc_note(d, nc_cl_error(d, "clBuildProgram", err), "options: %s", options);
  dev->cl->clReleaseProgram(program);
  return NULL;
}
