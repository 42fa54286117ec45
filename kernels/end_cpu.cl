// Takes back what tile_cpu.cl and slab_cpu.cl defined, so that templates can follow each other in one program.
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
