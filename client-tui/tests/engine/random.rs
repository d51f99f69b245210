//! Any orders in any order, with any pages missing: what leaves is what the naive player says, frame by frame.

use std::sync::Arc;

use deadwax_client::play::{EngineOrder, Sound};
use proptest::prelude::*;

use crate::{
    kit::{Patchy, ask, noise, playing, side},
    naive::Naive,
};

const PAGE: usize = 500;
const LENGTHS: [usize; 2] = [12_000, 9_100];

#[derive(Clone, Debug)]
enum Step {
    Pull(usize),
    Play,
    Pause,
    Seek(usize),
    Loop(Option<(usize, usize)>),
    Switch(usize),
    Page(usize, usize, bool),
    AllHere,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..3_000).prop_map(Step::Pull),
        2 => (1usize..200).prop_map(Step::Pull),
        2 => Just(Step::Play),
        1 => Just(Step::Pause),
        2 => (0usize..13_000).prop_map(Step::Seek),
        2 => proptest::option::of((0usize..12_500, 0usize..4_000).prop_map(|(from, len)| (from, from + len)))
            .prop_map(Step::Loop),
        2 => (0usize..3).prop_map(Step::Switch),
        3 => (0usize..2, 0usize..18, any::<bool>()).prop_map(|(t, p, here)| Step::Page(t, p, here)),
        1 => Just(Step::AllHere),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_leaves_is_what_should(steps in proptest::collection::vec(step(), 1..40)) {
        let sounds: Vec<Arc<Patchy>> =
            LENGTHS.iter().enumerate().map(|(n, len)| Patchy::new(noise(*len, n as u64), PAGE)).collect();
        let mut naive = Naive::new(sounds.clone());
        let mut engine = playing(side(sounds.iter().map(|s| s.clone() as Arc<dyn Sound>).collect()), 0);
        for step in steps {
            match step {
                Step::Pull(count) => {
                    let wanted = naive.pull(count);
                    let mut out = vec![[9.0f32; 2]; count];
                    engine.pull(&mut out);
                    for (i, (out, wanted)) in out.iter().zip(&wanted).enumerate() {
                        for side in 0..2 {
                            let off = (f64::from(out[side]) - wanted[side]).abs();
                            prop_assert!(off < 2e-6, "frame {i} is {out:?}, not {wanted:?}");
                            // Never louder than the source, however the orders fall.
                            prop_assert!(out[side].abs() <= 1.0 + 1e-6);
                        }
                    }
                }
                Step::Play => { ask(&mut engine, EngineOrder::Play); naive.play(); }
                Step::Pause => { ask(&mut engine, EngineOrder::Pause); naive.pause(); }
                Step::Seek(at) => { ask(&mut engine, EngineOrder::Seek { at: at as u64 }); naive.seek(at); }
                Step::Loop(range) => {
                    let wide = range.map(|(from, to)| (from as u64, to as u64));
                    ask(&mut engine, EngineOrder::Loop(wide));
                    naive.set_loop(range);
                }
                Step::Switch(track) => { ask(&mut engine, EngineOrder::Switch(track)); naive.switch(track); }
                Step::Page(track, page, here) => sounds[track].set(page, here),
                Step::AllHere => {
                    for (sound, len) in sounds.iter().zip(LENGTHS) {
                        (0..len.div_ceil(PAGE)).for_each(|page| sound.set(page, true));
                    }
                }
            }
            let now = engine.now();
            let told = (now.at, now.playing, now.waiting, now.underruns);
            prop_assert_eq!(told, (naive.at as u64, naive.playing, naive.playing && naive.waiting, naive.underruns));
        }
        let mut heard = Vec::new();
        engine.take_heard(&mut heard);
        let mut marks: Vec<Vec<bool>> = LENGTHS.iter().map(|len| vec![false; *len]).collect();
        for range in heard {
            marks[range.track][range.from as usize..range.to as usize].fill(true);
        }
        prop_assert!(marks == naive.heard, "what was heard differs");
    }
}
