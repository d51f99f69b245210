//! The speed tables: whole processes on the same files, taken in turn, the median of several runs, CPU time in ratios. Never here: quality.

use anyhow::Result;

use super::{
    Setting,
    analyse::median,
    material::{self, Track},
    process::{self, Cost},
    table::{Bars, Table},
    tools::{self, OUR_CHAIN, OURS, Peer, Task},
};

/// One row before it is a row.
struct Runner<'a> {
    name: String,
    act: Box<dyn Fn() -> Result<Cost> + 'a>,
    costs: Vec<Cost>,
}

impl Runner<'_> {
    fn median(&self, figure: impl Fn(&Cost) -> f64) -> f64 {
        median(&self.costs.iter().map(figure).collect::<Vec<_>>())
    }

    fn cpu_s(&self) -> f64 {
        self.median(|cost| cost.cpu_s)
    }
}

/// One comparison: ours and the peers on one file.
pub struct Contest<'a> {
    title: &'a str,
    about: String,
    seconds: f64,
    runners: Vec<Runner<'a>>,
    absent: Vec<Peer>,
}

impl<'a> Contest<'a> {
    pub fn new(title: &'a str, about: &str, track: &Track) -> Self {
        let about = format!("{about} {}, {:.0} s.", track.name, track.seconds);
        Contest { title, about, seconds: track.seconds, runners: Vec::new(), absent: Vec::new() }
    }

    pub fn ours(&mut self, name: &str, words: String) {
        let act = move || Ok(process::run(&tools::own(&words)?)?.0);
        self.runners.push(Runner { name: format!("{OURS} {name}"), act: Box::new(act), costs: Vec::new() });
    }

    pub fn peers(&mut self, peers: &[Peer], task: &'a Task<'a>, setting: &Setting) -> Result<()> {
        let (present, absent) = setting.present(peers)?;
        self.absent.extend(absent);
        for peer in present {
            let act = move || (peer.act)(task);
            self.runners.push(Runner { name: peer.name.into(), act: Box::new(act), costs: Vec::new() });
        }
        Ok(())
    }

    /// In turn, so that whatever else the machine does falls on all alike.
    pub fn run(mut self, runs: usize, extra: &mut dyn FnMut(&str) -> String) -> Result<Ran> {
        for _ in 0..runs {
            for runner in &mut self.runners {
                let cost = (runner.act)()?;
                runner.costs.push(cost);
            }
        }
        let head = ["", "CPU s", "x real time", "wall s", "memory MB", "CPU / ours", ""];
        let mut table = Table::new(self.title, &self.about, &head);
        let own = self.runners[0].cpu_s();
        for runner in &self.runners {
            table.row(vec![
                runner.name.clone(),
                format!("{:.3}", runner.cpu_s()),
                format!("{:.0}", self.seconds / runner.cpu_s()),
                format!("{:.3}", runner.median(|cost| cost.wall_s)),
                format!("{:.0}", runner.median(|cost| cost.memory_mb)),
                format!("{:.2}", runner.cpu_s() / own),
                extra(&runner.name),
            ]);
        }
        table.skipped(&self.absent);
        let cpu = self.runners.iter().map(|r| (r.name.clone(), r.cpu_s())).collect();
        let memory_mb = self.runners[0].median(|cost| cost.memory_mb);
        Ok(Ran { table, cpu, memory_mb })
    }
}

pub struct Ran {
    pub table: Table,
    /// Name and CPU seconds, ours first.
    pub cpu: Vec<(String, f64)>,
    memory_mb: f64,
}

impl Ran {
    /// How many times our CPU time the cheapest of those takes whose name holds one of `words`.
    fn times(&self, words: &[&str]) -> Option<f64> {
        let own = self.cpu[0].1;
        let of_them = self.cpu[1..].iter().filter(|(name, _)| words.iter().any(|word| name.contains(word)));
        of_them.map(|(_, cpu)| cpu / own).reduce(f64::min)
    }

    pub fn judge(&self, bars: &mut Bars, what: &str, words: &[&str], bar: f64) {
        if let Some(times) = self.times(words) {
            bars.times(what, times, bar);
        }
    }

    pub fn judge_memory(&self, bars: &mut Bars, what: &str) {
        let found = self.memory_mb;
        bars.add(format!("{what}, memory: at most 50 MB"), format!("{found:.0} MB"), found <= 50.0, true);
    }
}

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let song = material::song(&setting.songs, &setting.folder)?;
    let input = song.file.display().to_string();
    let out = |name: &str| setting.folder.join(name);
    let task = Task {
        input: &song.file,
        output: out("peer.wav"),
        rate: 44_100,
        gain_db: 6.0,
        target_lufs: -14.0,
        ceiling_dbtp: -1.0,
    };
    let rate = super::wav::read(&song.file)?.rate;
    let task = Task { rate, ..task };
    let none = &mut |_: &str| String::new();
    let mut tables = Vec::new();

    let about = "Integrated, range, greatest momentary and short-term, true peak; 24-bit WAV.";
    let mut contest = Contest::new("Measuring", about, &song);
    contest.ours("the meter alone", format!("measure {input}"));
    contest.ours("whole report: digest, inspection, overview", format!("report {input}"));
    contest.peers(tools::MEASURING, &task, setting)?;
    let ran = contest.run(setting.runs, none)?;
    ran.judge(bars, "measuring against the best of ffmpeg and loudgain", &["peak=true", "loudgain"], 6.0);
    ran.judge_memory(bars, "measuring");
    tables.push(ran.table);

    let mut contest = Contest::new("Decode, limit, encode", "6 dB of gain into -1 dBTP; 24-bit WAV.", &song);
    contest.ours("limiter", format!("limit {input} {} 6 -1", out("own.wav").display()));
    contest.peers(tools::LIMITING, &task, setting)?;
    let ran = contest.run(setting.runs, none)?;
    ran.judge(bars, "limiting against x42 dpl", &["x42 dpl"], 5.0);
    ran.judge_memory(bars, "limiting");
    tables.push(ran.table);

    tables.push(mastering(setting, &song, &task, bars)?);
    tables.push(resampling(setting, &song, bars)?);
    tables.push(encoding(setting, &song, &task, bars)?);

    let mut contest = Contest::new("Overview of the wave", "24-bit WAV.", &song);
    contest.ours("overview alone", format!("waveform {input} {}", out("own.peaks").display()));
    contest.peers(tools::DRAWING, &task, setting)?;
    tables.push(contest.run(setting.runs, none)?.table);
    Ok(tables)
}

fn mastering(setting: &Setting, song: &Track, task: &Task<'_>, bars: &mut Bars) -> Result<Table> {
    let about = "Decode, high-pass, four bands, compressor, limiter, 24-bit WAV; ours meets the target, holds the ceiling, measures \
        the file again with two meters and names it by its digest.";
    let mut contest = Contest::new("The whole master", about, song);
    for target in [-14, -9] {
        let recipe = setting.folder.join(format!("master{target}.toml"));
        let text = format!("target_lufs = {target}.0\nceiling_dbtp = -1.0\n{OUR_CHAIN}\n[limiter]\n");
        std::fs::write(&recipe, text)?;
        let words = format!(
            "master {} {} {}",
            song.file.display(),
            setting.folder.join("own.wav").display(),
            recipe.display()
        );
        contest.ours(&format!("to {target} LUFS"), words);
    }
    contest.peers(tools::MASTERING, task, setting)?;
    let ran = contest.run(setting.runs, &mut |_| String::new())?;
    ran.judge(bars, "the master against ffmpeg's chain with two-pass loudnorm", &["loudnorm"], 12.0);
    ran.judge(bars, "the master against ffmpeg's chain with the 4x alimiter", &["4x soxr"], 4.0);
    ran.judge_memory(bars, "the master");
    Ok(ran.table)
}

fn resampling(setting: &Setting, song: &Track, bars: &mut Bars) -> Result<Table> {
    let high = material::at_rate(song, 96_000, 120.0, &setting.folder)?;
    let task = Task {
        input: &high.file,
        output: setting.folder.join("peer.wav"),
        rate: 44_100,
        gain_db: 0.0,
        target_lufs: -14.0,
        ceiling_dbtp: -1.0,
    };
    let own = setting.folder.join("own.wav");
    let mut contest = Contest::new("96 kHz to 44.1 kHz", "24-bit WAV to 24-bit WAV.", &high);
    contest.ours("linear phase", format!("resample {} {} 44100", high.file.display(), own.display()));
    contest.peers(tools::RESAMPLING, &task, setting)?;
    let ran = contest.run(setting.runs, &mut |_| String::new())?;
    ran.judge(bars, "resampling against ffmpeg's soxr", &["ffmpeg soxr"], 1.5);
    ran.judge_memory(bars, "resampling");
    Ok(ran.table)
}

fn encoding(setting: &Setting, song: &Track, task: &Task<'_>, bars: &mut Bars) -> Result<Table> {
    let own = setting.folder.join("own.flac");
    let task = Task { output: setting.folder.join("peer.flac"), ..task.clone() };
    let mut contest = Contest::new("FLAC", "24-bit WAV to 24-bit FLAC.", song);
    contest.ours("", format!("encode {} {} flac24", song.file.display(), own.display()));
    contest.peers(tools::ENCODING, &task, setting)?;
    let mut sizes = Vec::new();
    for runner in &contest.runners {
        (runner.act)()?;
        let file = if runner.name.starts_with(OURS) { &own } else { &task.output };
        sizes.push((runner.name.clone(), std::fs::metadata(file)?.len()));
    }
    let size = |name: &str| sizes.iter().find(|(other, _)| other == name).map_or(0, |(_, bytes)| *bytes);
    let ran = contest.run(setting.runs, &mut |name| format!("{:.2} MB", size(name) as f64 / 1e6))?;
    ran.judge(bars, "FLAC against flac -8, CPU", &["flac -8"], 1.0);
    let (own_bytes, dense) = (size(&sizes[0].0), size("flac -8"));
    if dense > 0 {
        let ratio = own_bytes as f64 / dense as f64;
        bars.at_most("FLAC, bytes to those of flac -8", ratio, 1.003, "times");
    }
    Ok(ran.table)
}
