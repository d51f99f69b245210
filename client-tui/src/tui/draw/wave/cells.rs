//! One cell of a picture of sound, in braille dots or half blocks, and the dots of single samples. The terminal client and `deadwax waveform` draw with
//! these. Never here: colours, layout.

/// The lowest and the highest value of one column of dots, -1 to 1.
pub(crate) type Peak = Option<(f32, f32)>;

/// The row of a value, of so many rows: full scale up is row 0.
fn place(value: f32, rows: usize) -> usize {
    // NaN becomes 0: the top.
    (((1.0 - value.clamp(-1.0, 1.0)) / 2.0 * rows as f32) as usize).min(rows.saturating_sub(1))
}

/// Two columns of four dots. The bits are Unicode's: 1, 2, 3, 7 down the left, 4, 5, 6, 8 down the right.
pub(crate) fn braille(peaks: [Peak; 2], row: usize, height: usize) -> char {
    const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    let rows = height * 4;
    let mut bits = 0;
    for (side, peak) in peaks.into_iter().enumerate() {
        let Some((low, high)) = peak else { continue };
        let (top, bottom) = (place(high.max(low), rows), place(low.min(high), rows));
        for (dot, bit) in BITS[side].iter().enumerate() {
            if (top..=bottom).contains(&(row * 4 + dot)) {
                bits |= bit;
            }
        }
    }
    char::from_u32(0x2800 + bits).unwrap_or(' ')
}

/// Upper and lower half, of the louder of both columns.
pub(crate) fn block(peaks: [Peak; 2], row: usize, height: usize) -> char {
    let rows = height * 2;
    let both = peaks.into_iter().flatten();
    let Some((low, high)) = both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return ' ' };
    let (top, bottom) = (place(high.max(low), rows), place(low.min(high), rows));
    let on = |half: usize| (top..=bottom).contains(&(row * 2 + half));
    match (on(0), on(1)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

/// Each sample at its place with a line to the next, over so many columns of dots. Where there is room, a sample stands out as a line to silence.
pub(crate) fn samples(values: &[Peak], dots: usize) -> Vec<Peak> {
    let count = values.len();
    if count == 0 || dots == 0 {
        return vec![None; dots];
    }
    let value = |at: usize| {
        values.get(at).copied().flatten().map(|(low, high)| if high.abs() >= low.abs() { high } else { low })
    };
    let wide = dots as f32 / count as f32;
    // Of a place in the picture, in samples; the middle of a sample is where it stands.
    let height = |x: f32| {
        let at = (x / wide - 0.5).clamp(0.0, (count - 1) as f32);
        let (first, share) = (at.floor() as usize, at.fract());
        let here = value(first)?;
        Some(value(first + 1).map_or(here, |next| here + (next - here) * share))
    };
    let mut peaks: Vec<Peak> = (0..dots)
        .map(|x| {
            let (a, b) = (height(x as f32)?, height((x + 1) as f32)?);
            Some((a.min(b), a.max(b)))
        })
        .collect();
    if wide >= 3.0 {
        for at in 0..count {
            let x = ((at as f32 + 0.5) * wide) as usize;
            if let (Some(value), Some(peak)) = (value(at), peaks.get_mut(x)) {
                *peak = Some((value.min(0.0), value.max(0.0)));
            }
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_column_fills_the_cell_and_silence_draws_the_middle() {
        assert_eq!(braille([Some((-1.0, 1.0)); 2], 0, 1), '⣿');
        assert_eq!(braille([Some((0.0, 0.0)); 2], 0, 1), '⠤');
        assert_eq!(braille([None, None], 0, 1), '⠀');
        assert_eq!(block([Some((-1.0, 1.0)); 2], 0, 1), '█');
        assert_eq!(block([Some((0.0, 0.0)); 2], 0, 1), '▄');
        assert_eq!(block([None, None], 0, 1), ' ');
        assert_eq!((0..4).map(|row| block([Some((0.1, 0.9)), None], row, 4)).collect::<String>(), "██  ");
    }

    #[test]
    fn what_is_no_number_stays_in_the_picture() {
        for value in [f32::NAN, f32::INFINITY, -7.0] {
            braille([Some((value, value)); 2], 3, 4);
            block([Some((value, value)); 2], 3, 4);
        }
        assert_eq!(samples(&[], 4), vec![None; 4]);
        assert_eq!(samples(&[Some((0.5, 0.5))], 0), Vec::new());
    }

    #[test]
    fn samples_far_apart_stand_out_of_the_line() {
        let peaks = samples(&[Some((0.5, 0.5)), Some((0.5, 0.5))], 16);
        assert_eq!(peaks[4], Some((0.0, 0.5)), "the first sample, down to silence");
        assert_eq!(peaks[7], Some((0.5, 0.5)), "the line between");
        assert_eq!(peaks[12], Some((0.0, 0.5)));
    }
}
