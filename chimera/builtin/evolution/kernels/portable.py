"""Elementary functions that give the same bits on every machine.

libm differs between versions and processors (glibc picks its `cos` by CPU), so that one champion
would not be another machine's. These use nothing but IEEE 754 additions, multiplications,
divisions, square roots and exact scalings, in a fixed order. `exp`, `log`, `sin` and `cos` are
within 1 ulp of libm's; beyond 10**6 radians the reduction is about as exact as the argument.

Polynomials: FreeBSD's msun (e_exp.c, e_log.c, k_cos.c, k_sin.c, Sun Microsystems 1993); `normal` is
algorithm AS 241, M. J. Wichura, Applied Statistics 37 (1988) 477-484.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

import numpy as np

from chimera.builtin.evolution.kernels.compiling import inner

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700
_TWO_OVER_PI = 6.36619772367581382433e-01
_HALF_PI_1, _HALF_PI_2, _HALF_PI_3 = (
    1.57079632673412561417,  # the first 33 bits of π/2: exact times a quadrant below 2**20
    6.07710050630396597660e-11,  # the next 33
    2.02226624879595063154e-21,  # and the rest
)
_HALF_PI = 1.57079632679489661923
_LOST_ANGLE = 2.0**45
_LEAST_NORMAL = 2.0**-1022
_MANTISSA, _FRACTION = np.uint64(52), np.uint64(2**52 - 1)
_ONE, _SQRT_HALF = np.uint64(0x3FF0000000000000), np.uint64(0x3FE6A09E667F3BCD)
_MANTISSA_OF_2_52 = np.uint64(0x4330000000000000)
_WHOLE = 2.0**52
_EXP_HIGHEST, _EXP_LOWEST = 709.782712893383973096, -745.13321910194110842


@inner
def exp(x):
    """Return e to the power of `x`."""
    if not x <= _EXP_HIGHEST:
        return x if math.isnan(x) else math.inf
    if x < _EXP_LOWEST:
        return 0.0
    k = np.floor(x * _LOG2_E + 0.5)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    z = r * r
    c = r - z * (
        1.66666666666666019037e-01
        + z
        * (
            -2.77777777770155933842e-03
            + z
            * (
                6.61375632143793436117e-05
                + z * (-1.65339022054652515390e-06 + z * 4.13813679705723846039e-08)
            )
        )
    )
    y = 1.0 + (r * c / (2.0 - c) - low + high)
    half = np.floor(0.5 * k)  # in two steps, so that neither factor leaves the normal numbers
    return y * _two_to_the(half) * _two_to_the(k - half)


@inner
def _two_to_the(k):
    """Return 2**k for a whole float from -1022 to 1023."""
    return np.uint64(np.uint64(np.int64(k + 1023.0)) << _MANTISSA).view(np.float64)


@inner
def log(x):
    """Return the natural logarithm of `x`: NaN below zero, minus infinity at zero."""
    if not x > 0.0:
        return -math.inf if x == 0.0 else math.nan
    if x == math.inf:
        return x
    lift = 54.0 if x < _LEAST_NORMAL else 0.0
    bits = np.float64(x * 2.0**54 if x < _LEAST_NORMAL else x).view(np.uint64)
    bits = bits + (_ONE - _SQRT_HALF)  # carries into the exponent where the fraction is above √2
    k = np.float64(np.int64(bits >> _MANTISSA)) - 1023.0 - lift
    f = np.uint64((bits & _FRACTION) + _SQRT_HALF).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (
        3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
    )
    odd = z * (
        6.666666666666735130e-01
        + w
        * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    return s * (half + (even + odd)) + k * _LN2_LOW - half + f + k * _LN2_HIGH


@inner
def power(x, y):
    """Return `x` to the power of `y` as exp(y log x): NaN for a negative `x`, 1 for a zero `y`.

    Its relative error grows with |y log x|, up to some hundred ulp.
    """
    if y == 0.0:
        return 1.0
    if x == 0.0:
        return 0.0 if y > 0.0 else (math.inf if y < 0.0 else math.nan)
    return exp(y * log(x))


@inner
def unit_log2(u):
    """Return the logarithm of `u` in (0, 1) to base 2, within 2e-7 of it relatively.

    For distributions, and made for loops, as `unit_power` is: log2(1 + f) / f for 1 + f from √½ to
    √2 is a polynomial of our own, interpolated at Chebyshev's nodes. Terms are paired (Estrin), so
    that few wait for others.
    """
    bits = np.float64(u).view(np.uint64) + (_ONE - _SQRT_HALF)
    k = np.uint64((bits >> _MANTISSA) | _MANTISSA_OF_2_52).view(np.float64) - (_WHOLE + 1023.0)
    f = np.uint64((bits & _FRACTION) + _SQRT_HALF).view(np.float64) - 1.0
    ff = f * f
    slope = (
        (1.4426949948930472 - f * 0.721352931362976)
        + ff * (0.48091670800022024 - f * 0.36022518246093277)
    ) + (ff * ff) * (
        (0.287288882373774 - f * 0.24927182207551907)
        + ff * (0.23265257882244683 - f * 0.1427597343578827)
    )
    return k + f * slope


@inner
def unit_power(u, y):
    """Return `u` to the power of `y` for `u` in (0, 1) and `y` from -16 to 16: 2**(y log2 u).

    Within 1e-6 of u**y for `y` from -1 to 1, and of 1 - u**y, relatively; (2**r - 1) / r for r from
    -½ to ½ is another such polynomial.
    """
    x = y * unit_log2(u)
    whole = np.floor(x + 0.5)
    r = x - whole
    rr = r * r
    rise = (
        (0.6931471805599451 + r * 0.2402234903802036)
        + rr * (0.05550381013796652 + r * 0.009666368515384124)
    ) + (rr * rr) * 0.001338130253732282
    exponent = np.float64(whole + (_WHOLE + 1023.0)).view(np.uint64) << _MANTISSA
    return (1.0 + r * rise) * np.uint64(exponent).view(np.float64)


@inner
def smaller(x, y):
    """Return the smaller of two, NaN if one is NaN."""
    return x if x < y or math.isnan(x) else y


@inner
def larger(x, y):
    """Return the larger of two, NaN if one is NaN."""
    return x if x > y or math.isnan(x) else y


@inner
def _reduced(x):
    """Return quadrant, remainder and the remainder's error (Cody and Waite), in floats alone."""
    n = np.floor(x * _TWO_OVER_PI + 0.5)
    a = x - n * _HALF_PI_1
    w = n * _HALF_PI_2
    b = a - w
    w = n * _HALF_PI_3 - ((a - b) - w)
    r = b - w
    return n - 4.0 * np.floor(0.25 * n), r, (b - r) - w


@inner
def _cos_kernel(x, tail):
    z = x * x
    w = z * z
    r = z * (
        4.16666666666666019037e-02
        + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05)
    ) + w * w * (
        -2.75573143513906633035e-07
        + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    )
    half = 0.5 * z
    a = 1.0 - half
    return a + (((1.0 - a) - half) + (z * r - x * tail))


@inner
def _sin_kernel(x, tail):
    z = x * x
    v = z * x
    r = (
        8.33333333332248946124e-03
        + z * (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
        + z * (z * z) * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    )
    return x - ((z * (0.5 * tail - v * r) - tail) - v * -1.66666666666666324348e-01)


@inner
def cos(x):
    """Return the cosine of `x` radians: NaN beyond 2**45, where a float has lost the angle."""
    quadrant, r, tail = _reduced(x)
    c, s = _cos_kernel(r, tail), _sin_kernel(r, tail)
    value = s if (quadrant == 1.0) | (quadrant == 3.0) else c
    value = -value if (quadrant == 1.0) | (quadrant == 2.0) else value
    return value if abs(x) <= _LOST_ANGLE else math.nan


@inner
def sin(x):
    """Return the sine of `x` radians: NaN beyond 2**45, where a float has lost the angle."""
    quadrant, r, tail = _reduced(x)
    c, s = _cos_kernel(r, tail), _sin_kernel(r, tail)
    value = c if (quadrant == 1.0) | (quadrant == 3.0) else s
    value = -value if quadrant >= 2.0 else value
    return value if abs(x) <= _LOST_ANGLE else math.nan


@inner
def turn(u):
    """Return cosine and sine of 2πu for `u` in [0, 1): the angle is reduced exactly."""
    quadrant = np.floor(4.0 * u + 0.5)
    r = (4.0 * u - quadrant) * _HALF_PI
    c, s = _cos_kernel(r, 0.0), _sin_kernel(r, 0.0)
    is_odd = (quadrant == 1.0) | (quadrant == 3.0)
    x = s if is_odd else c
    y = c if is_odd else s
    x = -x if (quadrant == 1.0) | (quadrant == 2.0) else x
    y = -y if (quadrant == 2.0) | (quadrant == 3.0) else y
    return x, y


@inner
def normal(p):
    """Return the quantile of the standard normal distribution at `p` in (0, 1)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return _normal_centre(q)
    r = np.sqrt(-log(p if q < 0.0 else 1.0 - p))
    value = _normal_shoulder(r - 1.6) if r <= 5.0 else _normal_tail(r - 5.0)
    return -value if q < 0.0 else value


@inner
def _normal_centre(q):
    r = 0.180625 - q * q
    above = 2509.0809287301226727
    above = above * r + 33430.575583588128105
    above = above * r + 67265.770927008700853
    above = above * r + 45921.953931549871457
    above = above * r + 13731.693765509461125
    above = above * r + 1971.5909503065514427
    above = above * r + 133.14166789178437745
    above = above * r + 3.387132872796366608
    below = 5226.495278852545925
    below = below * r + 28729.085735721942674
    below = below * r + 39307.89580009271061
    below = below * r + 21213.794301586595867
    below = below * r + 5394.1960214247511077
    below = below * r + 687.1870074920579083
    below = below * r + 42.313330701600911252
    return q * above / (below * r + 1.0)


@inner
def _normal_shoulder(r):
    above = 7.7454501427834140764e-4
    above = above * r + 0.0227238449892691845833
    above = above * r + 0.24178072517745061177
    above = above * r + 1.27045825245236838258
    above = above * r + 3.64784832476320460504
    above = above * r + 5.7694972214606914055
    above = above * r + 4.6303378461565452959
    above = above * r + 1.42343711074968357734
    below = 1.05075007164441684324e-9
    below = below * r + 5.475938084995344946e-4
    below = below * r + 0.0151986665636164571966
    below = below * r + 0.14810397642748007459
    below = below * r + 0.68976733498510000455
    below = below * r + 1.6763848301838038494
    below = below * r + 2.05319162663775882187
    return above / (below * r + 1.0)


@inner
def _normal_tail(r):
    above = 2.01033439929228813265e-7
    above = above * r + 2.71155556874348757815e-5
    above = above * r + 0.0012426609473880784386
    above = above * r + 0.026532189526576123093
    above = above * r + 0.29656057182850489123
    above = above * r + 1.7848265399172913358
    above = above * r + 5.4637849111641143699
    above = above * r + 6.6579046435011037772
    below = 2.04426310338993978564e-15
    below = below * r + 1.4215117583164458887e-7
    below = below * r + 1.8463183175100546818e-5
    below = below * r + 7.868691311456132591e-4
    below = below * r + 0.0148753612908506148525
    below = below * r + 0.13692988092273580531
    below = below * r + 0.59983220655588793769
    return above / (below * r + 1.0)
