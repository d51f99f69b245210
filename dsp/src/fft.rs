//! The discrete Fourier transform, complex, in f64, our own: the usual crates choose fused or plain arithmetic by the processor they find, and so give
//! other bits on other machines, which D-1 forbids. Here the order of operations is fixed and nothing is fused; wide registers change the speed alone.
//! A transform of N = A x B points is A-point transforms down the columns, a turn of each value, a transposition, B-point transforms down the columns
//! ("four-step", Bailey 1990), so every inner loop runs along contiguous columns; the short ones are Stockham's, which need no sorting.
//! Never here: windows, sound.

mod butterfly;
mod column;

use column::{Column, Rows};

use crate::{
    lanes::{self, Path},
    math,
};

/// Columns that are worked through together: two cache lines of each plane, four registers of AVX2.
const GROUP: usize = 16;
/// Groups are padded to this many columns, so that a group is whole registers at every width.
const PAD: usize = 8;

/// A transform of one length. It owns its tables (16 bytes x length) and its scratch (16 bytes x length).
#[derive(Clone)]
pub struct Fft {
    len: usize,
    first: Column,
    second: Column,
    /// e^(-2 pi i n k / len), in groups of columns n, rows k, in the order of use.
    turn_re: Vec<f64>,
    turn_im: Vec<f64>,
    scratch_re: Vec<f64>,
    scratch_im: Vec<f64>,
}

impl Fft {
    /// `None` where the length is zero or has a prime factor over 7.
    pub fn new(len: usize) -> Option<Fft> {
        let (a, b) = split(len)?;
        let mut fft = Fft {
            len,
            first: Column::new(a)?,
            second: Column::new(b)?,
            turn_re: Vec::new(),
            turn_im: Vec::new(),
            scratch_re: vec![0.0; len],
            scratch_im: vec![0.0; len],
        };
        for Group { start, width, .. } in groups(b) {
            for k in 0..a {
                for n in start..start + width {
                    let (re, im) = root(k * n, len);
                    fft.turn_re.push(re);
                    fft.turn_im.push(im);
                }
            }
        }
        Some(fft)
    }

    /// Whether [`Fft::new`] takes this length.
    pub fn takes(len: usize) -> bool {
        smooth(len)
    }

    /// The smallest length at or over `at_least` that [`Fft::new`] takes.
    pub fn good_len(at_least: usize) -> usize {
        (at_least.max(1)..).find(|&n| smooth(n)).expect("there is always a greater power of two")
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a transform of no points is refused.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// `X[k] = sum over n of x[n] e^(-2 pi i n k / len)`, in place. `re` and `im` have [`Fft::len`] values each; other lengths are a panic of the
    /// caller's making.
    pub fn forward(&mut self, re: &mut [f64], im: &mut [f64]) {
        self.check(re, im);
        self.down(&*re, &*im);
        self.across(re, im);
    }

    /// `x[n] = sum over k of X[k] e^(+2 pi i n k / len)`, in place and unscaled: after [`Fft::forward`] each value comes back times [`Fft::len`].
    pub fn inverse(&mut self, re: &mut [f64], im: &mut [f64]) {
        // Real and imaginary part exchanged on both sides turn the transform's direction.
        self.forward(im, re);
    }

    /// [`Fft::forward`] from one pair of planes to another.
    pub fn forward_into(&mut self, re: &[f64], im: &[f64], out_re: &mut [f64], out_im: &mut [f64]) {
        self.check(re, im);
        self.check(out_re, out_im);
        self.down(re, im);
        self.across(out_re, out_im);
    }

    fn check(&self, re: &[f64], im: &[f64]) {
        assert!(
            re.len() == self.len && im.len() == self.len,
            "a transform of {} points was given {} and {}",
            self.len,
            re.len(),
            im.len()
        );
    }

    /// Transforms of A points down the columns, turned, each column written as a row of the scratch.
    fn down(&mut self, re: &[f64], im: &[f64]) {
        let (a, b) = (self.first.len, self.second.len);
        let mut at = 0;
        for Group { start, count, width } in groups(b) {
            let turn = (&self.turn_re[at..][..a * width], &self.turn_im[at..][..a * width]);
            at += a * width;
            let rows = Rows { stride: b, start, count };
            let to = (
                &mut self.scratch_re[start * a..][..count * a],
                &mut self.scratch_im[start * a..][..count * a],
            );
            run(Down { column: &mut self.first, from: (re, im), to, rows, width, turn });
        }
    }

    /// Transforms of B points down the columns of the scratch.
    fn across(&mut self, re: &mut [f64], im: &mut [f64]) {
        let a = self.first.len;
        for Group { start, count, width } in groups(a) {
            let from = (&self.scratch_re[..], &self.scratch_im[..]);
            let rows = Rows { stride: a, start, count };
            run(Across { column: &mut self.second, from, to: (&mut *re, &mut *im), rows, width });
        }
    }
}

/// Columns that are worked through together, in rows padded to `width`.
struct Group {
    start: usize,
    count: usize,
    width: usize,
}

fn groups(columns: usize) -> impl Iterator<Item = Group> {
    (0..columns).step_by(GROUP).map(move |start| {
        let count = GROUP.min(columns - start);
        Group { start, count, width: count.next_multiple_of(PAD) }
    })
}

struct Down<'a> {
    column: &'a mut Column,
    from: (&'a [f64], &'a [f64]),
    to: (&'a mut [f64], &'a mut [f64]),
    rows: Rows,
    width: usize,
    turn: (&'a [f64], &'a [f64]),
}

impl pulp::WithSimd for Down<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, s: S) {
        let (re, im) = self.column.down(s, self.from, self.rows, self.width, self.turn);
        transpose(re, self.width, self.rows.count, self.to.0);
        transpose(im, self.width, self.rows.count, self.to.1);
    }
}

struct Across<'a> {
    column: &'a mut Column,
    from: (&'a [f64], &'a [f64]),
    to: (&'a mut [f64], &'a mut [f64]),
    rows: Rows,
    width: usize,
}

impl pulp::WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, s: S) {
        self.column.across(s, self.from, self.to, self.rows, self.width);
    }
}

/// With the registers that [`lanes::wide`] would take.
#[inline(always)]
fn run<O: pulp::WithSimd>(op: O) -> O::Output {
    #[cfg(target_arch = "x86_64")]
    if lanes::path() == Path::Wide
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return pulp::Simd::vectorize(simd, op);
    }
    pulp::Simd::vectorize(pulp::Scalar128b, op)
}

/// Rows of `width` into columns: `count` rows of the output, each as long as the input has rows.
#[inline(always)]
fn transpose(from: &[f64], width: usize, count: usize, to: &mut [f64]) {
    let rows = from.len() / width;
    for (column, out) in to.chunks_exact_mut(rows).enumerate().take(count) {
        for (row, out) in from.chunks_exact(width).zip(out) {
            *out = row[column];
        }
    }
}

/// e^(-2 pi i k / n), within an ulp: the angle is folded into an eighth of a turn by whole numbers first.
fn root(k: usize, n: usize) -> (f64, f64) {
    let eighths = (k % n) as u128 * 8;
    let (octant, rest) = ((eighths / n as u128) as usize, (eighths % n as u128) as f64);
    let angle = |eighths: f64| std::f64::consts::FRAC_PI_4 * (eighths / n as f64);
    let up = (math::cos(angle(rest)), math::sin(angle(rest)));
    let down = (math::cos(angle(n as f64 - rest)), math::sin(angle(n as f64 - rest)));
    let (cos, sin) = match octant {
        0 => up,
        1 => (down.1, down.0),
        2 => (-up.1, up.0),
        3 => (-down.0, down.1),
        4 => (-up.0, -up.1),
        5 => (-down.1, -down.0),
        6 => (up.1, -up.0),
        _ => (down.0, -down.1),
    };
    (cos, -sin)
}

fn smooth(mut n: usize) -> bool {
    for prime in [2, 3, 5, 7] {
        while n > 0 && n.is_multiple_of(prime) {
            n /= prime;
        }
    }
    n == 1
}

/// The two sides of the matrix: few passes, little padding, close to a square. `None` where a prime factor is over 7.
fn split(len: usize) -> Option<(usize, usize)> {
    if !smooth(len) {
        return None;
    }
    let cost = |a: usize| {
        let b = len / a;
        let padding = |n: usize| n.next_multiple_of(PAD) as f64 / n as f64;
        let passes = |n: usize| column::passes(n).unwrap_or(usize::MAX) as f64;
        let square = math::log((a.max(b) / a.min(b)) as f64);
        passes(a) * padding(b) + passes(b) * padding(a) + 0.1 * square
    };
    (1..=len)
        .take_while(|a| a * a <= len)
        .filter(|a| len.is_multiple_of(*a))
        .flat_map(|a| [a, len / a])
        .min_by(|x, y| cost(*x).total_cmp(&cost(*y)))
        .map(|a| (a, len / a))
}

#[cfg(test)]
mod tests;
