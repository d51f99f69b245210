//! What the decoder reads is exactly what stands in the file, and the content decides what the file is.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::Path;

use deadwax_dsp::{Block, DspError, Source};

fn wav(tag: u16, bits: u16, channels: u16, rate: u32, data: &[u8]) -> Vec<u8> {
    let align = channels * bits.div_ceil(8);
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(align)).to_le_bytes());
    bytes.extend(align.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

fn read_all(path: &Path) -> Result<Vec<Vec<f64>>, DspError> {
    let mut source = Source::open(path)?;
    let mut all = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while source.read(&mut block, 1000)? > 0 {
        for (sum, plane) in all.iter_mut().zip(&block.channels) {
            sum.extend(plane);
        }
    }
    Ok(all)
}

fn decode(bytes: &[u8]) -> Result<Vec<Vec<f64>>, DspError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a song.dat");
    std::fs::write(&path, bytes).unwrap();
    read_all(&path)
}

#[test]
fn integers_map_exactly() {
    let sixteen: Vec<u8> = [i16::MIN, -1, 0, i16::MAX].iter().flat_map(|s| s.to_le_bytes()).collect();
    let planes = decode(&wav(1, 16, 2, 44_100, &sixteen)).unwrap();
    assert_eq!(planes, [[-1.0, 0.0], [-1.0 / 32_768.0, 32_767.0 / 32_768.0]]);
    let planes = decode(&wav(1, 24, 1, 44_100, &[0, 0, 0x80, 1, 0, 0, 0xff, 0xff, 0x7f])).unwrap();
    assert_eq!(planes, [[-1.0, 1.0 / 8_388_608.0, 8_388_607.0 / 8_388_608.0]]);
}

#[test]
fn a_float_sample_that_is_no_number_is_damage_with_its_time() {
    let mut samples = vec![0.25f32; 8000];
    samples[4000] = f32::NAN;
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let error = decode(&wav(3, 32, 1, 8000, &data)).unwrap_err();
    assert!(matches!(error, DspError::Damaged { at_s, .. } if at_s == 0.5), "{error}");
}

#[test]
fn a_cut_off_file_says_so() {
    let whole = wav(1, 16, 1, 8000, &[1; 16_000]);
    let error = decode(&whole[..44 + 8000]).unwrap_err();
    assert!(matches!(error, DspError::Damaged { at_s, .. } if at_s == 0.5), "{error}");
}
