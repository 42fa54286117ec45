// Other processes that compile parts of a program. PoCL compiles under one lock for the process and keeps what it made on
// disk: what another process compiled, this one finds. Each helper is a run of `nacre-compile` (helper.c), which is told
// all parts; who compiles which is settled by a pipe with a byte for each that nobody has begun: whoever reads it, does it.
//
// A helper that dies, hangs or cannot be started costs time only: what is not on disk, this process compiles. Helpers end
// when this process does, with the first run of a plan, or with the device.
#ifndef NC_HELPERS_H
#define NC_HELPERS_H
#include "device/banks.h"
#include "device/internal.h"

// What both sides agree upon: a helper's socket, its end of the pipe of numbers, and what it says in one byte: that part i
// is done (i), that it does not compile (i + NC_HELPER_FAILED), that the pipe is empty.
enum { NC_HELPER_SOCKET = 0, NC_HELPER_PIPE = 3, NC_HELPER_FAILED = 64, NC_HELPER_IDLE = 255, NC_PARTS_MOST = 8 };
#define NC_HELPER_HELLO "nacre-compile " PACKAGE_VERSION

typedef struct NcHelpers NcHelpers;

// NULL where none may be had: one core, no such program, a driver that keeps nothing. Nothing is started yet.
NcHelpers *nc_helpers_new(NcDevice *dev);
int nc_helpers_count(const NcHelpers *h);                    // that are alive; NULL: 0

// The parts as one message, the first of which this process has begun. Offering starts helpers where there are none; it
// needs no arena, so that a thread can do it while the first part is built.
void nc_helpers_tell(NcBuf *message, const NcDevice *dev, const NcParts *p, const char *options);
void nc_helpers_offer(NcHelpers *h, const NcBuf *message, int parts);
int nc_helpers_claim(NcHelpers *h);                          // a part that nobody has begun; 0: there is none
// Waits for the `parts` that were not claimed here, for each that long; who is not done with them then is given up. Returns
// how many are compiled.
int nc_helpers_collect(NcHelpers *h, int parts, double seconds);
void nc_helpers_end(NcHelpers *h);                           // NULL is allowed

// build.c: all parts, with helpers where that takes long; those that do not compile are NULL, and false is returned.
bool nc_parts_build(NcDevice *dev, cl_command_queue queue, NcDiag *d, const NcParts *p, const char *options, cl_program *program);
// The machine code of a part's banks, which the driver makes at their first launch: this one runs nothing.
bool nc_banks_ready(NcDevice *dev, cl_command_queue queue, cl_program program, const NcParts *p, int part);
#endif
