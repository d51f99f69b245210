//! What leaves the page is what lies in the file: the output of its graph is caught sample by sample and held against the copy for listening, through the joints of pieces
//! and through a switch between two versions.

use std::path::Path;

use deadwax_dsp::{Block, Flow, Source, listening};
use deadwax_tests::{
    browser::{self, Tab, unbase64},
    demo::{self, Studio},
};

use super::world::{two_mixes, unharmed, world};

/// Stands beside what is connected to the loudspeaker and writes down all that passes, with the number of its first sample.
const TAP: &str = r"
(() => {
  const code = `registerProcessor('tap', class extends AudioWorkletProcessor {
    process([input]) {
      const left = input[0] ?? new Float32Array(128);
      this.port.postMessage([currentFrame, left.slice(), (input[1] ?? left).slice()]);
      return true;
    }
  })`;
  window.caught = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const context = this.context;
      context.audioWorklet.addModule('data:text/javascript,' + encodeURIComponent(code)).then(() => {
        const tap = new AudioWorkletNode(context, 'tap', { numberOfOutputs: 0 });
        tap.port.onmessage = ({ data }) => window.caught.push(data);
        window.tapped = context.sampleRate;
        connect.call(this, tap);
      });
    }
    return connect.call(this, to, ...rest);
  };
  window.give = () => {
    // The first one comes before the graph runs as a whole.
    const blocks = window.caught.slice(1);
    window.caught = [];
    const all = new Float32Array(blocks.length * 256);
    blocks.forEach(([frame, left, right], at) => {
      if (at > 0 && frame !== blocks[at - 1][0] + 128) throw new Error('a block is missing at ' + frame);
      for (let i = 0; i < 128; i++) { all[at * 256 + 2 * i] = left[i]; all[at * 256 + 2 * i + 1] = right[i]; }
    });
    const bytes = new Uint8Array(all.buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 8190) text += btoa(String.fromCharCode(...bytes.subarray(at, at + 8190)));
    return text;
  };
})();
";

type Stereo = Vec<[f64; 2]>;

/// `None` where a block is missing: the machine was too busy to render it in time.
fn caught(tab: &Tab) -> Option<Stereo> {
    let text = tab.run("window.give()").ok()?;
    let bytes = unbase64(text.as_str().unwrap()).unwrap();
    let sample = |four: &[u8]| f64::from(f32::from_le_bytes(four.try_into().unwrap()));
    Some(bytes.chunks_exact(8).map(|both| [sample(&both[..4]), sample(&both[4..])]).collect())
}

/// Mix 2 for seven seconds, over more than three joints of pieces, then Mix 1, from the page as it is when it was just opened.
fn listen(tab: &Tab) -> Option<Stereo> {
    tab.run("history.replaceState(null, '', location.hash.replace(/\\/v\\/.*/, ''))").unwrap();
    tab.reload().unwrap();
    tab.press("Play").unwrap();
    tab.wait("window.tapped", "the tap").unwrap();
    assert_eq!(tab.run("window.tapped").unwrap(), 48_000, "the context has the rate of the file");
    let until = |time: &str| {
        let is = format!("document.querySelector('.transport .clock').innerText.split(' ')[0] > '{time}'");
        tab.wait(&is, time).unwrap();
    };
    until("0:07.0");
    tab.press_on(".takes button:nth-child(2)").unwrap();
    tab.wait("document.querySelector('.takes [aria-checked=true]').innerText.includes('Mix 1')", "Mix 1")
        .unwrap();
    until("0:11.0");
    tab.press("Pause").unwrap();
    caught(tab)
}

/// The copy for listening of a mix, made and decoded here, and what the file measures.
fn copy(on: &Studio, number: u64, folder: &Path) -> (Stereo, f64) {
    let row = demo::cast::version(&on.cast.mixer, "mix", number).unwrap();
    let main = &row["files"][0];
    let pulled = folder.join(format!("pulled {number}"));
    on.cast.mixer.verb(["pull", pulled.to_str().unwrap(), "--version", &format!("mix {number}")]).unwrap();
    let file = pulled.join(main["name"].as_str().unwrap());
    let mp3 = folder.join(format!("{number}.mp3"));
    listening::copy(&file, &mp3, &mut || Flow::Go).unwrap();
    let mut source = Source::open(&mp3).unwrap();
    let (mut all, mut block) = (Stereo::new(), Block::default());
    while source.read(&mut block, 1 << 14).unwrap() > 0 {
        all.extend((0..block.frames()).map(|at| [block.channels[0][at], block.channels[1][at]]));
    }
    (all, main["facts"]["integrated_lufs"].as_f64().unwrap())
}

/// Where in the copy a stretch of what was caught lies: the place with the greatest likeness.
fn place(heard: &[[f64; 2]], of: &[[f64; 2]]) -> usize {
    let likeness = |at: usize| -> f64 {
        let pairs = heard.iter().step_by(3).zip(of[at..].iter().step_by(3));
        pairs.map(|(a, b)| (a[0] - b[0]).powi(2)).sum()
    };
    let (coarse, _) =
        (0..of.len() - heard.len()).map(|at| (at, likeness(at))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    coarse
}

fn furthest(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    a.iter().zip(b).flat_map(|(a, b)| [(a[0] - b[0]).abs(), (a[1] - b[1]).abs()]).fold(0.0, f64::max)
}

fn scaled(of: &[[f64; 2]], gain_db: f64) -> Stereo {
    let gain = 10f64.powf(gain_db / 20.0);
    of.iter().map(|frame| frame.map(|sample| sample * gain)).collect()
}

/// Two decoders of the same frames agree to this; a sample too early, a joint or a click lies far above it.
const SAME: f64 = 2e-4;

#[test]
fn what_sounds_is_the_file_to_the_sample_and_a_switch_is_a_ramp_at_the_same_place() {
    let Some(world) = world(&two_mixes()) else { return };
    let on = &world.on;
    let (first, first_lufs) = copy(on, 1, world.root.path());
    let (second, second_lufs) = copy(on, 2, world.root.path());
    let quietest = quietest(on);
    let (first, second) = (scaled(&first, quietest - first_lufs), scaled(&second, quietest - second_lufs));

    let tab = world.browser.tab(browser::DESKTOP).unwrap();
    tab.ask("Page.setBypassCSP", serde_json::json!({ "enabled": true })).unwrap();
    tab.before_each_page(TAP).unwrap();
    world.come_in(&tab, &on.cast.label);
    world.open_song(&tab);
    let heard = (0..4).find_map(|_| listen(&tab)).expect("a machine that is not too busy to hear all of it");
    unharmed(&tab);

    // A second and a half of music after the silence in front, and from it the place of everything else.
    let rate = 48_000;
    let loud = heard.iter().position(|frame| frame[0].abs() > 0.02).unwrap();
    let probe = loud + rate / 2;
    let at = place(&heard[probe..probe + 4096], &second);
    let shift = at as i64 - probe as i64;
    let of = |all: &[[f64; 2]], from: usize, to: usize| -> Stereo {
        (from..to).map(|n| all[usize::try_from(n as i64 + shift).unwrap()]).collect()
    };
    // Up to the switch it is Mix 2.
    let until =
        (loud..heard.len()).find(|n| furthest(&heard[*n..=*n], &of(&second, *n, *n + 1)) > SAME).unwrap();
    assert!(until - loud > 5 * rate, "{} s of Mix 2 were the file", (until - loud) / rate);
    // Then 5 ms of both, then Mix 1 at the same place.
    let ramp = rate / 200;
    let begins = (until.saturating_sub(ramp)..=until)
        .min_by(|a, b| {
            let off = |begins: usize| {
                let both = blend(&of(&second, begins, begins + ramp), &of(&first, begins, begins + ramp));
                furthest(&heard[begins..begins + ramp], &both)
            };
            off(*a).total_cmp(&off(*b))
        })
        .unwrap();
    let both = blend(&of(&second, begins, begins + ramp), &of(&first, begins, begins + ramp));
    let off = furthest(&heard[begins..begins + ramp], &both);
    assert!(off < SAME, "the ramp is straight and without a click: {off}");
    let after = begins + ramp;
    let off = furthest(&heard[after..after + 2 * rate], &of(&first, after, after + 2 * rate));
    assert!(off < SAME, "Mix 1 goes on where Mix 2 was: {off}");
    println!(
        "Mix 2 for {:.2} s, the ramp at {begins}, Mix 1 for 2 s: within {SAME}",
        (until - loud) as f64 / rate as f64
    );
}

/// Of all that can be switched to; what holds parts of the song alone is not turned up to the whole.
fn quietest(on: &Studio) -> f64 {
    let rows = demo::cast::rows(&on.cast.label).unwrap();
    let files =
        rows.values().filter(|row| row["row"] == "version").flat_map(|row| row["files"].as_array().unwrap());
    let whole = files.filter(|file| file["alternate"] != "a-cappella");
    whole.map(|file| file["facts"]["integrated_lufs"].as_f64().unwrap()).fold(0.0, f64::min)
}

fn blend(from: &[[f64; 2]], to: &[[f64; 2]]) -> Stereo {
    let frames = from.len() as f64;
    let mix = |at: usize, channel: usize| {
        let part = at as f64 / frames;
        from[at][channel] * (1.0 - part) + to[at][channel] * part
    };
    (0..from.len()).map(|at| [mix(at, 0), mix(at, 1)]).collect()
}
