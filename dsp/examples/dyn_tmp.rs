use deadwax_dsp::{Block, processors::{*, compressor::*, multiband::EdgeHz}};
fn main() {
    let what = std::env::args().nth(1).unwrap();
    let plain = CompressorStep {
        makeup_db: MakeupDb::at(1.5),
        key_low_cut_hz: Some(KeyHz::at(90.0)),
        ..CompressorStep::new(ThresholdDb::at(-18.0), Ratio::at(2.0))
    };
    let mb = |edges: &[f64], crossover| -> Box<dyn Processor> {
        let band = BandStep { threshold_db: Some(ThresholdDb::at(-30.0)), ..BandStep::default() };
        Box::new(Multiband::new(MultibandStep {
            edges_hz: edges.iter().map(|hz| EdgeHz::at(*hz)).collect(), crossover,
            lookahead_ms: LookaheadMs::at(0.0), band: vec![band; edges.len() + 1] }))
    };
    let mut p: Box<dyn Processor> = match what.as_str() {
        "plain" => Box::new(Compressor::new(plain)),
        "nokey" => Box::new(Compressor::new(CompressorStep { key_low_cut_hz: None, ..plain })),
        "two" => Box::new(Compressor::new(CompressorStep { key_low_cut_hz: None, slow_release_ms: Some(SlowReleaseMs::at(800.0)), ..plain })),
        "ahead" => Box::new(Compressor::new(CompressorStep { key_low_cut_hz: None, lookahead_ms: LookaheadMs::at(5.0), ..plain })),
        "lr4" => mb(&[250.0, 800.0, 2500.0], Crossover::LinkwitzRiley),
        "lr2" => mb(&[800.0], Crossover::LinkwitzRiley),
        "lr6" => mb(&[90.0, 250.0, 800.0, 2500.0, 7000.0], Crossover::LinkwitzRiley),
        "lin4" => mb(&[250.0, 800.0, 2500.0], Crossover::LinearPhase),
        _ => panic!(),
    };
    p.prepare(44100, 2).unwrap();
    let mut noise = 0x9E37_79B9_7F4A_7C15u64;
    let mut src = Block::new(2, 8192);
    for s in src.channels.iter_mut().flatten() {
        noise ^= noise << 13; noise ^= noise >> 7; noise ^= noise << 17;
        *s = 0.5 * ((noise >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
    }
    let follow = std::env::args().nth(2).is_some();
    let mut q = p.clone();
    let mut b = src.clone();
    let mut c = Control::default();
    let n = 1600; // 297 s
    let start = std::time::Instant::now();
    for k in 0..n {
        for (x, y) in b.channels.iter_mut().zip(&src.channels) { x.copy_from_slice(y); }
        c.clear();
        if !follow || k == 0 { p.process(&mut b, &mut c).unwrap(); }
        if follow { q.follow(&mut b, &c).unwrap(); }
    }
    let ns = start.elapsed().as_nanos() as f64 / (n as f64 * 8192.0);
    println!("{what}: {ns:.2} ns a frame");
}
