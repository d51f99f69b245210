//! Levels, noise, ends, live bits.

use crate::signals::*;

#[test]
fn levels_offset_and_balance_of_channels() {
    let loud: Vec<f64> = sine(RATE, 100.0, 0.5, 5.0).iter().map(|s| s + 0.01).collect();
    let read = inspect(RATE, 24, &[loud, sine(RATE, 100.0, 0.25, 5.0)]);
    close(read.channels[0].dc_offset, 0.01, 1e-6);
    close(read.channels[1].rms_dbfs, -12.04 - 3.01, 0.01);
    close(read.channels[1].crest_db, 3.01, 0.01);
    close(read.stereo.as_ref().unwrap().balance_db.unwrap(), 6.02, 0.01);
    assert_eq!(names(&read), ["HEAD_CUT", "TAIL_CUT", "DC_OFFSET", "BALANCE"]);
    // A sine over its loudness: BS.1770 reads a stereo 1 kHz tone at its peak level.
    let tone = sine(48_000, 1000.0, 0.5, 5.0);
    let read = inspect(48_000, 24, &[tone.clone(), tone]);
    close(read.plr_db.unwrap(), 0.0, 0.1);
    close(read.psr_db.unwrap(), 0.0, 0.1);
    assert_eq!(mono(vec![0.0; 200_000]).plr_db, None);
}

#[test]
fn noise_floor_and_digital_black_are_told_apart() {
    let mut song = vec![0.0; RATE as usize];
    song.extend(sine(RATE, 440.0, 0.5, 3.0));
    song.extend(white(1, 2 * RATE as usize, 0.001));
    song.extend(vec![0.0; RATE as usize / 2]);
    song.extend(sine(RATE, 440.0, 0.5, 1.0));
    song.extend(vec![0.0; 2 * RATE as usize]);
    let noise = mono(song).noise;
    // Even noise has a third of its peak's square.
    close(noise.floor_dbfs.unwrap(), -60.0 - 4.77, 0.2);
    assert!((4.0..=5.0).contains(&noise.floor_at_s.unwrap()));
    close(noise.low_dbfs.unwrap(), -64.8, 0.5);
    close(noise.black_s, 3.5, 1e-9);
    close(noise.longest_gap_s, 0.5, 1e-9);
    // An offset is no noise.
    let floor = mono(vec![0.1; 3 * RATE as usize]).noise.floor_dbfs.unwrap();
    assert!(floor < -200.0, "{floor}");
    let black = mono(vec![0.0; 3 * RATE as usize]).noise;
    assert_eq!((black.floor_dbfs, black.low_dbfs, black.black_s), (None, None, 3.0));
}

#[test]
fn cut_heads_and_tails() {
    let cut: Vec<f64> = sine(RATE, 440.0, 0.5, 1.0)[25..40_000].to_vec();
    let read = mono(cut.clone());
    close(read.edges.first_sample_dbfs, 20.0 * cut[0].abs().log10(), 1e-9);
    close(read.edges.tail_dbfs, -9.03, 0.5);
    assert_eq!(names(&read), ["HEAD_CUT", "TAIL_CUT"]);
    let faded: Vec<f64> = sine(RATE, 440.0, 0.5, 1.0)
        .iter()
        .enumerate()
        .map(|(n, s)| s * (1.0 - n as f64 / f64::from(RATE)).powi(4))
        .collect();
    assert!(names(&mono(faded)).is_empty());
    // A tail that ends on a zero crossing but at full level is cut all the same.
    assert_eq!(names(&mono(sine(RATE, 441.0, 0.5, 1.1)[..44_101].to_vec())), ["TAIL_CUT"]);
}

#[test]
fn live_bits_exact_and_usual() {
    let music = shaped(5, RATE, tilt);
    let depth = |samples: &[f64]| mono(samples.to_vec()).channels[0].bits;
    for bits in [8, 16, 20, 24] {
        let bits_of = depth(&quantised(&music, bits));
        assert_eq!((bits_of.exact, bits_of.usual), (Some(bits), Some(bits)));
    }
    assert_eq!(depth(&music).exact, None);
    // 16 bits with a fade of 24 at the end.
    let mut faded = quantised(&music, 16);
    let from = faded.len() - 6000;
    let fade = |(n, s): (usize, &f64)| s * (1.0 - n as f64 / 6000.0);
    let tail: Vec<f64> = faded[from..].iter().enumerate().map(fade).collect();
    faded.splice(from.., quantised(&tail, 24));
    let read = mono(faded);
    assert_eq!((read.channels[0].bits.exact, read.channels[0].bits.usual), (Some(24), Some(16)));
    assert!(names(&read).contains(&"BITS"));
    assert!(!names(&mono(quantised(&music, 24))).contains(&"BITS"));
    let silence = depth(&[0.0; 5000]);
    assert_eq!((silence.exact, silence.usual), (Some(0), Some(0)));
    let beyond = depth(&[2.0, -4.0, 0.0, 2.0]);
    assert_eq!(beyond.exact, Some(1));
}
