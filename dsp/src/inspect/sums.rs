//! The sums that most figures come from: plain loops over eight accumulators, which the compiler turns into wide registers; the order of the
//! additions is fixed (D-1).

use crate::lanes;

const LANES: usize = 8;

/// Of a stretch of one channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub sum: f64,
    pub squares: f64,
    pub highest: f64,
    pub lowest: f64,
}

/// Of a stretch of two channels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    pub products: f64,
    /// Of the difference: from the other sums it would drown in rounding.
    pub side_squares: f64,
    pub mid_squares: f64,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Sums) {
        self.sum += other.sum;
        self.squares += other.squares;
        self.highest = self.highest.max(other.highest);
        self.lowest = self.lowest.min(other.lowest);
    }
}

impl Pair {
    pub(super) fn add(&mut self, other: &Pair) {
        self.products += other.products;
        self.side_squares += other.side_squares;
        self.mid_squares += other.mid_squares;
    }
}

pub(super) fn sums(samples: &[f64]) -> Sums {
    lanes::wide(
        #[inline(always)]
        || sums_of(samples),
    )
}

pub(super) fn pair(left: &[f64], right: &[f64]) -> Pair {
    lanes::wide(
        #[inline(always)]
        || pair_of(left, right),
    )
}

#[inline(always)]
fn sums_of(samples: &[f64]) -> Sums {
    let (mut sum, mut squares) = ([0.0; LANES], [0.0; LANES]);
    let (mut highest, mut lowest) = ([0.0f64; LANES], [0.0f64; LANES]);
    let (rows, rest) = samples.as_chunks::<LANES>();
    for row in rows {
        for k in 0..LANES {
            sum[k] += row[k];
            squares[k] += row[k] * row[k];
            highest[k] = if row[k] > highest[k] { row[k] } else { highest[k] };
            lowest[k] = if row[k] < lowest[k] { row[k] } else { lowest[k] };
        }
    }
    let mut all = Sums {
        sum: total(sum),
        squares: total(squares),
        highest: highest.into_iter().fold(0.0, f64::max),
        lowest: lowest.into_iter().fold(0.0, f64::min),
    };
    for x in rest {
        all.sum += x;
        all.squares += x * x;
        all.highest = all.highest.max(*x);
        all.lowest = all.lowest.min(*x);
    }
    all
}

#[inline(always)]
fn pair_of(left: &[f64], right: &[f64]) -> Pair {
    let (mut products, mut side, mut mid) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let ((lefts, left_rest), (rights, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (l, r) in lefts.iter().zip(rights) {
        for k in 0..LANES {
            let (half_side, half_mid) = (l[k] - r[k], l[k] + r[k]);
            products[k] += l[k] * r[k];
            side[k] += half_side * half_side;
            mid[k] += half_mid * half_mid;
        }
    }
    let mut all = Pair { products: total(products), side_squares: total(side), mid_squares: total(mid) };
    for (l, r) in left_rest.iter().zip(right_rest) {
        all.products += l * r;
        all.side_squares += (l - r) * (l - r);
        all.mid_squares += (l + r) * (l + r);
    }
    all
}

#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}
