// Going on with a text, token by token: the work behind `decode`.
#ifndef NC_DECODE_H
#define NC_DECODE_H
#include "train/model.h"

// How the next token is drawn. Temperature 0 takes the most probable one; top_k 0 and top_p 1 leave all in.
typedef struct { double temperature, top_p; int64_t top_k; } NcDraw;

// A token by its score, n of them; -1 where a score is NaN. Equal (seed, number) draw the same. `room` is for n of them.
typedef struct { float score; int32_t token; } NcScored;
int64_t nc_draw(const NcDraw *how, const float *score, int64_t n, uint64_t seed, uint64_t number, NcScored *room);

// Told of every row's token at a position, those of the prompt first. NULL is allowed.
typedef void NcTokenTold(void *ctx, int64_t position, const int32_t *token);

// Whether a pass over many positions is made beside the plan of one step.
bool nc_decode_passes(const NacreModel *m, const NcDecode *d, const NcPlan *step);

// d->given tokens of each row and d->more further ones: i32[batch, given + more]. NULL after an error.
int32_t *nc_decode_run(NacreModel *m, const NcDecode *d, const int32_t *prompt, uint64_t seed, NcTokenTold *told, void *ctx);
#endif
