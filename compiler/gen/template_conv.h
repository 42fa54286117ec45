// What the convolutions of template_conv.c and template_winograd.c share.
#ifndef NC_TEMPLATE_CONV_H
#define NC_TEMPLATE_CONV_H
#include "gen/templates.h"

// BATCH, G, IG … of the kernel files, for sizes that fit.
void nc_conv_define(NcTemplateFrame *f, const NcConvTemplate *c);
const char *nc_conv_index(const NcConvTemplate *c);     // IDX
bool nc_conv_reaches(const NcConvTemplate *c, int64_t elements);     // whether IDX counts so many
// Whether weights lie in the order [O][I/G][kernel…] and are read as they are.
bool nc_conv_plain_weights(const NcConvTemplate *c);

bool nc_conv_winograd_possible(const NcConvTemplate *c);
// Winograd's way. False: not for this shape, or not better here (unless c->way asks for it).
bool nc_conv_winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use);
bool nc_conv_weight_winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use);
#endif
