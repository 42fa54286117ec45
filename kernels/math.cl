// Functions of pointwise operations that OpenCL lacks or does slowly, for every register width: nc_NAME_TYPE.
// Scalars and vectors differ in what a comparison gives (1 or -1), and select() knows both.

// exp within 2 units in the last place; 0 below -87. x is n log 2 + r, the exponent n comes out of the low bits of a sum that
// has no room for a fraction, and exp(r) is a fit of degree 6 as those of erf. Half of it all is as short as a processor
// wants it that has much else to keep in flight: no function of the driver's, no test for each end. A comparison with NaN
// is false, so that NaN stays.
#define NC_EXP(T, I) \
  static inline T nc_expof_##T(T x) { \
    T t = x * 1.4426950408889634f + 12583038.0f, n = t - 12583038.0f; \
    T r = n * 2.1219444e-4f + (n * -0.693359375f + x); \
    T p = 0.0027687118854373693f * r + 0.016748472630977631f; \
    p = p * r + 0.083336018025875092f; \
    p = p * r + 0.33332860469818115f; \
    p = p * r + 0.9999998807907104f; \
    p = p * r + 2.0f; \
    p = p * r + 2.0f; \
    return p * as_##T(as_##I(t) << 23); \
  } \
  static inline T nc_exp_##T(T x) { \
    T y = nc_expof_##T(x > (T)(88.73f) ? (T)(88.73f) : x); \
    return x < (T)(-86.9f) ? (T)(0.0f) : y; \
  } \
  static inline T nc_sigmoid_##T(T x) { \
    T z = x > (T)(86.9f) ? (T)(86.9f) : x; \
    return 1.0f / (1.0f + nc_expof_##T(z < (T)(-88.7f) ? (T)(88.7f) : -z)); \
  }

// tanh within 2 units: up to 0.65 it is x + x³ P(x²), a fit; beyond, 1 - 2 / (1 + exp(2x)).
#define NC_TANH(T, I) \
  static inline T nc_tanh_##T(T x) { \
    T a = fabs(x), t = a * a, z = a > (T)(44.0f) ? (T)(44.0f) : a; \
    T p = -0.0055285687558352947f * t + 0.020483257248997688f; \
    p = p * t - 0.053692948073148727f; \
    p = p * t + 0.13330899178981781f; \
    p = p * t - 0.3333326280117035f; \
    p = p * t * x + x; \
    T far = copysign(1.0f - 2.0f / (1.0f + nc_expof_##T(z + z)), x); \
    return a > (T)(0.65f) ? far : p; \
  }

// erf within 3 units in the last place. Below 1 it is x P(x²); above, 1 - exp(Q(x)), Q being close to log(1 - erf).
// P and Q are least-squares fits, reweighted towards equal ripple.
#define NC_ERF(T, I) \
  static inline T nc_erf_##T(T x) { \
    T a = fmin(fabs(x), (T)(3.95f)), t = a * a, s = a - 2.5f; \
    T p = -9.680130460765213e-06f * t + 0.00011270542745478451f; \
    p = p * t - 0.00084847112884745f; \
    p = p * t + 0.005221074912697077f; \
    p = p * t - 0.02686544507741928f; \
    p = p * t + 0.11283782869577408f; \
    p = p * t - 0.37612637877464294f; \
    p = (p * t + 1.128379225730896f) * x; \
    T q = 1.4167503650241997e-06f * s - 1.3885422958992422e-05f; \
    q = q * s + 7.761616143397987e-05f; \
    q = q * s - 0.0004183104319963604f; \
    q = q * s + 0.0021659834310412407f; \
    q = q * s - 0.010859924368560314f; \
    q = q * s - 0.9438946843147278f; \
    q = q * s - 5.352680683135986f; \
    q = q * s - 7.806815147399902f; \
    T far = copysign(1.0f - nc_exp_##T(q), x); \
    I large = a > (T)(1.0f), nan = x != x; \
    return select(select(p, far, large), x, nan); \
  }

// The inverse of erf: x times a polynomial in w = -log(1 - x²), or in its root where x is near 1 (the way of Giles,
// "Approximating the erfinv function", 2010; the coefficients are fits of our own). Infinite at 1, NaN beyond.
#define NC_ERFINV(T, I) \
  static inline T nc_erfinv_##T(T x) { \
    T w = -log((1.0f - x) * (1.0f + x)), c = w - 2.5f, s = sqrt(w) - 3.0f; \
    T p = -8.59043680634386e-09f * c + 2.3184369979389885e-08f; \
    p = p * c + 4.6338141146406997e-07f; \
    p = p * c - 3.4621159556991188e-06f; \
    p = p * c - 4.950466063746717e-06f; \
    p = p * c + 0.00021834221843164414f; \
    p = p * c - 0.001252763788215816f; \
    p = p * c - 0.004177384078502655f; \
    p = p * c + 0.24664029479026794f; \
    p = p * c + 1.5014094114303589f; \
    T q = 9.353287168778479e-05f * s - 0.0002814306935761124f; \
    q = q * s - 3.0511790100717917e-05f; \
    q = q * s + 0.001449664356186986f; \
    q = q * s - 0.0036081920843571424f; \
    q = q * s + 0.005700984038412571f; \
    q = q * s - 0.0076354146003723145f; \
    q = q * s + 0.009443527087569237f; \
    q = q * s + 1.0016748905181885f; \
    q = q * s + 2.832976818084717f; \
    I tail = w > (T)(5.0f), end = fabs(x) == (T)(1.0f); \
    return select(select(p, q, tail) * x, copysign((T)(INFINITY), x), end); \
  }

// a - b floor(a / b), with the sign of b.
#define NC_MOD_FLOAT(T, I) \
  static inline T nc_mod_##T(T a, T b) { \
    T r = fmod(a, b); \
    I turn = (r != (T)(0.0f)) & ((r < (T)(0.0f)) != (b < (T)(0.0f))); \
    return select(r, r + b, turn); \
  }

// Division towards minus infinity, and its rest. By 0 both give 0. Divisors of 0 and -1 never reach the
// division, which may trap there; I is an integer type as wide as T.
#define NC_DIVIDE(T, I) \
  static inline T nc_floordiv_##T(T a, T b) { \
    I zero = convert_##I(b == (T)(0)), minus = convert_##I(b == (T)(-1)); \
    T d = select(select(b, (T)(1), minus), (T)(1), zero), q = a / d, r = a - q * d; \
    I down = convert_##I((r != (T)(0)) & ((r < (T)(0)) != (d < (T)(0)))); \
    q = select(q, q - (T)(1), down); \
    return select(select(q, (T)(0) - a, minus), (T)(0), zero); \
  } \
  static inline T nc_mod_##T(T a, T b) { \
    I none = convert_##I((b == (T)(0)) | (b == (T)(-1))); \
    T d = select(b, (T)(1), none), r = a - (a / d) * d; \
    I turn = convert_##I((r != (T)(0)) & ((r < (T)(0)) != (d < (T)(0)))); \
    return select(r, r + d, turn); \
  }

#define NC_MATH(T, I, L) NC_EXP(T, I) NC_TANH(T, I) NC_ERF(T, I) NC_ERFINV(T, I) NC_MOD_FLOAT(T, I) NC_DIVIDE(I, I) NC_DIVIDE(L, L)
NC_MATH(float, int, long)
NC_MATH(float2, int2, long2)
NC_MATH(float4, int4, long4)
NC_MATH(float8, int8, long8)
NC_MATH(float16, int16, long16)
#undef NC_MATH
#undef NC_EXP
#undef NC_TANH
#undef NC_ERF
#undef NC_ERFINV
#undef NC_MOD_FLOAT
#undef NC_DIVIDE
