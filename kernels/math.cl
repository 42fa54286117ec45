// Functions of pointwise operations that OpenCL lacks or does slowly, for every register width: nc_NAME_TYPE.
// Scalars and vectors differ in what a comparison gives (1 or -1), and select() knows both.

// exp within 2 units in the last place; 0 below -87, where the bits of 2 to the power n - 1 are those of 0. x is n log 2 + r, the
// exponent n comes out of the low bits of a sum that has no room for a fraction, and exp(r) is a fit of degree 6. It is as short as a
// processor wants it that has much else to keep in flight: no function of the driver's, no choice at the ends. A comparison with NaN
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
    T y = x > (T)(88.73f) ? (T)(88.73f) : x; \
    return nc_expof_##T(y < (T)(-87.2f) ? (T)(-87.2f) : y); \
  } \
  static inline T nc_sigmoid_##T(T x) { \
    T z = x > (T)(86.9f) ? (T)(86.9f) : x; \
    return 1.0f / (1.0f + nc_expof_##T(z < (T)(-88.7f) ? (T)(88.7f) : -z)); \
  }

// log(1 + f) is f P(f) / Q(f), a minimax fit between 1/√2 and √2, and another one up to 2. So log, where x is 2 to the power e times what
// is near 1, is within 3 units in the last place, also of denormals, and softplus, log(1 + exp(x)), within 4, but 0 below -87.
#define NC_LOG(T, I) \
  static inline T nc_log_##T(T x) { \
    I denormal = convert_##I(x < (T)(1.17549435e-38f)); \
    T z = select(x, x * 8388608.0f, denormal), e = select((T)(0.0f), (T)(-23.0f), denormal); \
    I i = as_##I(z) - 0x3f3504f3; \
    T f = as_##T((i & 0x7fffff) + 0x3f3504f3) - 1.0f; \
    e += convert_##T(i >> 23); \
    T p = 0.00701732556f * f + 0.33260047f, q = 0.113788252f * f + 0.856435429f; \
    p = p * f + 1.21433653f, q = q * f + 1.71433654f; \
    p = p * f + 1.0f, q = q * f + 1.0f; \
    T y = e * 0.693359375f + (e * -2.1219444e-4f + p * f / q); \
    y = x > (T)(3.40282347e38f) ? x : y; \
    y = x > (T)(0.0f) ? y : (T)(-INFINITY); \
    return x >= (T)(0.0f) ? y : (T)(NAN); \
  } \
  static inline T nc_softplus_##T(T x) { \
    T u = nc_exp_##T(-fabs(x)); \
    T p = 0.00341728517f * u + 0.238157627f, q = 0.0752873245f * u + 0.687936473f; \
    p = p * u + 1.06621864f, q = q * u + 1.56621851f; \
    p = p * u + 1.0f, q = q * u + 1.0f; \
    return p * u / q + (x > (T)(0.0f) ? x : (T)(0.0f)); \
  }

// tanh and erf are x P(x²) / Q(x²): minimax fits with coefficients above 0, so that nothing cancels. They are within 3.5e-7 of
// themselves: 3 units in the last place, but 6 just below 1, where these are half as large. Beyond what was fitted (9.1 and
// 3.85) they go above 1 and are held there: from 9.4 and 4 on they are exactly 1. NaN stays.
#define NC_HELD(T) \
    T y = p * x / q; \
    y = y > (T)(1.0f) ? (T)(1.0f) : y; \
    return y < (T)(-1.0f) ? (T)(-1.0f) : y;
#define NC_TANH(T) \
  static inline T nc_tanh_##T(T x) { \
    T s = x * x, t = s > (T)(88.36f) ? (T)(88.36f) : s; \
    T p = 1.31775071e-08f * t + 2.04811695e-05f, q = 7.70403972e-07f * t + 0.00032729184f; \
    p = p * t + 0.00348781026f, q = q * t + 0.0258473847f; \
    p = p * t + 0.133744746f, q = q * t + 0.467077911f; \
    p = p * t + 1.0f, q = q * t + 1.0f; \
    NC_HELD(T) \
  }
#define NC_ERF(T) \
  static inline T nc_erf_##T(T x) { \
    T s = x * x, t = s > (T)(16.0f) ? (T)(16.0f) : s; \
    T p = 3.58593684e-06f * t + 0.000485907891f, q = 6.58789286e-05f * t + 0.00194842496f; \
    p = p * t + 0.00624916796f, q = q * t + 0.0251480006f; \
    p = p * t + 0.0892633721f, q = q * t + 0.192422971f; \
    p = p * t + 0.319599718f, q = q * t + 0.850204408f; \
    p = p * t + 1.91926229f, q = q * t + 1.70090199f; \
    NC_HELD(T) \
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

#define NC_MATH(T, I, L) NC_EXP(T, I) NC_LOG(T, I) NC_TANH(T) NC_ERF(T) NC_ERFINV(T, I) NC_MOD_FLOAT(T, I) NC_DIVIDE(I, I) NC_DIVIDE(L, L)
NC_MATH(float, int, long)
NC_MATH(float2, int2, long2)
NC_MATH(float4, int4, long4)
NC_MATH(float8, int8, long8)
NC_MATH(float16, int16, long16)
#undef NC_MATH
#undef NC_EXP
#undef NC_LOG
#undef NC_TANH
#undef NC_HELD
#undef NC_ERF
#undef NC_ERFINV
#undef NC_MOD_FLOAT
#undef NC_DIVIDE
