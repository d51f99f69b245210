//! File names: every convention of the field is read, and what this house writes is read back as it was meant.

use deadwax_client::name::{Kind, Name, is_token, parse};
use proptest::prelude::*;

type Row = (
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
    Option<Kind>,
    Option<u32>,
    Option<u32>,
    Option<u32>,
);

#[test]
fn the_conventions_of_the_field_are_read() {
    let mix = Some(Kind::Mix);
    #[rustfmt::skip]
    let rows: &[Row] = &[
        // P&E Wing, Netflix, UMG recording, vinyl plant, mastering folder, library music
        ("AI_SongTitle_MI01_Master_96k24.wav", Some("AI"), "Song Title", "main", None, Some(1), Some(96_000), Some(24)),
        ("LH_BodyAndSoul_MASTER_48k_24b_2ch_LT_v04.wav", Some("LH"), "Body And Soul", "main", None, Some(4), Some(48_000), Some(24)),
        ("AnaRuiz_NightDrive_Instrumental_120_11212026.wav", Some("Ana Ruiz"), "Night Drive", "instrumental", None, None, None, None),
        ("EXAMPLE001_A_44100Hz_24bit.wav", None, "EXAMPLE001 side A", "main", None, None, Some(44_100), Some(24)),
        ("Band-Album-WAV24b96k", Some("Band"), "Album", "main", None, None, Some(96_000), Some(24)),
        ("Band-Album-WAV16b441k", Some("Band"), "Album", "main", None, None, Some(44_100), Some(16)),
        ("Trackname-Main Inst V1.wav", None, "Trackname", "instrumental", None, Some(1), None, None),
        // ours
        ("Artist_Title_VocUp05_v03_48k24b.wav", Some("Artist"), "Title", "vocal-up+0.5", None, Some(3), Some(48_000), Some(24)),
        ("Artist_Clean_TV_v03_441k16b_EngAB.wav", Some("Artist"), "Clean", "tv", None, Some(3), Some(44_100), Some(16)),
        // what people type
        ("Night Drive mix 2.wav", None, "Night Drive", "main", mix, Some(2), None, None),
        ("Night Drive.wav", None, "Night Drive", "main", None, None, None, None),
        ("Ana - Night Drive - Vocal Up 1dB v2.wav", Some("Ana"), "Night Drive", "vocal-up+1.0", None, Some(2), None, None),
        ("NightDrive_vox_dn_1.5_v2.flac", None, "Night Drive", "vocal-down-1.5", None, Some(2), None, None),
        ("night drive (instrumental) v3 final approved.wav", None, "night drive", "instrumental", None, Some(3), None, None),
        ("The Full Monty mix3.wav", None, "The Full Monty", "main", mix, Some(3), None, None),
        ("TV Party_v2.wav", None, "TV Party", "main", None, Some(2), None, None),
        ("instrumental.wav", None, "", "instrumental", None, None, None, None),
        ("Mix 2.wav", None, "", "main", mix, Some(2), None, None),
        ("../../etc/Night Drive_Inst.wav", None, "Night Drive", "instrumental", None, None, None, None),
    ];
    for (name, artist, title, alternate, kind, number, rate, bits) in rows {
        let guess = parse(name);
        let got = (
            guess.artist.as_deref(),
            guess.title.as_str(),
            guess.alternate.as_str(),
            guess.kind,
            guess.number,
            guess.rate_hz,
            guess.bits,
        );
        assert_eq!(got, (*artist, *title, *alternate, *kind, *number, *rate, *bits), "{name}");
    }
}

#[test]
fn the_names_of_mixes_are_read_with_their_aliases() {
    #[rustfmt::skip]
    let rows = [
        ("Main", "main"), ("Final", "main"), ("Full", "main"),
        ("VocUp05", "vocal-up+0.5"), ("VocalUp+1.0", "vocal-up+1.0"), ("VoxUp", "vocal-up+0.5"), ("VU", "vocal-up+0.5"),
        ("V+", "vocal-up+0.5"), ("VD1", "vocal-down-1.0"), ("vocal-down-1.0", "vocal-down-1.0"), ("Voc Up .5dB", "vocal-up+0.5"),
        ("BGVUp10", "bgv-up+1.0"), ("BGV Dn 0.5", "bgv-down-0.5"), ("BassDn05", "bass-down-0.5"), ("SoloUp15", "solo-up+1.5"),
        ("Inst", "instrumental"), ("INST", "instrumental"), ("TV", "tv"), ("TVTrack", "tv"), ("TV mix", "tv"), ("TV Trax", "tv"),
        ("TVLow", "tv-lowered"), ("tv-lowered", "tv-lowered"), ("Acap", "a-cappella"), ("ACappella", "a-cappella"), ("Acapella", "a-cappella"),
        ("a-cappella", "a-cappella"), ("Pella", "a-cappella"), ("LVOnly", "lead-vocal-only"), ("BGVOnly", "bgv-only"), ("Clean", "clean"),
        ("Radio", "clean"), ("Edited", "clean"), ("RadioEdit", "radio-edit"), ("Extended", "extended"), ("Cut60", "cut-60"),
        ("Com 30", "cut-30"), ("30 Sec", "cut-30"), ("cut-15", "cut-15"), ("Sting", "sting"), ("Underscore", "underscore"), ("Bumper", "bumper"),
        ("NoDrums", "no-drums"), ("No Drums", "no-drums"), ("Stem03", "stem-3"), ("Stem 12", "stem-12"), ("Ref", "limited"),
        ("Limited", "limited"), ("Unlim", "unlimited"), ("clean mix", "unlimited"), ("FlatMaster", "flat-master"), ("ProdMaster", "production-master"),
    ];
    for (word, token) in rows {
        assert!(is_token(token), "{token}");
        let guess = parse(&format!("Ana_NightDrive_{word}_v02.wav"));
        assert_eq!(guess.alternate, token, "{word}: {guess:?}");
        assert_eq!((guess.title.as_str(), guess.number), ("Night Drive", Some(2)), "{word}");
    }
}

#[test]
fn doubts_are_told_and_lower_the_confidence() {
    let sure = parse("Ana_NightDrive_VocUp05_v02_48k24b.wav");
    assert!(sure.doubts.is_empty() && sure.confidence > 0.9);
    for name in ["Ana_NightDrive_TV_v02.wav", "Ana_NightDrive_VocUp_v02.wav", "Night Drive Inst Acap.wav"] {
        let guess = parse(name);
        assert!(!guess.doubts.is_empty() && guess.confidence < sure.confidence, "{guess:?}");
    }
    assert!(parse("untitled.wav").confidence < 0.7);
}

#[test]
fn only_exact_tokens_are_tokens() {
    for token in ["vocal-up+0.5", "bgv-down-12.0", "cut-255", "stem-1", "main", "tv-lowered", "solo-up+24.0"]
    {
        assert!(is_token(token), "{token}");
    }
    for token in [
        "",
        "Main",
        "vocal-up+0.0",
        "vocal-up-0.5",
        "vocal-up+00.5",
        "vocal-up+24.1",
        "vocal-up+0.55",
        "cut-0",
        "cut-030",
        "stem-256",
        "vocal-up++1.0",
    ] {
        assert!(!is_token(token), "{token}");
    }
}

fn token() -> impl Strategy<Value = String> {
    let step = (prop::sample::select(vec!["vocal", "bgv", "bass", "solo"]), any::<bool>(), 1u32..=240)
        .prop_map(|(e, up, t)| format!("{e}-{}{}.{}", if up { "up+" } else { "down-" }, t / 10, t % 10));
    let plain = prop::sample::select(vec![
        "main",
        "instrumental",
        "tv",
        "tv-lowered",
        "a-cappella",
        "lead-vocal-only",
        "bgv-only",
        "clean",
        "radio-edit",
        "extended",
        "sting",
        "underscore",
        "bumper",
        "no-drums",
        "limited",
        "unlimited",
        "flat-master",
        "production-master",
    ])
    .prop_map(String::from);
    prop_oneof![
        step,
        plain,
        (1u8..=255).prop_map(|n| format!("cut-{n}")),
        (1u8..=255).prop_map(|n| format!("stem-{n}")),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        artist in "\\PC{0,40}", title in "\\PC{0,40}", alternate in token(), number in 1u32..2000, master: bool,
        rate_hz in prop::sample::select(vec![44_100u32, 48_000, 88_200, 96_000, 176_400, 192_000, 22_050]),
        bits in prop::sample::select(vec![0u32, 16, 24, 32]), engineer in prop::option::of("[A-Z]{1,4}"),
    ) {
        let engineer_text = engineer.clone().unwrap_or_default();
        let name = Name {
            artist: &artist, title: &title, alternate: &alternate, number, master, rate_hz, bits, float: bits == 32,
            engineer: &engineer_text, extension: "wav",
        };
        let built = name.build();
        prop_assert!(built.len() <= 120 && built.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{}", built);
        prop_assert!(!built.starts_with(['.', '_']) && built.matches('.').count() == 1);
        let guess = parse(&built);
        prop_assert_eq!(&guess.alternate, &alternate, "{}", built);
        prop_assert_eq!(guess.number, Some(number));
        prop_assert_eq!(guess.rate_hz, Some(rate_hz));
        prop_assert_eq!(guess.bits, (bits > 0).then_some(bits));
        prop_assert_eq!(&guess.engineer, &engineer);
        let again = Name { artist: guess.artist.as_deref().unwrap_or(""), title: &guess.title, ..name };
        prop_assert_eq!(again.build(), built);
    }

    #[test]
    fn no_name_breaks_the_reader(name in "\\PC{0,80}") {
        let guess = parse(&name);
        prop_assert!(is_token(&guess.alternate));
        prop_assert!((0.0..=1.0).contains(&guess.confidence));
    }
}
