// Graphviz as a program of its own: it is neither linked nor needed. Text goes in and a picture comes out by files without
// names, so that nothing waits for a pipe.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "show/picture.h"

extern char **environ;

static NcDotTrouble trouble(const char *why) { return (NcDotTrouble){false, why}; }
static NcDotTrouble absent(void) { return (NcDotTrouble){true, "is not installed"}; }

// Its layout takes ever longer with the number of arrows: nobody waits for more than a minute.
static NcDotTrouble wait_for(pid_t child) {
  enum { SECONDS = 60, MS = 10 };
  int status = -1;
  for (int ms = 0; ms < 1000 * SECONDS; ms += MS) {
    pid_t done = waitpid(child, &status, WNOHANG);
    if (done < 0 && errno != EINTR) return trouble("failed");
    if (done == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return trouble(NULL);
    if (done == child) return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? absent() : trouble("failed");
    nanosleep(&(struct timespec){.tv_nsec = MS * 1000000L}, NULL);
  }
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return trouble("took more than a minute");
}

static NcDotTrouble run(NcArena *a, FILE *in, FILE *out, const char *format) {
  char type[16];
  snprintf(type, sizeof type, "-T%s", format);
  char *argv[] = {(char *)"dot", type, (char *)(strcmp(format, "png") ? NULL : "-Gdpi=144"), NULL};   // screens are fine now
  posix_spawn_file_actions_t files;
  pid_t child;
  int failed = posix_spawn_file_actions_init(&files);
  if (failed) return trouble(nc_sprintf(a, "cannot be started: %s", strerror(failed)));
  failed = posix_spawn_file_actions_adddup2(&files, fileno(in), STDIN_FILENO);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&files, fileno(out), STDOUT_FILENO);
  if (!failed) failed = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (!failed) failed = posix_spawnp(&child, argv[0], &files, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (!failed) return wait_for(child);
  return failed == ENOENT ? absent() : trouble(nc_sprintf(a, "cannot be started: %s", strerror(failed)));
}

// What was written, in memory that is not an arena's: its way out of memory would leave the files open.
static char *take(FILE *out, size_t *size) {
  enum { LARGEST = 1 << 28 };
  long end = fseek(out, 0, SEEK_END) == 0 ? ftell(out) : -1;
  char *room = end > 0 && end < LARGEST ? malloc((size_t)end) : NULL;
  rewind(out);
  if (room && fread(room, 1, (size_t)end, out) == (size_t)end) return *size = (size_t)end, room;
  free(room);
  return NULL;
}

char *nc_graphviz(NcArena *a, const char *text, size_t n, const char *format, size_t *size, NcDotTrouble *why) {
  FILE *in = tmpfile(), *out = tmpfile();
  char *room = NULL, *picture = NULL;
  if (!in || !out || fwrite(text, 1, n, in) != n || fflush(in) != 0 || fseek(in, 0, SEEK_SET) != 0)
    *why = trouble("cannot be given its text: there is no room for temporary files");
  else *why = run(a, in, out, format);
  if (!why->why && !(room = take(out, size))) *why = trouble("made nothing that could be read");
  if (in) fclose(in);
  if (out) fclose(out);
  if (room) {
    picture = nc_alloc(a, *size + 1);
    memcpy(picture, room, *size);
  }
  free(room);
  return picture;
}
