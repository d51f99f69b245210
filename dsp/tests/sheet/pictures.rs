//! The sheet as PNG: its size, its white, its letters, and the same pixels everywhere.

use deadwax_dsp::sheet::png;

use super::{hostile::EVIL, *};

fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, ::png::ColorType::Rgb);
    (info.width, info.height, pixels)
}

#[test]
fn a_picture_is_a4_on_white_and_always_the_same() {
    let sheet = full();
    let bytes = png(&sheet, 800).unwrap();
    assert_eq!(bytes, png(&sheet, 800).unwrap());
    let (width, height, pixels) = decode(&bytes);
    assert_eq!((width, height), (800, 1132));
    assert_eq!(&pixels[..3], [255; 3]);
    let ink = pixels.chunks(3).filter(|p| p[0] < 128).count() as f64 / f64::from(width * height);
    assert!((0.02..0.15).contains(&ink), "{ink}");
    assert!(bytes.len() < 250_000, "{}", bytes.len());
}

#[test]
fn the_pixels_are_the_same_on_every_machine() {
    let (_, _, pixels) = decode(&png(&full(), 400).unwrap());
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&pixels));
    assert_eq!(digest, PIXELS, "where the drawing was changed on purpose, this is its new digest");
}

const PIXELS: &str = "2d052c12e38a8015b2ce42cdeafe2364f4cb66ee529780d5f01be6f5c3896188";

#[test]
fn letters_that_the_font_has_not_leave_a_box() {
    let page = |title: &str| decode(&png(&Sheet { title: title.into(), ..Sheet::default() }, 400).unwrap()).2;
    let ink = |pixels: &[u8]| pixels.chunks(3).filter(|p| p[0] < 128).count();
    assert!(ink(&page("東京事変")) > ink(&page(".")) + 40);
    assert_eq!(page("東京事変"), page("京東変事"));
    assert_ne!(page("Zoë"), page("Zoe"));
}

#[test]
fn widths_are_held_within_reason() {
    let sheet = Sheet::default();
    assert!(png(&sheet, 299).is_err() && png(&sheet, 3601).is_err() && png(&sheet, u32::MAX).is_err());
    assert_eq!(decode(&png(&sheet, 300).unwrap()).0, 300);
    // Hundreds of files at the largest width: drawn, and no larger than memory allows.
    let mut long = full();
    long.outputs = vec![long.outputs[0].clone(); 500];
    let (width, height, _) = decode(&png(&long, 3600).unwrap());
    assert!(u64::from(width) * u64::from(height) <= 24_100_000 && width > 1000, "{width} x {height}");
    assert!(words_of(&svg(&long)).contains("and 100 more"));
}

#[test]
fn nonsense_makes_a_picture_too() {
    let mut sheet = everywhere(EVIL);
    sheet.after.short_term.values.fill(f32::NAN);
    sheet.reduction[0].gain_db.values.fill(f32::NEG_INFINITY);
    sheet.before.seconds = f64::NAN;
    decode(&png(&sheet, 600).unwrap());
}
