// Takes back what begin.cl and the shared parts of templates defined, so that templates can follow each other in
// one program.
#undef NC_CAT2
#undef NC_CAT
#undef FN
#undef VEC
#undef VLOAD
#undef VSTORE
#undef NR
#undef INLINE
#undef SCRATCH
#undef VAT
#undef TILE
#undef TAPS
#undef STEPS
#undef SLAB_H
#undef SLAB_W
#undef SLAB_Z
#undef SLAB_I
#undef PIXELS
#undef ARGS
#undef ARG_NAMES
