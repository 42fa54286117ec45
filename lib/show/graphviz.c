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

// Its layout takes ever longer with the number of arrows: nobody waits for more than a minute.
static bool wait_for(pid_t child, int *status) {
  enum { SECONDS = 60, MS = 10 };
  for (int ms = 0; ms < 1000 * SECONDS; ms += MS) {
    pid_t done = waitpid(child, status, WNOHANG);
    if (done == child || (done < 0 && errno != EINTR)) return done == child;
    nanosleep(&(struct timespec){.tv_nsec = MS * 1000000L}, NULL);
  }
  kill(child, SIGKILL);
  while (waitpid(child, status, 0) < 0 && errno == EINTR) {}
  return false;
}

static bool run(FILE *in, FILE *out, const char *format, bool *absent) {
  char type[16];
  snprintf(type, sizeof type, "-T%s", format);
  char *argv[] = {(char *)"dot", type, (char *)(strcmp(format, "png") ? NULL : "-Gdpi=144"), NULL};   // screens are fine now
  posix_spawn_file_actions_t files;
  if (posix_spawn_file_actions_init(&files) != 0) return false;
  pid_t child;
  int status = -1;
  bool made = posix_spawn_file_actions_adddup2(&files, fileno(in), STDIN_FILENO) == 0 &&
              posix_spawn_file_actions_adddup2(&files, fileno(out), STDOUT_FILENO) == 0 &&
              posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0;
  int failed = made ? posix_spawnp(&child, argv[0], &files, NULL, argv, environ) : -1;
  *absent = failed != 0;
  posix_spawn_file_actions_destroy(&files);
  bool ended = !failed && wait_for(child, &status);
  if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 127) *absent = true;
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *nc_graphviz(NcArena *a, const char *text, size_t n, const char *format, size_t *size, bool *absent) {
  enum { LARGEST = 1 << 28 };
  FILE *in = tmpfile(), *out = tmpfile();
  char *picture = NULL;
  *absent = false;
  if (in && out && fwrite(text, 1, n, in) == n && fflush(in) == 0 && fseek(in, 0, SEEK_SET) == 0 && run(in, out, format, absent) &&
      fseek(out, 0, SEEK_END) == 0) {
    long end = ftell(out);
    rewind(out);
    char *room = end > 0 && end < LARGEST ? malloc((size_t)end) : NULL;    // an arena's way out of memory would leave files open
    bool whole = room && fread(room, 1, (size_t)end, out) == (size_t)end;
    fclose(out);
    fclose(in);
    in = out = NULL;
    if (whole) {
      *size = (size_t)end;
      picture = nc_alloc(a, *size + 1);
      memcpy(picture, room, *size);
    }
    free(room);
  }
  if (in) fclose(in);
  if (out) fclose(out);
  return picture;
}
