//! A short transform down many columns at once: Stockham passes over rows of a matrix that fits the first cache. Each row holds the same point of
//! every column, so the lanes of a register are columns and no value ever moves across them. Never here: the long transform's turns and order.

use pulp::Simd;

use super::{
    GROUP,
    butterfly::{self, Cplx},
    root,
};

/// One transform length, its passes and the two buffers they go back and forth between.
#[derive(Clone)]
pub(super) struct Column {
    pub len: usize,
    passes: Vec<Pass>,
    buffers: [Planes; 2],
}

/// Real and imaginary parts.
#[derive(Clone, Default)]
struct Planes {
    re: Vec<f64>,
    im: Vec<f64>,
}

#[derive(Clone)]
struct Pass {
    radix: usize,
    /// Transforms of this radix in one column that differ in their turns.
    spans: usize,
    /// Rows that share the same turns: the product of the radices before.
    shared: usize,
    /// For every span but the first, radix - 1 turns (re, im).
    turns: Vec<(f64, f64)>,
}

/// Where the columns stand in a matrix: `count` of them from `start`, in rows `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub stride: usize,
    pub start: usize,
    pub count: usize,
}

const RADICES: [usize; 10] = [16, 12, 10, 8, 7, 6, 5, 4, 3, 2];

impl Column {
    /// `None` where the length is zero or has a prime factor over 7.
    pub fn new(len: usize) -> Option<Column> {
        let radices = factors(len)?;
        let mut passes = Vec::with_capacity(radices.len());
        let (mut shared, mut rest) = (1, len);
        for radix in radices {
            let spans = rest / radix;
            let turns =
                (1..spans).flat_map(|p| (1..radix).map(move |j| (p, j))).map(|(p, j)| root(p * j, rest));
            passes.push(Pass { radix, spans, shared, turns: turns.collect() });
            shared *= radix;
            rest = spans;
        }
        let planes = Planes { re: vec![0.0; len * GROUP], im: vec![0.0; len * GROUP] };
        Some(Column { len, passes, buffers: [planes.clone(), planes] })
    }

    /// Transforms the columns at `rows` of `from`, multiplies row by row with `turn`, and leaves the result as rows of `width`: it is returned.
    pub fn down<S: Simd>(
        &mut self,
        s: S,
        from: (&[f64], &[f64]),
        rows: Rows,
        width: usize,
        turn: (&[f64], &[f64]),
    ) -> (&[f64], &[f64]) {
        let [a, b] = &mut self.buffers;
        let (mut a, mut b) = (a, b);
        let last = self.passes.len() - 1;
        let mut start = 0;
        let direct = rows.count == width;
        if !direct {
            pad(from, rows, width, a);
        } else if last > 0 {
            self.passes[0].run(
                s,
                ReadView { re: from.0, im: from.1, at: rows.start, stride: rows.stride },
                a.rows(width),
                width,
                None,
            );
            start = 1;
        }
        for (i, pass) in self.passes.iter().enumerate().skip(start) {
            let turn = (i == last).then_some(turn);
            if direct && last == 0 {
                pass.run(
                    s,
                    ReadView { re: from.0, im: from.1, at: rows.start, stride: rows.stride },
                    b.rows(width),
                    width,
                    turn,
                );
            } else {
                pass.run(s, a.view(width), b.rows(width), width, turn);
            }
            std::mem::swap(&mut a, &mut b);
        }
        let len = self.len * width;
        (&a.re[..len], &a.im[..len])
    }

    /// Transforms the columns at `rows` of `from` and writes them to the same place of `to`.
    pub fn across<S: Simd>(
        &mut self,
        s: S,
        from: (&[f64], &[f64]),
        to: (&mut [f64], &mut [f64]),
        rows: Rows,
        width: usize,
    ) {
        let [a, b] = &mut self.buffers;
        let (mut a, mut b) = (a, b);
        let last = self.passes.len() - 1;
        let direct = rows.count == width;
        if !direct {
            pad(from, rows, width, a);
        }
        for (i, pass) in self.passes.iter().enumerate() {
            let input = if direct && i == 0 {
                ReadView { re: from.0, im: from.1, at: rows.start, stride: rows.stride }
            } else {
                a.view(width)
            };
            if direct && i == last {
                let out = WriteView { re: to.0, im: to.1, at: rows.start, stride: rows.stride };
                return pass.run(s, input, out, width, None);
            }
            pass.run(s, input, b.rows(width), width, None);
            std::mem::swap(&mut a, &mut b);
        }
        for row in 0..self.len {
            let at = row * rows.stride + rows.start;
            to.0[at..at + rows.count].copy_from_slice(&a.re[row * width..][..rows.count]);
            to.1[at..at + rows.count].copy_from_slice(&a.im[row * width..][..rows.count]);
        }
    }
}

impl Planes {
    fn view(&self, stride: usize) -> ReadView<'_> {
        ReadView { re: &self.re, im: &self.im, at: 0, stride }
    }

    fn rows(&mut self, stride: usize) -> WriteView<'_> {
        WriteView { re: &mut self.re, im: &mut self.im, at: 0, stride }
    }
}

/// Copies a group that is not whole registers wide into rows of `width`, the rest silent.
fn pad(from: (&[f64], &[f64]), rows: Rows, width: usize, to: &mut Planes) {
    for (plane, out) in [(from.0, &mut to.re), (from.1, &mut to.im)] {
        for (row, out) in out.chunks_exact_mut(width).enumerate().take(plane.len().div_ceil(rows.stride)) {
            out[rows.count..].fill(0.0);
            out[..rows.count].copy_from_slice(&plane[row * rows.stride + rows.start..][..rows.count]);
        }
    }
}

#[derive(Clone, Copy)]
struct ReadView<'a> {
    re: &'a [f64],
    im: &'a [f64],
    at: usize,
    stride: usize,
}

struct WriteView<'a> {
    re: &'a mut [f64],
    im: &'a mut [f64],
    at: usize,
    stride: usize,
}

impl Pass {
    fn run<S: Simd>(
        &self,
        s: S,
        from: ReadView<'_>,
        to: WriteView<'_>,
        width: usize,
        turn: Option<(&[f64], &[f64])>,
    ) {
        match self.radix {
            1 => s.vectorize(Run::<1> { pass: self, from, to, width, turn }),
            2 => s.vectorize(Run::<2> { pass: self, from, to, width, turn }),
            3 => s.vectorize(Run::<3> { pass: self, from, to, width, turn }),
            4 => s.vectorize(Run::<4> { pass: self, from, to, width, turn }),
            5 => s.vectorize(Run::<5> { pass: self, from, to, width, turn }),
            6 => s.vectorize(Run::<6> { pass: self, from, to, width, turn }),
            7 => s.vectorize(Run::<7> { pass: self, from, to, width, turn }),
            8 => s.vectorize(Run::<8> { pass: self, from, to, width, turn }),
            10 => s.vectorize(Run::<10> { pass: self, from, to, width, turn }),
            12 => s.vectorize(Run::<12> { pass: self, from, to, width, turn }),
            _ => s.vectorize(Run::<16> { pass: self, from, to, width, turn }),
        }
    }
}

/// One pass of radix `R`, as something that can be compiled for a register width.
struct Run<'a, const R: usize> {
    pass: &'a Pass,
    from: ReadView<'a>,
    to: WriteView<'a>,
    width: usize,
    turn: Option<(&'a [f64], &'a [f64])>,
}

impl<const R: usize> pulp::WithSimd for Run<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Run { pass, from, to, width, turn } = self;
        // Where the rows of both sides follow each other without a gap, all that share their turns are one long row.
        let whole = from.stride == width && to.stride == width;
        let (shared, row) = if whole { (1, width * pass.shared) } else { (pass.shared, width) };
        let (in_stride, out_stride) = if whole { (row, row) } else { (from.stride, to.stride) };
        for span in 0..pass.spans {
            for q in 0..shared {
                let (mut xr, mut xi) = ([none::<S>(); R], [none::<S>(); R]);
                for k in 0..R {
                    let at = from.at + (q + shared * (span + pass.spans * k)) * in_stride;
                    xr[k] = S::as_simd_f64s(&from.re[at..][..row]).0;
                    xi[k] = S::as_simd_f64s(&from.im[at..][..row]).0;
                }
                let at = to.at + (q + shared * R * span) * out_stride;
                let mut rows_re = to.re[at..].chunks_mut(shared * out_stride);
                let mut rows_im = to.im[at..].chunks_mut(shared * out_stride);
                let mut yr = [const { none_mut::<S>() }; R];
                let mut yi = [const { none_mut::<S>() }; R];
                for j in 0..R {
                    yr[j] = out_row::<S>(rows_re.next(), row);
                    yi[j] = out_row::<S>(rows_im.next(), row);
                }
                match turn {
                    Some((re, im)) => {
                        let (mut tr, mut ti) = ([none::<S>(); R], [none::<S>(); R]);
                        for j in 0..R {
                            let at = (q + shared * (R * span + j)) * row;
                            tr[j] = S::as_simd_f64s(&re[at..][..row]).0;
                            ti[j] = S::as_simd_f64s(&im[at..][..row]).0;
                        }
                        along(s, xr, xi, &mut yr, &mut yi, |j, v, y| {
                            y.mul(s, Cplx { re: tr[j][v], im: ti[j][v] })
                        });
                    }
                    None if span == 0 => along(s, xr, xi, &mut yr, &mut yi, |_, _, y| y),
                    None => {
                        let turns = &pass.turns[(span - 1) * (R - 1)..][..R - 1];
                        let mut w = [Cplx::zero(s); R];
                        for j in 1..R {
                            let (re, im) = turns[j - 1];
                            w[j] = Cplx { re: s.splat_f64s(re), im: s.splat_f64s(im) };
                        }
                        along(s, xr, xi, &mut yr, &mut yi, |j, _, y| if j == 0 { y } else { y.mul(s, w[j]) });
                    }
                }
            }
        }
    }
}

const fn none<'a, S: Simd>() -> &'a [S::f64s] {
    &[]
}

const fn none_mut<'a, S: Simd>() -> &'a mut [S::f64s] {
    &mut []
}

#[inline(always)]
fn out_row<S: Simd>(row: Option<&mut [f64]>, width: usize) -> &mut [S::f64s] {
    let row = row.expect("a pass writes inside its matrix");
    S::as_mut_simd_f64s(&mut row[..width]).0
}

/// The butterflies of one set of rows, register by register.
#[inline(always)]
fn along<S: Simd, const R: usize>(
    s: S,
    xr: [&[S::f64s]; R],
    xi: [&[S::f64s]; R],
    yr: &mut [&mut [S::f64s]; R],
    yi: &mut [&mut [S::f64s]; R],
    finish: impl Fn(usize, usize, Cplx<S>) -> Cplx<S>,
) {
    let registers = yr[0].len();
    let (mut xr, mut xi) = (xr, xi);
    for k in 0..R {
        xr[k] = &xr[k][..registers];
        xi[k] = &xi[k][..registers];
    }
    for v in 0..registers {
        let mut x = [Cplx::zero(s); R];
        for k in 0..R {
            x[k] = Cplx { re: xr[k][v], im: xi[k][v] };
        }
        let y = butterfly::transform::<S, R>(s, x);
        for j in 0..R {
            let y = finish(j, v, y[j]);
            yr[j][v] = y.re;
            yi[j][v] = y.im;
        }
    }
}

/// The radices of a length: the fewest passes, then the most even ones.
fn factors(len: usize) -> Option<Vec<usize>> {
    if len == 1 {
        return Some(vec![1]);
    }
    fn fewest(len: usize, most: usize) -> Option<Vec<usize>> {
        if len == 1 {
            return Some(Vec::new());
        }
        let mut best: Option<Vec<usize>> = None;
        for radix in RADICES.into_iter().filter(|&r| r <= most && len.is_multiple_of(r)) {
            let Some(rest) = fewest(len / radix, radix) else { continue };
            let plan: Vec<usize> = std::iter::once(radix).chain(rest).collect();
            let key = |p: &Vec<usize>| (p.len(), p[0]);
            if best.as_ref().is_none_or(|b| key(&plan) < key(b)) {
                best = Some(plan);
            }
        }
        best
    }
    if len == 0 { None } else { fewest(len, RADICES[0]) }
}

/// Passes a length takes, as a measure of its cost; `None` where it has none.
pub(super) fn passes(len: usize) -> Option<usize> {
    factors(len).map(|f| f.len())
}
