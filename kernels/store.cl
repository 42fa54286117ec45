// bf16 is the upper half of a float: rounded to nearest, halves to even; NaN stays NaN.
#define NC_BF16(n) \
  static inline ushort##n nc_bf16_float##n(float##n x) { \
    uint##n u = as_uint##n(x); \
    u = select((u + 0x7fffu + ((u >> 16) & 1u)) >> 16, (u >> 16) | 0x40u, convert_uint##n(x != x)); \
    return convert_ushort##n(u); \
  }
NC_BF16()
NC_BF16(2)
NC_BF16(4)
NC_BF16(8)
NC_BF16(16)
