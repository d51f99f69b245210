//! A lossy delivery is judged by what comes out of a decoder: under the ceiling, at its level, as long as the song.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use deadwax_dsp::{Source, write::Encoding};
use render_kit::*;

#[test]
fn a_loud_master_never_exceeds_the_ceiling_after_decoding() {
    let dir = tempfile::tempdir().unwrap();
    let (rate, seconds) = (48_000, 12.0);
    let main = save(&dir.path().join("in.wav"), &song(rate, seconds, 0.9), rate, Encoding::Wav24);
    let outputs =
        [(Encoding::Mp3_320, None), (Encoding::Mp3V0, Some(44_100)), (Encoding::Opus160, Some(48_000))];
    let job = job(dir.path(), main, recipe(Some(-9.0), &outputs));
    let report = run(&job).unwrap();
    assert_eq!(report.outputs.len(), 3);
    for output in &report.outputs {
        let heard = load(&job.out_dir.join(&output.file));
        let peak = true_peak_16x(&heard);
        assert!(peak <= -1.0, "{}: {peak} dBTP after decoding", output.file);
        assert!(peak > -2.0, "{}: {peak} dBTP, more than the coder asks for is given away", output.file);
        let rate = Source::open(&job.out_dir.join(&output.file)).unwrap().spec().sample_rate;
        assert_eq!(heard.frames(), (f64::from(rate) * seconds) as usize, "{}", output.file);
    }
}
