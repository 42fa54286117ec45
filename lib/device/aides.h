// Other processes that compile parts of a program. PoCL compiles under one lock for the process and keeps what it made on
// disk: what another process compiled, this one finds. Each aide is a run of `nacre-compile` (aide.c), which is told
// all parts; who compiles which is settled by a pipe with a byte for each that nobody has begun: whoever reads it, does it.
//
// An aide that dies, hangs or cannot be started costs time only: what is not on disk, this process compiles. Aides end
// when this process does, with the first run of a plan, or with the device.
#ifndef NC_AIDES_H
#define NC_AIDES_H
#include "device/banks.h"
#include "device/internal.h"

// What both sides agree upon: an aide's socket, its end of the pipe of numbers, and what it says in one byte: that part i
// is done (i), that it does not compile (i + NC_AIDE_FAILED), that the pipe is empty.
enum { NC_AIDE_SOCKET = 0, NC_AIDE_PIPE = 3, NC_AIDE_FAILED = 64, NC_AIDE_IDLE = 255, NC_PARTS_MOST = 8 };
#define NC_AIDE_HELLO "nacre-compile " PACKAGE_VERSION

typedef struct NcAides NcAides;

// NULL where none may be had: one core, no such program, a driver that keeps nothing. Nothing is started yet.
NcAides *nc_aides_new(NcDevice *dev);
int nc_aides_count(const NcAides *h);                    // that are alive; NULL: 0

// The parts as one message, the first of which this process has begun. Offering starts aides where there are none; it
// needs no arena, so that a thread can do it while the first part is built.
void nc_aides_tell(NcBuf *message, const NcDevice *dev, const NcParts *p, const char *options);
void nc_aides_offer(NcAides *h, const NcBuf *message, int parts);
int nc_aides_claim(NcAides *h);                          // a part that nobody has begun; 0: there is none
// Waits for the `parts` that were not claimed here, for each that long; who is not done with them then is given up. Returns
// how many are compiled.
int nc_aides_collect(NcAides *h, int parts, double seconds);
void nc_aides_end(NcAides *h);                           // NULL is allowed

// build.c: all parts, with aides where that takes long; those that do not compile are NULL, and false is returned.
bool nc_parts_build(NcDevice *dev, cl_command_queue queue, NcDiag *d, const NcParts *p, const char *options, cl_program *program);
// The machine code of a part's bank, which the driver makes at its first launch: this one runs nothing.
bool nc_bank_ready(NcDevice *dev, cl_command_queue queue, cl_program program);
#endif
