//! The short transforms that longer ones are made of: 2 to 16 points, in registers, over as many lanes as a register has. Products and sums only,
//! in one fixed order, never fused: every lane width gives the same bits (D-1). Never here: memory, tables.

#![expect(
    clippy::manual_memcpy,
    clippy::needless_range_loop,
    reason = "only plain loops over whole arrays are sure to become registers"
)]

use std::f64::consts::FRAC_1_SQRT_2;

use pulp::Simd;

/// A complex value in each lane.
pub(super) struct Cplx<S: Simd> {
    pub re: S::f64s,
    pub im: S::f64s,
}

impl<S: Simd> Clone for Cplx<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd> Copy for Cplx<S> {}

impl<S: Simd> Cplx<S> {
    #[inline(always)]
    pub fn zero(s: S) -> Self {
        Cplx { re: s.splat_f64s(0.0), im: s.splat_f64s(0.0) }
    }

    #[inline(always)]
    pub fn add(self, s: S, other: Self) -> Self {
        Cplx { re: s.add_f64s(self.re, other.re), im: s.add_f64s(self.im, other.im) }
    }

    #[inline(always)]
    pub fn sub(self, s: S, other: Self) -> Self {
        Cplx { re: s.sub_f64s(self.re, other.re), im: s.sub_f64s(self.im, other.im) }
    }

    #[inline(always)]
    fn scale(self, s: S, by: S::f64s) -> Self {
        Cplx { re: s.mul_f64s(self.re, by), im: s.mul_f64s(self.im, by) }
    }

    #[inline(always)]
    pub fn mul(self, s: S, by: Self) -> Self {
        Cplx {
            re: s.sub_f64s(s.mul_f64s(self.re, by.re), s.mul_f64s(self.im, by.im)),
            im: s.add_f64s(s.mul_f64s(self.re, by.im), s.mul_f64s(self.im, by.re)),
        }
    }

    /// `self` - i `other`.
    #[inline(always)]
    fn sub_i(self, s: S, other: Self) -> Self {
        Cplx { re: s.add_f64s(self.re, other.im), im: s.sub_f64s(self.im, other.re) }
    }

    /// `self` + i `other`.
    #[inline(always)]
    fn add_i(self, s: S, other: Self) -> Self {
        Cplx { re: s.sub_f64s(self.re, other.im), im: s.add_f64s(self.im, other.re) }
    }
}

/// A transform of `R` points, e^(-2 pi i j k / R).
#[inline(always)]
pub(super) fn transform<S: Simd, const R: usize>(s: S, x: [Cplx<S>; R]) -> [Cplx<S>; R] {
    let mut y = x;
    let (x, out) = (&x[..], &mut y[..]);
    match R {
        1 => {}
        2 => put(out, two(s, take(x))),
        3 => put(out, odd::<S, 3, 1>(s, take(x), &COS_3, &SIN_3)),
        4 => put(out, four(s, take(x))),
        5 => put(out, odd::<S, 5, 2>(s, take(x), &COS_5, &SIN_5)),
        6 => put(out, six(s, take(x))),
        7 => put(out, odd::<S, 7, 3>(s, take(x), &COS_7, &SIN_7)),
        8 => put(out, eight(s, take(x))),
        10 => put(out, ten(s, take(x))),
        12 => put(out, twelve(s, take(x))),
        _ => put(out, sixteen(s, take(x))),
    }
    y
}

/// The first `N` of `x`, which has as many wherever this runs: the radix is known when the code is compiled.
#[inline(always)]
fn take<S: Simd, const N: usize>(x: &[Cplx<S>]) -> [Cplx<S>; N] {
    // Plain loops instead of `array::from_fn`, here and below: it is not always inlined, and then not compiled for the wide registers.
    let mut first = [x[0]; N];
    for i in 0..N.min(x.len()) {
        first[i] = x[i];
    }
    first
}

#[inline(always)]
fn put<S: Simd, const N: usize>(out: &mut [Cplx<S>], y: [Cplx<S>; N]) {
    for i in 0..N.min(out.len()) {
        out[i] = y[i];
    }
}

#[inline(always)]
fn two<S: Simd>(s: S, [a, b]: [Cplx<S>; 2]) -> [Cplx<S>; 2] {
    [a.add(s, b), a.sub(s, b)]
}

#[inline(always)]
fn four<S: Simd>(s: S, [a, b, c, d]: [Cplx<S>; 4]) -> [Cplx<S>; 4] {
    let (t0, t1, t2, t3) = (a.add(s, c), a.sub(s, c), b.add(s, d), b.sub(s, d));
    [t0.add(s, t2), t1.sub_i(s, t3), t0.sub(s, t2), t1.add_i(s, t3)]
}

/// By 1/sqrt(2) (1 - i): an eighth of a turn.
#[inline(always)]
fn eighth<S: Simd>(s: S, a: Cplx<S>) -> Cplx<S> {
    let h = s.splat_f64s(FRAC_1_SQRT_2);
    Cplx { re: s.mul_f64s(s.add_f64s(a.re, a.im), h), im: s.mul_f64s(s.sub_f64s(a.im, a.re), h) }
}

/// By 1/sqrt(2) (-1 - i): three eighths of a turn.
#[inline(always)]
fn three_eighths<S: Simd>(s: S, a: Cplx<S>) -> Cplx<S> {
    let (h, m) = (s.splat_f64s(FRAC_1_SQRT_2), s.splat_f64s(-FRAC_1_SQRT_2));
    Cplx { re: s.mul_f64s(s.sub_f64s(a.im, a.re), h), im: s.mul_f64s(s.add_f64s(a.re, a.im), m) }
}

#[inline(always)]
fn eight<S: Simd>(s: S, x: [Cplx<S>; 8]) -> [Cplx<S>; 8] {
    let e = four(s, [x[0], x[2], x[4], x[6]]);
    let o = four(s, [x[1], x[3], x[5], x[7]]);
    let (o1, o3) = (eighth(s, o[1]), three_eighths(s, o[3]));
    [
        e[0].add(s, o[0]),
        e[1].add(s, o1),
        e[2].sub_i(s, o[2]),
        e[3].add(s, o3),
        e[0].sub(s, o[0]),
        e[1].sub(s, o1),
        e[2].add_i(s, o[2]),
        e[3].sub(s, o3),
    ]
}

#[inline(always)]
fn sixteen<S: Simd>(s: S, x: [Cplx<S>; 16]) -> [Cplx<S>; 16] {
    // Four columns of four, turned, four rows of four.
    let mut m = [[x[0]; 4]; 4];
    for n in 0..4 {
        m[n] = four(s, [x[n], x[n + 4], x[n + 8], x[n + 12]]);
    }
    let w = |re: f64, im: f64| Cplx::<S> { re: s.splat_f64s(re), im: s.splat_f64s(im) };
    m[1][1] = m[1][1].mul(s, w(COS_16, -SIN_16));
    m[1][2] = eighth(s, m[1][2]);
    m[1][3] = m[1][3].mul(s, w(SIN_16, -COS_16));
    m[2][1] = eighth(s, m[2][1]);
    m[2][2] = Cplx::zero(s).sub_i(s, m[2][2]);
    m[2][3] = three_eighths(s, m[2][3]);
    m[3][1] = m[3][1].mul(s, w(SIN_16, -COS_16));
    m[3][2] = three_eighths(s, m[3][2]);
    m[3][3] = m[3][3].mul(s, w(-COS_16, SIN_16));
    let mut y = x;
    for k in 0..4 {
        let row = four(s, [m[0][k], m[1][k], m[2][k], m[3][k]]);
        for i in 0..4 {
            y[k + 4 * i] = row[i];
        }
    }
    y
}

/// The prime factor algorithm: 2 x 3 points without turns between (Good 1958).
#[inline(always)]
fn six<S: Simd>(s: S, x: [Cplx<S>; 6]) -> [Cplx<S>; 6] {
    let a = odd::<S, 3, 1>(s, [x[0], x[2], x[4]], &COS_3, &SIN_3);
    let b = odd::<S, 3, 1>(s, [x[3], x[5], x[1]], &COS_3, &SIN_3);
    let mut y = x;
    for k in 0..6 {
        y[k] = if k % 2 == 0 { a[k % 3].add(s, b[k % 3]) } else { a[k % 3].sub(s, b[k % 3]) };
    }
    y
}

/// 2 x 5 points, likewise.
#[inline(always)]
fn ten<S: Simd>(s: S, x: [Cplx<S>; 10]) -> [Cplx<S>; 10] {
    let a = odd::<S, 5, 2>(s, [x[0], x[2], x[4], x[6], x[8]], &COS_5, &SIN_5);
    let b = odd::<S, 5, 2>(s, [x[5], x[7], x[9], x[1], x[3]], &COS_5, &SIN_5);
    let mut y = x;
    for k in 0..10 {
        y[k] = if k % 2 == 0 { a[k % 5].add(s, b[k % 5]) } else { a[k % 5].sub(s, b[k % 5]) };
    }
    y
}

/// 4 x 3 points, likewise.
#[inline(always)]
fn twelve<S: Simd>(s: S, x: [Cplx<S>; 12]) -> [Cplx<S>; 12] {
    // n = (3 n4 + 4 n3) mod 12 in, k = k4 mod 4 and k3 mod 3 out.
    let mut rows = [[x[0]; 3]; 4];
    for n in 0..4 {
        let row = [x[3 * n], x[(3 * n + 4) % 12], x[(3 * n + 8) % 12]];
        rows[n] = odd::<S, 3, 1>(s, row, &COS_3, &SIN_3);
    }
    // The input map turns the row of four by 3 and that of three by 4 = 1: 3 * 3 = 1 in 4, 4 * 1 = 1 in 3, so both come out unturned.
    let mut y = x;
    for k in 0..3 {
        let column = four(s, [rows[0][k], rows[1][k], rows[2][k], rows[3][k]]);
        for i in 0..12 {
            if i % 3 == k {
                y[i] = column[i % 4];
            }
        }
    }
    y
}

/// `R` points, an odd prime, `H` = (R - 1) / 2: sums and differences of the pairs k and R - k. `cos[k - 1]` is cos(2 pi k / R), `sin` likewise.
#[inline(always)]
fn odd<S: Simd, const R: usize, const H: usize>(
    s: S,
    x: [Cplx<S>; R],
    cos: &[f64; H],
    sin: &[f64; H],
) -> [Cplx<S>; R] {
    let (mut sums, mut differences, mut y) = ([x[0]; H], [x[0]; H], x);
    for k in 0..H {
        sums[k] = x[k + 1].add(s, x[R - 1 - k]);
        differences[k] = x[k + 1].sub(s, x[R - 1 - k]);
        y[0] = y[0].add(s, sums[k]);
    }
    for j in 1..=H {
        let mut even = x[0];
        let mut cross = Cplx::zero(s);
        for k in 1..=H {
            let turn = j * k % R;
            let (near, sign) = if turn <= H { (turn, 1.0) } else { (R - turn, -1.0) };
            even = even.add(s, sums[k - 1].scale(s, s.splat_f64s(cos[near - 1])));
            let term = differences[k - 1].scale(s, s.splat_f64s(sign * sin[near - 1]));
            cross = if k == 1 { term } else { cross.add(s, term) };
        }
        y[j] = even.sub_i(s, cross);
        y[R - j] = even.add_i(s, cross);
    }
    y
}

const COS_16: f64 = 0.923_879_532_511_286_7;
const SIN_16: f64 = 0.382_683_432_365_089_8;
const COS_3: [f64; 1] = [-0.5];
const SIN_3: [f64; 1] = [0.866_025_403_784_438_6];
const COS_5: [f64; 2] = [0.309_016_994_374_947_45, -0.809_016_994_374_947_5];
const SIN_5: [f64; 2] = [0.951_056_516_295_153_5, 0.587_785_252_292_473_1];
const COS_7: [f64; 3] = [0.623_489_801_858_733_5, -0.222_520_933_956_314_4, -0.900_968_867_902_419_1];
const SIN_7: [f64; 3] = [0.781_831_482_468_029_8, 0.974_927_912_181_823_6, 0.433_883_739_117_558_1];
