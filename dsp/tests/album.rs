//! The samples of a record: held against a plain twin, joined, faded, at several rates, whatever the blocks.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod album_kit;

use album_kit::*;
use deadwax_dsp::{
    Block, DspError, Flow,
    album::{self, Cut, Job, Output, Source},
    dither::Dither,
    lanes,
    math::linear,
    measure::Meter,
    processors::fade::Shape,
    render::Way,
    resample::Resampler,
    write::Encoding,
};
use proptest::prelude::*;

/// Why there is no twin.
#[derive(Clone, Copy, Debug, PartialEq)]
enum No {
    /// It must be refused.
    Impossible,
    /// A frame too much, which may be one of rounding: it may go either way.
    Edge,
}

/// The record as its description says it, song by song over silence.
fn twin(
    songs: &[(Source, Vec<Vec<f64>>)],
    rate: u32,
    album_gain_db: f64,
) -> Result<(Vec<u64>, Vec<Vec<f64>>), No> {
    let frames = |ms: u32| ((u128::from(ms) * u128::from(rate) + 500) / 1000) as usize;
    let mut kept = Vec::new();
    for (song, sound) in songs {
        let (first, cut) = (frames(song.trim_in_ms), frames(song.trim_out_ms));
        if first + cut >= sound[0].len() {
            return Err(No::Impossible);
        }
        let behind = sound[0].len() - cut;
        kept.push([sound[0][first..behind].to_vec(), sound[sound.len() - 1][first..behind].to_vec()]);
    }
    let (mut starts, mut end) = (Vec::new(), 0);
    let crossfade = |n: usize| songs.get(n).map_or(0, |(song, _)| frames(song.crossfade_ms));
    for (n, (song, _)) in songs.iter().enumerate() {
        match (crossfade(n) + crossfade(n + 1)).checked_sub(kept[n][0].len()) {
            None | Some(0) => {}
            Some(1) => return Err(No::Edge),
            Some(_) => return Err(No::Impossible),
        }
        let gap = if song.crossfade_ms > 0 { 0 } else { frames(song.gap_ms) };
        starts.push((end + gap - crossfade(n)) as u64);
        end = end + gap - crossfade(n) + kept[n][0].len();
    }
    let mut sum = vec![vec![0.0; end]; 2];
    for (n, (song, _)) in songs.iter().enumerate() {
        let length = kept[n][0].len();
        let fade_in = frames(song.fade_in_ms).max(crossfade(n)).min(length);
        let own_out = frames(song.fade_out_ms).min(length);
        let next = songs.get(n + 1).map_or(song.shape, |(next, _)| next.shape);
        let (fade_out, shape_out) =
            if crossfade(n + 1) > own_out { (crossfade(n + 1), next) } else { (own_out, song.shape) };
        for t in 0..length {
            let mut gain = linear(f64::from(song.gain_cb) / 100.0);
            if t < fade_in {
                gain *= song.shape.gain((t as f64 + 0.5) / fade_in as f64);
            }
            if t >= length - fade_out {
                gain *= shape_out.gain(((length - t) as f64 - 0.5) / fade_out as f64);
            }
            gain *= linear(album_gain_db);
            for channel in 0..2 {
                sum[channel][starts[n] as usize + t] += kept[n][channel][t] * gain;
            }
        }
    }
    Ok((starts, sum))
}

fn as_floats(planes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    planes.iter().map(|plane| plane.iter().map(|s| f64::from(*s as f32)).collect()).collect()
}

#[derive(Clone, Debug)]
struct Laid {
    frames: usize,
    channels: usize,
    ms: [u32; 6],
    shape: Shape,
    gain_cb: i32,
}

fn laid() -> impl Strategy<Value = Laid> {
    let trims = (0u32..60, 0u32..60);
    let joints = (0u32..80, prop_oneof![2 => Just(0u32), 3 => 0u32..90]);
    let fades = (0u32..90, 0u32..90);
    let shape = prop::sample::select(Shape::ALL.to_vec());
    (1000usize..4000, 1usize..=2, trims, joints, fades, shape, -600i32..=600).prop_map(
        |(frames, channels, (a, b), (gap, crossfade), (fade_in, fade_out), shape, gain_cb)| Laid {
            frames,
            channels,
            ms: [a, b, gap, crossfade, fade_in, fade_out],
            shape,
            gain_cb,
        },
    )
}

const RATE: u32 = 11_025;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_sample_is_that_of_the_plain_twin(
        laid in prop::collection::vec(laid(), 1..6),
        album_gain_db in prop_oneof![Just(0.0), -9.0f64..6.0],
        block_frames in 1usize..3000,
        threads in 1usize..4,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut songs = Vec::new();
        for (n, it) in laid.iter().enumerate() {
            let sound = noise(n as u64 + 5, it.channels, it.frames, 0.9);
            let path = save(&dir.path().join(format!("{n}.wav")), &sound, RATE, Encoding::Wav24);
            let [trim_in_ms, trim_out_ms, gap_ms, crossfade_ms, fade_in_ms, fade_out_ms] = it.ms;
            let crossfade_ms = if n == 0 { 0 } else { crossfade_ms };
            let sound = load(&path);
            let (shape, gain_cb) = (it.shape, it.gain_cb);
            let source = Source {
                trim_in_ms, trim_out_ms, gap_ms, crossfade_ms, fade_in_ms, fade_out_ms, shape, gain_cb, ..Source::new(path)
            };
            songs.push((source, sound));
        }
        let count = songs.len();
        let job = Job {
            album_gain_db,
            ..job(dir.path(), songs.iter().map(|it| it.0.clone()).collect(), vec![
                whole("whole.wav", Encoding::Wav32f, 0),
                tracks("track", Encoding::Wav32f, 0, count),
            ])
        };
        let way = Way { block_frames, threads };
        let done = album::run_in(&job, way, &mut |_| Flow::Go);
        let (starts, sum) = match twin(&songs, RATE, album_gain_db) {
            Ok(expected) => expected,
            Err(No::Edge) => return Ok(()),
            Err(No::Impossible) => {
                prop_assert!(matches!(done, Err(DspError::Invalid(_))), "{:?}", done.map(|_| "it was made"));
                return Ok(());
            }
        };
        if starts.windows(2).any(|two| two[0] == two[1]) {
            prop_assert!(matches!(done, Err(DspError::Invalid(_))), "a track would hold nothing");
            return Ok(());
        }
        let done = done.unwrap();
        let heard = load(&job.out_dir.join("whole.wav"));
        prop_assert_eq!(heard[0].len(), sum[0].len());
        prop_assert!(heard == as_floats(&sum), "the samples differ");
        prop_assert!(joined(&job.out_dir, &job.outputs[1].names) == heard, "the tracks joined differ");
        let ends = starts.iter().skip(1).copied().chain([sum[0].len() as u64]);
        let cut: Vec<u64> = ends.zip([0].into_iter().chain(starts.iter().skip(1).copied())).map(|(b, a)| b - a).collect();
        prop_assert_eq!(done[1..].iter().map(|file| file.frames).collect::<Vec<_>>(), cut);
        let index1: Vec<u64> = done[0].tracks.iter().map(|mark| mark.index1).collect();
        prop_assert_eq!(index1, starts);
    }
}

#[test]
fn two_copies_of_one_signal_under_a_linear_crossfade_sum_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let (frames, over) = (30_000, 4410);
    let signal = noise(3, 2, frames, 0.9);
    let part = |from: usize, to: usize| Block {
        channels: signal.channels.iter().map(|plane| plane[from..to].to_vec()).collect(),
    };
    let first = save(&dir.path().join("a.wav"), &part(0, 20_000), 44_100, Encoding::Wav24);
    let second = save(&dir.path().join("b.wav"), &part(20_000 - over, frames), 44_100, Encoding::Wav24);
    let second = Source { crossfade_ms: 100, shape: Shape::Linear, ..Source::new(second) };
    let output = Output { dither: Some(Dither::None), ..whole("whole.wav", Encoding::Wav24, 0) };
    let job = job(dir.path(), vec![Source::new(first), second], vec![output]);
    made(&job);
    let original = load(&save(&dir.path().join("x.wav"), &signal, 44_100, Encoding::Wav24));
    assert!(load(&job.out_dir.join("whole.wav")) == original);
}

#[test]
fn gaps_are_silence_of_their_length_to_the_frame_at_every_rate() {
    let dir = tempfile::tempdir().unwrap();
    let songs = vec![
        song(dir.path(), "a.wav", 44_100, 9000, Encoding::Wav16),
        Source { gap_ms: 1234, ..song(dir.path(), "b.wav", 44_100, 8000, Encoding::Wav16) },
        Source { gap_ms: 1, ..song(dir.path(), "c.wav", 44_100, 7000, Encoding::Wav16) },
    ];
    let rates = [44_100u32, 48_000, 96_000];
    let outputs = rates.iter().map(|rate| whole(&format!("{rate}.wav"), Encoding::Wav24, *rate)).collect();
    let job = job(dir.path(), songs, outputs);
    for (file, rate) in made(&job).iter().zip(rates) {
        let at = |frames: u64| (frames * u64::from(rate) + 22_050) / 44_100;
        let gap = |ms: u64| (ms * u64::from(rate) + 500) / 1000;
        let ends = [at(9000), at(9000) + gap(1234) + at(8000)];
        let starts = [0, ends[0] + gap(1234), ends[1] + gap(1)];
        assert_eq!(file.tracks.iter().map(|mark| mark.index1).collect::<Vec<_>>(), starts);
        assert_eq!(file.tracks.iter().skip(1).map(|mark| mark.index0).collect::<Vec<_>>(), ends);
        assert_eq!(file.frames, starts[2] + at(7000));
    }
    // At their own rate the songs pass untouched, and the gap is nothing at all.
    let heard = load(&job.out_dir.join("44100.wav"));
    let gap = 9000..9000 + 54_419;
    for plane in &heard {
        assert!(plane[gap.clone()].iter().all(|s| *s == 0.0));
        assert!(plane[gap.start - 1] != 0.0 && plane[gap.end] != 0.0);
    }
}

/// Three songs of other rates and word lengths, with a gap and a crossfade.
fn motley(dir: &std::path::Path) -> Vec<Source> {
    vec![
        song(dir, "a.wav", 48_000, 40_000, Encoding::Wav24),
        Source { gap_ms: 300, ..song(dir, "b.wav", 44_100, 30_011, Encoding::Wav16) },
        Source {
            crossfade_ms: 150,
            fade_out_ms: 200,
            ..song(dir, "c.flac", 96_000, 50_000, Encoding::Flac24)
        },
        Source { gap_ms: 2000, ..song(dir, "d.aiff", 44_100, 20_000, Encoding::Aiff16) },
    ]
}

fn everything() -> Vec<Output> {
    let sides =
        |name, encoding, rate| Output::new(Cut::Sides(vec![1, 3]), encoding, rate, names(name, encoding, 3));
    vec![
        whole("cd.wav", Encoding::Wav16, 44_100),
        tracks("cd", Encoding::Flac16, 44_100, 4),
        sides("cd-side", Encoding::Wav16, 44_100),
        Output { dither: Some(Dither::Shaped), ..whole("shaped.wav", Encoding::Wav16, 44_100) },
        Output { dither: Some(Dither::Shaped), ..tracks("shaped", Encoding::Wav16, 44_100, 4) },
        whole("hi.wav", Encoding::Wav24, 0),
        tracks("hi", Encoding::Aiff24, 96_000, 4),
        sides("hi-side", Encoding::Wav24, 0),
        Output::new(Cut::Disc, Encoding::Wav16, 0, vec!["image.bin".into()]),
    ]
}

#[test]
fn tracks_and_sides_joined_are_the_whole_with_dither_and_all() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path(), motley(dir.path()), everything());
    let done = made(&job);
    assert_eq!(
        done.iter().map(|file| file.sample_rate).max(),
        Some(96_000),
        "0 is the rate of the highest source"
    );
    for (first, joins) in [(0, &[1, 2][..]), (3, &[4]), (5, &[6, 7])] {
        let whole = load(&job.out_dir.join(&job.outputs[first].names[0]));
        for join in joins {
            assert!(joined(&job.out_dir, &job.outputs[*join].names) == whole, "output {join}");
        }
    }
    let disc = image(&job.out_dir.join("image.bin"));
    let whole = load(&job.out_dir.join("cd.wav"));
    for (disc, whole) in disc.iter().zip(&whole) {
        assert!(disc[..88_200].iter().all(|s| *s == 0.0));
        assert!(&disc[88_200..88_200 + whole.len()] == whole.as_slice());
        assert!(disc[88_200 + whole.len()..].iter().all(|s| *s == 0.0));
    }
}

#[test]
fn the_same_job_makes_the_same_bytes_in_any_way() {
    let dir = tempfile::tempdir().unwrap();
    let songs = motley(dir.path());
    let way = |block_frames, threads| Way { block_frames, threads };
    let mut outputs = everything();
    outputs.push(tracks("coded", Encoding::Mp3_320, 48_000, 4));
    let mut first: Option<Vec<String>> = None;
    for (n, way) in
        [Way::default(), way(777, 1), way(1 << 16, 3), way(100_000_000, 64)].into_iter().enumerate()
    {
        let mut job = job(dir.path(), songs.clone(), outputs.clone());
        job.out_dir = dir.path().join(format!("out{n}"));
        let done = digests(&album::run_in(&job, way, &mut |_| Flow::Go).unwrap());
        assert_eq!(first.get_or_insert_with(|| done.clone()), &done, "{way:?}");
    }
}

#[test]
fn several_rates_from_one_reading_are_those_of_a_reading_each() {
    let dir = tempfile::tempdir().unwrap();
    let songs = motley(dir.path());
    let together = job(dir.path(), songs.clone(), everything());
    let done = made(&together);
    for (n, output) in everything().into_iter().enumerate() {
        let alone = Job {
            out_dir: dir.path().join(format!("alone{n}")),
            ..job(dir.path(), songs.clone(), vec![output])
        };
        for file in made(&alone) {
            let other = done.iter().find(|it| it.name == file.name).unwrap();
            assert_eq!(other.sha256, file.sha256, "{}", file.name);
        }
    }
}

#[test]
fn a_song_at_another_rate_is_the_resamplers_and_then_rounded() {
    let dir = tempfile::tempdir().unwrap();
    let songs = vec![
        song(dir.path(), "a.wav", 48_000, 48_000, Encoding::Wav24),
        song(dir.path(), "b.wav", 44_100, 30_000, Encoding::Wav16),
    ];
    let job = job(dir.path(), songs.clone(), vec![tracks("t", Encoding::Wav32f, 44_100, 2)]);
    made(&job);
    let original = Block { channels: load(&songs[0].path) };
    let mut resampler = Resampler::new(2, 48_000, 44_100).unwrap();
    let mut out = Block::default();
    resampler.push(&original, &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    assert!(load(&job.out_dir.join("t-1.wav")) == as_floats(&out.channels));
    assert!(load(&job.out_dir.join("t-2.wav")) == load(&songs[1].path));
}

#[test]
fn what_is_rounded_is_dithered_and_what_is_untouched_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let still = save(&dir.path().join("still.wav"), &Block::new(2, 44_100), 44_100, Encoding::Wav24);
    let longer = Source::new(still.clone());
    let faded = Source { fade_out_ms: 10, ..Source::new(still) };
    let job = job(
        dir.path(),
        vec![longer, faded],
        vec![tracks("t", Encoding::Wav16, 0, 2), tracks("w", Encoding::Wav24, 0, 2)],
    );
    let done = made(&job);
    assert_eq!(done.iter().map(|file| file.exact).collect::<Vec<_>>(), [false, false, true, false]);
    let moved: Vec<bool> = done
        .iter()
        .map(|file| load(&job.out_dir.join(&file.name)).iter().flatten().any(|s| *s != 0.0))
        .collect();
    assert_eq!(moved, [true, true, false, true]);
}

#[test]
fn a_track_has_the_same_bytes_wherever_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let songs = motley(dir.path());
    let (a, d) = (songs[0].clone(), Source { crossfade_ms: 0, ..songs[2].clone() });
    let order = |songs: Vec<Source>, out: &str| Job {
        out_dir: dir.path().join(out),
        ..job(dir.path(), songs, vec![tracks("t", Encoding::Wav16, 44_100, 2)])
    };
    let one = digests(&made(&order(vec![a.clone(), d.clone()], "one")));
    let two = digests(&made(&order(vec![d, a], "two")));
    assert_eq!((&one[0], &one[1]), (&two[1], &two[0]));
}

#[test]
fn figures_are_those_of_the_file_that_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut outputs = everything();
    outputs.pop();
    outputs.push(whole("coded.mp3", Encoding::Mp3V0, 44_100));
    let job = job(dir.path(), motley(dir.path()), outputs);
    for file in made(&job) {
        let planes = load(&job.out_dir.join(&file.name));
        assert_eq!(file.frames, planes[0].len() as u64, "{}", file.name);
        let spec = deadwax_dsp::Source::open(&job.out_dir.join(&file.name)).unwrap().spec().clone();
        let mut meter = Meter::new(&spec);
        meter.push(&Block { channels: planes });
        assert_eq!(file.measurement, meter.finish(), "{}", file.name);
        assert!(file.measurement.integrated_lufs > -30.0);
    }
}

#[test]
fn samples_beyond_full_scale_are_counted_and_floats_keep_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut loud = Block::new(2, 1000);
    loud.channels[0][10] = 0.75;
    loud.channels[0][11] = -0.75;
    loud.channels[1][12] = 0.25;
    let path = save(&dir.path().join("loud.wav"), &loud, 44_100, Encoding::Wav24);
    let outputs = || vec![whole("w.wav", Encoding::Wav16, 0), whole("f.wav", Encoding::Wav32f, 0)];
    let louder = Job { album_gain_db: 6.0, ..job(dir.path(), vec![Source::new(path.clone())], outputs()) };
    let done = made(&louder);
    assert_eq!((done[0].over_full_scale, done[1].over_full_scale), (2, 0));
    let kept = load(&louder.out_dir.join("f.wav"));
    assert!(kept[0][10] > 1.49 && kept[0][11] < -1.49);
    let as_it_is =
        Job { out_dir: dir.path().join("plain"), ..job(dir.path(), vec![Source::new(path)], outputs()) };
    assert_eq!(made(&as_it_is)[0].over_full_scale, 0);
}

#[test]
fn a_mono_song_is_laid_on_both_channels() {
    let dir = tempfile::tempdir().unwrap();
    let mono = save(&dir.path().join("mono.wav"), &noise(4, 1, 5000, 0.5), 44_100, Encoding::Wav16);
    let songs = vec![Source::new(mono.clone()), song(dir.path(), "b.wav", 44_100, 4000, Encoding::Wav16)];
    let job = job(dir.path(), songs, vec![tracks("t", Encoding::Wav16, 0, 2)]);
    let done = made(&job);
    assert_eq!((done[0].exact, done[1].exact), (false, true), "two channels are not the source's one");
    let (mono, both) = (load(&mono), load(&job.out_dir.join("t-1.wav")));
    assert!(both[0] == mono[0] && both[1] == mono[0], "nothing is rounded for it");
}

/// File name and SHA-256. To pin anew, put in what the failing test prints: a change needs another number of the engine in `album::done` and a line in
/// the changelog.
const PINNED: &[(&str, &str)] = &[
    ("cd.wav", "49bc75f82867d133a3930b94db294b95e101f005623272ee328d125be930ed8b"),
    ("shaped.wav", "b0d38ba7a228bf406564c1a3b8c1a3e18ef05eb530bd7d783e64ec344cae1b71"),
    ("shaped-1.wav", "9b13ace11e00ecf19b42eb6c2e2ecb97e59b1a651fe249adfb7609b86c6fba8d"),
    ("shaped-2.wav", "91ac5d1ba46015e9e307ac33955bb0178f5fce9c87e529031d3eea183e59d25a"),
    ("shaped-3.wav", "2cb0c688b1cc7769f3f4941f9e622673deb2623423290bdb9bda21f508aeff40"),
    ("shaped-4.wav", "c4e811d970c189178b589d7848d4a9a00179c5ac9796301efb53f79302276cc8"),
    ("hi.wav", "7109febcf5a71114bab2fa1ec1e8fc96dc20738bfba19ae3c2d93a5f9a0f3cf2"),
    ("image.bin", "f0db1b8361e8e4419848ed1c561c1fba9fe934a2b29302c9c575cc61a06f9a77"),
];

#[test]
fn the_bytes_of_a_record_are_the_pinned_ones_on_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (n, path) in [None, Some(lanes::Path::Plain)].into_iter().enumerate() {
        let mut outputs = everything();
        outputs.retain(|output| output.names[0].starts_with("shaped-") || output.names.len() == 1);
        let job = Job {
            out_dir: dir.path().join(format!("{n}")),
            album_gain_db: -1.5,
            ..job(dir.path(), motley(dir.path()), outputs)
        };
        lanes::force(path);
        let done = made(&job);
        lanes::force(None);
        let found: Vec<(&str, &str)> = done.iter().map(|it| (it.name.as_str(), it.sha256.as_str())).collect();
        if found != PINNED {
            let lines: Vec<String> = found.iter().map(|it| format!("    {it:?},")).collect();
            wrong.push(format!("{path:?} gave\n{}", lines.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
