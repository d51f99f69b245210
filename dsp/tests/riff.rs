//! WAV, RF64 and AIFF files put together by hand: every coding is read exactly, what they say of themselves arrives, and a file that is cut off or
//! lies about its sizes has a defined end.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use deadwax_dsp::{Block, DspError, Source};
use proptest::prelude::*;

/// A chunk with its pad byte.
fn chunk(id: &[u8; 4], body: &[u8], big_endian: bool) -> Vec<u8> {
    let size = body.len() as u32;
    let size = if big_endian { size.to_be_bytes() } else { size.to_le_bytes() };
    let mut bytes = [id.as_slice(), &size, body].concat();
    bytes.resize(bytes.len() + body.len() % 2, 0);
    bytes
}

fn form(id: &[u8; 4], kind: &[u8; 4], chunks: &[Vec<u8>], big_endian: bool) -> Vec<u8> {
    chunk(id, &[kind.to_vec(), chunks.concat()].concat(), big_endian)
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    form(b"RIFF", b"WAVE", chunks, false)
}

fn fmt(tag: u16, bits: u16, channels: u16, rate: u32) -> Vec<u8> {
    let frame = channels * bits.div_ceil(8);
    let mut body = Vec::new();
    body.extend([tag, channels].iter().flat_map(|x| x.to_le_bytes()));
    body.extend([rate, rate * u32::from(frame)].iter().flat_map(|x| x.to_le_bytes()));
    body.extend([frame, bits].iter().flat_map(|x| x.to_le_bytes()));
    chunk(b"fmt ", &body, false)
}

fn data(sound: &[u8]) -> Vec<u8> {
    chunk(b"data", sound, false)
}

fn rf64(sound: &[u8]) -> Vec<u8> {
    let mut sizes: Vec<u8> =
        [4096u64, sound.len() as u64, sound.len() as u64 / 4].map(u64::to_le_bytes).concat();
    sizes.extend(0u32.to_le_bytes());
    let mut bytes =
        form(b"RF64", b"WAVE", &[chunk(b"ds64", &sizes, false), fmt(1, 16, 2, 48_000), data(sound)], false);
    let at = bytes.len() - sound.len() - 4;
    bytes[at..at + 4].fill(0xff);
    bytes[4..8].fill(0xff);
    bytes
}

/// 44.1 kHz. `coding` makes it AIFF-C.
fn aiff(coding: Option<&[u8; 4]>, bits: u16, channels: u16, sound: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let frames = (sound.len() / usize::from(channels * bits.div_ceil(8))) as u32;
    let mut common = channels.to_be_bytes().to_vec();
    common.extend(frames.to_be_bytes());
    common.extend(bits.to_be_bytes());
    common.extend([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
    // The name of the coding, a string with its length before it.
    common.extend(coding.map(|c| [c.as_slice(), &[0, 0]].concat()).unwrap_or_default());
    let kind = if coding.is_some() { b"AIFC" } else { b"AIFF" };
    let body = [[0; 8].as_slice(), sound].concat();
    let mut chunks = vec![chunk(b"COMM", &common, true)];
    chunks.extend_from_slice(more);
    chunks.push(chunk(b"SSND", &body, true));
    form(b"FORM", kind, &chunks, true)
}

fn with_source<R>(bytes: &[u8], look: impl FnOnce(Result<Source, DspError>) -> R) -> R {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take 1.wav");
    std::fs::write(&path, bytes).unwrap();
    look(Source::open(&path))
}

/// Everything, in reads of `size` frames.
fn read(bytes: &[u8], size: usize) -> Result<Vec<Vec<f64>>, DspError> {
    with_source(bytes, |source| {
        let mut source = source?;
        let mut all = vec![Vec::new(); source.spec().channels];
        let mut block = Block::default();
        while source.read(&mut block, size)? > 0 {
            all.iter_mut().zip(&block.channels).for_each(|(sum, plane)| sum.extend(plane));
        }
        assert_eq!(Some(all[0].len() as u64), source.spec().frames);
        Ok(all)
    })
}

/// Whole numbers of `bits` bits that look like noise.
fn numbers(bits: u32, count: usize) -> Vec<i64> {
    let mut state = 0x1234_5678_9abc_def1u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state as i64) >> (64 - bits)
    };
    (0..count).map(|_| next()).collect()
}

/// The low `bits / 8` bytes of each.
fn packed(numbers: &[i64], bits: u32, big_endian: bool) -> Vec<u8> {
    let bytes = bits as usize / 8;
    let one = |x: &i64| {
        if big_endian { x.to_be_bytes()[8 - bytes..].to_vec() } else { x.to_le_bytes()[..bytes].to_vec() }
    };
    numbers.iter().flat_map(one).collect()
}

#[test]
fn whole_numbers_of_every_width_and_order_are_exact() {
    // 30,011 frames of three channels do not fit a round number of any buffer.
    for (bits, channels, frames) in [
        (16u32, 1u16, 90_001),
        (16, 2, 70_003),
        (24, 1, 90_001),
        (24, 2, 70_003),
        (24, 3, 30_011),
        (32, 2, 20_011),
        (32, 6, 7_001),
    ] {
        let values = numbers(bits, frames * usize::from(channels));
        let scale = 2f64.powi(bits as i32 - 1);
        let expected: Vec<Vec<f64>> = (0..usize::from(channels))
            .map(|c| values.iter().skip(c).step_by(channels.into()).map(|x| *x as f64 / scale).collect())
            .collect();
        let little = packed(&values, bits, false);
        let files = [
            riff(&[fmt(1, bits as u16, channels, 44_100), data(&little)]),
            aiff(None, bits as u16, channels, &packed(&values, bits, true), &[]),
            aiff(Some(b"NONE"), bits as u16, channels, &packed(&values, bits, true), &[]),
            aiff(Some(b"sowt"), bits as u16, channels, &little, &[]),
        ];
        for (n, file) in files.iter().enumerate() {
            for size in [1000, 65_536] {
                assert!(read(file, size).unwrap() == expected, "{bits} bits, {channels} channels, kind {n}");
            }
        }
    }
    // Eight bits: from 128 up in WAV, with a sign in AIFF.
    let bytes: Vec<u8> = (0..=255).collect();
    let wav = read(&riff(&[fmt(1, 8, 1, 44_100), data(&bytes)]), 100).unwrap();
    assert!(wav[0].iter().zip(-128..).all(|(x, n)| *x == f64::from(n) / 128.0));
    let aiff = read(&aiff(None, 8, 1, &bytes, &[]), 100).unwrap();
    assert!(aiff[0].iter().zip(&bytes).all(|(x, b)| *x == f64::from(*b as i8) / 128.0));
}

#[test]
fn floats_of_both_orders_are_exact() {
    let values: Vec<f32> = numbers(32, 50_000).iter().map(|x| *x as f32 / 1e9).collect();
    let expected: Vec<Vec<f64>> =
        (0..2).map(|c| values.iter().skip(c).step_by(2).map(|x| f64::from(*x)).collect()).collect();
    let wide: Vec<f64> = values.iter().map(|x| f64::from(*x)).collect();
    let little: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let big: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
    let wide_little: Vec<u8> = wide.iter().flat_map(|x| x.to_le_bytes()).collect();
    let wide_big: Vec<u8> = wide.iter().flat_map(|x| x.to_be_bytes()).collect();
    for file in [
        riff(&[fmt(3, 32, 2, 44_100), data(&little)]),
        riff(&[fmt(3, 64, 2, 44_100), data(&wide_little)]),
        aiff(Some(b"fl32"), 32, 2, &big, &[]),
        aiff(Some(b"FL32"), 32, 2, &big, &[]),
        aiff(Some(b"fl64"), 64, 2, &wide_big, &[]),
    ] {
        assert!(read(&file, 4096).unwrap() == expected);
    }
}

#[test]
fn an_unknown_coding_is_refused_by_its_name() {
    for name in [b"ulaw", b"ima4", b"MAC3"] {
        let error = read(&aiff(Some(name), 16, 2, &[0; 400], &[]), 100).unwrap_err();
        let name = String::from_utf8_lossy(name);
        assert!(matches!(&error, DspError::Unsupported { what, .. } if what.contains(&*name)), "{error}");
    }
}

#[test]
fn a_sample_that_is_no_number_is_named_with_its_time_in_any_channel() {
    for wrong in [f32::NAN, f32::INFINITY, -f32::INFINITY, 1e30] {
        let mut values = vec![0.5f32; 20_000];
        values[2 * 4410 + 1] = wrong;
        let sound: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let error = read(&riff(&[fmt(3, 32, 2, 44_100), data(&sound)]), 4096).unwrap_err();
        assert!(matches!(error, DspError::Damaged { at_s, .. } if (at_s - 0.1).abs() < 1e-9), "{error}");
    }
}

fn bext(version: u16, loudness: [i16; 5]) -> Vec<u8> {
    let mut body = vec![0; 602];
    body[..14].copy_from_slice(b"Side A, take 3");
    body[256..263].copy_from_slice(b"Deadwax");
    body[288..292].copy_from_slice(b"R\xe9f1");
    body[320..330].copy_from_slice(b"2026-05-01");
    body[330..338].copy_from_slice(b"23:59:58");
    body[338..346].copy_from_slice(&(5_000_000_000u64).to_le_bytes());
    body[346..348].copy_from_slice(&version.to_le_bytes());
    for (n, level) in loudness.iter().enumerate() {
        body[412 + 2 * n..414 + 2 * n].copy_from_slice(&level.to_le_bytes());
    }
    body.extend(b"A=PCM,F=44100\r\nA=ANALOGUE,T=\x1b[2Jtape\r\n");
    chunk(b"bext", &body, false)
}

#[test]
fn broadcast_fields_arrive() {
    let file = |bext| riff(&[bext, fmt(1, 16, 1, 8000), data(&[0; 16])]);
    with_source(&file(bext(2, [-1433, 712, -104, i16::MAX, -1150])), |source| {
        let source = source.unwrap();
        let bext = source.metadata().bext.clone().unwrap();
        assert_eq!(bext.description, "Side A, take 3");
        assert_eq!(bext.originator, "Deadwax");
        assert_eq!(bext.originator_reference, "R\u{e9}f1", "old files are Latin-1");
        assert_eq!(
            (bext.origination_date.as_str(), bext.origination_time.as_str()),
            ("2026-05-01", "23:59:58")
        );
        assert_eq!(bext.time_reference, 5_000_000_000);
        let loudness = bext.loudness.unwrap();
        assert_eq!(loudness.integrated_lufs, Some(-14.33));
        assert_eq!(loudness.range_lu, Some(7.12));
        assert_eq!(loudness.max_true_peak_dbtp, Some(-1.04));
        assert_eq!(loudness.max_momentary_lufs, None, "0x7fff says: not stated");
        assert_eq!(loudness.max_short_term_lufs, Some(-11.5));
        assert!(!bext.coding_history.contains('\u{1b}') && bext.coding_history.contains("tape"));
    });
    with_source(&file(bext(1, [0; 5])), |source| {
        assert_eq!(
            source.unwrap().metadata().bext.clone().unwrap().loudness,
            None,
            "version 1 has no levels"
        );
    });
    // A chunk too short for its fixed part is no chunk.
    with_source(&file(chunk(b"bext", &[b'x'; 300], false)), |source| {
        assert_eq!(source.unwrap().metadata().bext, None);
    });
}

#[test]
fn words_and_cues_arrive_wherever_they_stand() {
    let info = [
        b"INFO".to_vec(),
        chunk(b"INAM", b"Lathe\0", false),
        chunk(b"IART", "Ex\u{e9}mple".as_bytes(), false),
        chunk(b"IPRD", b"Record", false),
        chunk(b"ISRC", b"DEXX12600001\0", false),
        chunk(b"ICMT", b"mind the \x07gap", false),
    ];
    let point = |id: u32, frame: u32| {
        let mut row = [id, frame].map(u32::to_le_bytes).concat();
        row.extend(b"data\0\0\0\0\0\0\0\0");
        row.extend(frame.to_le_bytes());
        row
    };
    let cues = [2u32.to_le_bytes().to_vec(), point(7, 100), point(9, 4_000_000_000)].concat();
    let label = [9u32.to_le_bytes().as_slice(), b"drop\0"].concat();
    let adtl = [b"adtl".to_vec(), chunk(b"labl", &label, false)].concat();
    let more = [
        chunk(b"cue ", &cues, false),
        chunk(b"LIST", &adtl, false),
        chunk(b"LIST", &info.concat(), false),
        chunk(b"iXML", b"<BWFXML><NOTE>odd</NOTE></BWFXML>", false),
        chunk(b"junk", b"odd", false),
    ]
    .concat();
    let (format, sound) = (fmt(1, 16, 1, 8000), data(&[1, 0, 2, 0]));
    for file in [
        riff(&[more.clone(), format.clone(), sound.clone()]),
        riff(&[format.clone(), more.clone(), sound.clone()]),
        riff(&[format, sound, more]),
    ] {
        with_source(&file, |source| {
            let source = source.unwrap();
            let said = source.metadata();
            assert_eq!(said.title.as_deref(), Some("Lathe"));
            assert_eq!(said.artist.as_deref(), Some("Ex\u{e9}mple"));
            assert_eq!(said.album.as_deref(), Some("Record"));
            assert_eq!(said.isrc.as_deref(), Some("DEXX12600001"));
            assert_eq!(said.comment.as_deref(), Some("mind the gap"));
            assert_eq!(said.ixml.as_deref(), Some("<BWFXML><NOTE>odd</NOTE></BWFXML>"));
            assert_eq!(said.cues.len(), 2);
            assert_eq!((said.cues[0].id, said.cues[0].frame, &said.cues[0].label), (7, 100, &None));
            assert_eq!((said.cues[1].frame, said.cues[1].label.as_deref()), (4_000_000_000, Some("drop")));
        });
        assert_eq!(read(&file, 10).unwrap(), [[1.0 / 32_768.0, 2.0 / 32_768.0]]);
    }
}

#[test]
fn aiff_says_its_name_and_its_sound_may_start_late() {
    let words = [chunk(b"NAME", b"Lathe", true), chunk(b"AUTH", b"Ex", true), chunk(b"ANNO", b"loud", true)];
    let mut file = aiff(None, 16, 1, &[9, 9, 9, 9, 0x40, 0, 0x80, 0], &words);
    // Four bytes of the SSND chunk stand before the sound, and COMM counts two frames.
    let at = file.windows(4).position(|four| four == b"SSND").unwrap() + 8;
    file[at + 3] = 4;
    let frames = file.windows(4).position(|four| four == b"COMM").unwrap() + 10;
    file[frames + 3] = 2;
    assert_eq!(read(&file, 10).unwrap(), [[0.5, -1.0]]);
    with_source(&file, |source| {
        let said = source.unwrap().metadata().clone();
        assert_eq!((said.title.as_deref(), said.artist.as_deref()), (Some("Lathe"), Some("Ex")));
        assert_eq!(said.comment.as_deref(), Some("loud"));
    });
}

#[test]
fn an_rf64_file_takes_its_length_from_the_64_bit_table() {
    let sound = packed(&numbers(16, 2000), 16, false);
    for name in [b"RF64", b"BW64"] {
        let mut file = rf64(&sound);
        file[..4].copy_from_slice(name);
        file.extend(chunk(b"LIST", b"INFOINAM\x02\0\0\0ok", false));
        assert_eq!(read(&file, 300).unwrap()[0].len(), 1000);
        with_source(&file, |source| {
            let source = source.unwrap();
            assert_eq!((source.spec().container, source.metadata().title.as_deref()), ("rf64", Some("ok")));
        });
    }
}

fn samples_of_each_kind() -> Vec<(&'static str, Vec<u8>, usize)> {
    let sound = packed(&numbers(16, 40), 16, false);
    let list = chunk(b"LIST", b"INFOINAM\x02\0\0\0ok", false);
    let header = |file: &[u8]| file.len() - sound.len();
    let wav = riff(&[bext(2, [0; 5]), list, fmt(1, 16, 2, 48_000), data(&sound)]);
    let (rf, sowt) = (rf64(&sound), aiff(Some(b"sowt"), 16, 2, &sound, &[chunk(b"NAME", b"x", true)]));
    let plain = aiff(None, 16, 2, &sound, &[]);
    [("wav", wav), ("rf64", rf), ("aiff-c", sowt), ("aiff", plain)]
        .map(|(name, file)| {
            let head = header(&file);
            (name, file, head)
        })
        .to_vec()
}

#[test]
fn a_file_cut_off_at_any_byte_is_an_error_that_says_where() {
    for (name, file, header) in samples_of_each_kind() {
        assert!(read(&file, 7).is_ok(), "{name}");
        for end in 0..file.len() {
            let error = read(&file[..end], 7).unwrap_err();
            match error {
                DspError::Empty { .. } => assert_eq!(end, 0),
                DspError::NotAudio { .. } => assert!(end < header, "{name} cut at {end}"),
                DspError::Damaged { at_s, .. } => {
                    let frames = end.saturating_sub(header) / 4;
                    let rate = if name.starts_with("aiff") { 44_100.0 } else { 48_000.0 };
                    assert!((at_s - frames as f64 / rate).abs() < 1e-9, "{name} cut at {end}: {at_s}");
                }
                other => panic!("{name} cut at {end}: {other}"),
            }
        }
    }
}

/// The most memory the process ever had in its address space, in bytes: what is asked for counts, used or not.
#[cfg(target_os = "linux")]
fn address_space_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmPeak:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn no_size_in_a_header_is_asked_of_the_memory() {
    let before = address_space_peak();
    for (name, file, header) in samples_of_each_kind() {
        for at in 4..header - 3 {
            let mut lying = file.clone();
            lying[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0xf0]);
            let _ = read(&lying, 100);
            lying[at..at + 4].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
            let _ = read(&lying, 100);
        }
        let grown = address_space_peak().saturating_sub(before);
        assert!(grown < 1 << 30, "{name}: {grown} bytes, a claim was believed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_the_header_says_the_end_is_defined(
        which in 0usize..4,
        changes in prop::collection::vec((0.0..1.0f64, any::<u32>()), 1..4),
        cut in prop::option::of(0.0..1.0f64),
    ) {
        thread_local!(static KINDS: Vec<(&'static str, Vec<u8>, usize)> = samples_of_each_kind());
        let (mut file, header) = KINDS.with(|kinds| (kinds[which].1.clone(), kinds[which].2));
        for (at, value) in changes {
            let at = ((header - 4) as f64 * at) as usize;
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        if let Some(cut) = cut {
            file.truncate((file.len() as f64 * cut) as usize);
        }
        // `read` holds that as many frames come as the file was said to have.
        let _ = read(&file, 50);
    }
}
