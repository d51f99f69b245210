//! probe
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]
use deadwax_dsp::processors::{analogue::Analogue, matched};
fn dev(a: &Analogue, rate: u32) -> (f64, usize, f64) {
    let s = matched::sections(a, rate);
    let mut worst = (0.0f64, 0.0);
    let top = 0.4535 * rate as f64;
    for i in 0..2000 {
        let hz = 10.0 * (top / 10.0f64).powf(i as f64 / 1999.0);
        let want = 10.0 * a.power(hz).log10();
        let got: f64 = s.iter().map(|c| c.response_db(rate, hz)).sum();
        let d = (got - want).abs() * if want < -12.0 { 10f64.powf((want + 12.0) / 40.0) } else { 1.0 };
        if d > worst.0 { worst = (d, hz); }
    }
    (worst.0, s.len(), worst.1)
}
#[test]
fn probe() {
    let start = std::time::Instant::now();
    let mut n = 0;
    for rate in [44_100u32, 96_000] {
    for hz in [20.0, 100.0, 500.0, 3000.0, 8000.0, 12000.0, 16000.0, 19000.0, 20000.0, 21500.0, 24000.0, 30000.0, 40000.0] {
        for q in [0.1, 0.3, 0.71, 2.0, 6.0, 30.0] {
            for g in [24.0, -24.0, 12.0, 3.0, 0.1] {
                n += 3;
                for (name, a) in [("bell", Analogue::bell(hz, g, q)), ("ls", Analogue::low_shelf(hz, g, q)), ("hs", Analogue::high_shelf(hz, g, q))] {
                    let (d, s, at) = dev(&a, rate);
                    if d > 0.04 || !d.is_finite() || s > 1 && g == 3.0 { println!("{rate} {name} {hz} {q} {g}: {d:.4} at {at:.0} with {s}"); }
                }
            }
        }
        for g in [12.0, -24.0, 3.0] { let (d, s, at) = dev(&Analogue::tilt(hz, g), rate); if d > 0.04 || s > 1 { println!("{rate} tilt {hz} {g}: {d:.4} at {at:.0} with {s}"); } }
        for order in 1..=8 {
            for q in [0.5, 0.7071, 2.0] {
            for (name, all) in [("lc", Analogue::low_cut(hz, order, q)), ("hc", Analogue::high_cut(hz, order, q))] {
                for a in all { let (d, s, at) = dev(&a, rate); if d > 0.04 || s > 1 && order < 3 { println!("{rate} {name} {hz} {order} {q}: {d:.4} at {at:.0} with {s}"); } }
            }}
        }
    }}
    println!("{n} in {:?}", start.elapsed());
}
