// One kernel in which many are functions, and which runs steps of a plan one after the other (lib/device/banks.h): as many
// groups as the device has cores, each with a share of the items of a step. Who is through with his share helps with others'.
//
//   table    NC_BANK_ROW numbers for each step: the function, its grid in three directions, where its arguments stand in
//            the table: addresses of buffers and numbers
//   marks    a line of a cache for how many groups have left, then for each step one for how many of its items are done,
//            and one for each group with how many items of its share are taken
//
// A step begins when all items of the one before are done. A group only waits for items that another one has taken, and that
// one is running: so it does not matter how many of the groups run at a time, and one that comes late finds nothing to do.
// The last to leave sets the marks back.
enum { NC_MARK = 16, NC_SPINS = 2000 };

#if defined(__x86_64__)
#define NC_PAUSE() __asm__ volatile("pause")
#else
#define NC_PAUSE()
#endif
// What waits for long sleeps until the number changes, and is woken by who makes it full. A kernel has no C library: futex.
#if defined(__x86_64__) && defined(__linux__)
enum { NC_FUTEX = 202, NC_FUTEX_WAIT = 128, NC_FUTEX_WAKE = 129 };      // within a process
static inline __attribute__((always_inline)) void nc_futex(__global volatile int *at, int what, int value) {
  long result;
  __asm__ volatile("xor %%r10d, %%r10d\n\tsyscall" : "=a"(result) : "a"((long)NC_FUTEX), "D"(at), "S"((long)what), "d"((long)value)
                   : "rcx", "r10", "r11", "cc", "memory");       // r10: no limit of time
}
#define NC_SLEEP(at, value) nc_futex(at, NC_FUTEX_WAIT, value)
#define NC_WAKE(at) nc_futex(at, NC_FUTEX_WAKE, INT_MAX)
#else
#define NC_SLEEP(at, value)
#define NC_WAKE(at)
#endif

// Where the next items to be taken begin.
__attribute__((noinline)) int nc_take(__global volatile int *taken, int size, int some) {
  return *taken < size ? atomic_add(taken, some) : size;
}

// done[0]: items that are done, done[1]: groups that sleep until all are. A group sleeps when the one that it waits for has
// been at it for long: other processes have its core then, and can have this one.
__attribute__((noinline)) void nc_wait(__global volatile int *done, int items) {
  for (int i = 0; i < NC_SPINS && *done < items; i++) NC_PAUSE();
  if (*done < items) {
    atomic_inc(done + 1);
    for (int is; (is = *done) < items;) NC_SLEEP(done, is);
    atomic_dec(done + 1);
  }
  mem_fence(CLK_GLOBAL_MEM_FENCE);
}

__attribute__((noinline)) void nc_done(__global volatile int *done, int did, int items) {
  mem_fence(CLK_GLOBAL_MEM_FENCE);
  if (did && atomic_add(done, did) + did == items && done[1]) NC_WAKE(done);
}

__attribute__((noinline)) void nc_leave(__global volatile int *marks, int first, int end, int groups) {
  if (atomic_inc(marks) != groups - 1) return;
  for (int i = 1 + first * (groups + 1); i < 1 + end * (groups + 1); i++) marks[i * NC_MARK] = 0;
  *marks = 0;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void nc_bank(int first_, int end_, int turn_, __global ulong *table_, __global volatile int *marks_, __global void *b0_,
             __global void *b1_, __global void *b2_, __global void *b3_, __global void *b4_, __global void *b5_,
             __global void *b6_, __global void *b7_) {
  // SCRATCH
  if (first_ < 0) {                    // where buffers lie
    __global void *const b[8] = {b0_, b1_, b2_, b3_, b4_, b5_, b6_, b7_};
    for (int i = 0; i < 8; i++) table_[-1 - first_ + i] = (ulong)b[i];
    return;
  }
  if (first_ == end_) return;
  const int me = (int)get_group_id(0), groups = (int)get_num_groups(0);
  for (int s = first_; s < end_; s++) {
    __global const ulong *const row = table_ + s * NC_BANK_ROW, *const a_ = table_ + row[4];
    __global volatile int *const marks = marks_ + (1 + s * (groups + 1)) * NC_MARK;
    const int columns = (int)row[1], rows = (int)row[2], items = columns * rows * (int)row[3];
    int did = 0;
    for (int k = 0; k < groups && *marks < items; k++) {
      const int g = (me + k) % groups, from = (int)((long)items * g / groups), size = (int)((long)items * (g + 1) / groups) - from;
      __global volatile int *const taken = marks + (1 + g) * NC_MARK;
      const int some = max(1, size / 32);
      for (int i; (i = nc_take(taken, size, some)) < size;) {
        const int n = min(some, size - i);
        for (int j = from + i; j < from + i + n; j++) {
          const int x_ = j % columns, y_ = j / columns % rows, z_ = j / columns / rows;
          switch (row[0]) {
          // CASES
          }
        }
        did += n;
      }
    }
    nc_done(marks, did, items);
    nc_wait(marks, items);
  }
  nc_leave(marks_, first_, end_, groups);
}
