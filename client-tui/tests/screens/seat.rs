//! A person at a terminal that is not there: presses keys, reads the screen, and answers for the server.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_client::tui::{self, Effect, Model, Msg, signing::Key};
use deadwax_proto::v1::{Row, Update};
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{CrosstermBackend, TestBackend},
    buffer::Buffer,
    layout::Rect,
};

use crate::sample::{self, NOW_MS, Names};

pub struct Seat {
    pub model: Model,
    pub effects: Vec<Effect>,
}

impl Seat {
    pub fn new(size: (u16, u16)) -> Seat {
        Seat { model: Model::new(size, NOW_MS, 7), effects: Vec::new() }
    }

    /// Connected, with desk, rows and picture: what a person sees a second after the start.
    pub fn sample(size: (u16, u16), me: usize, names: Names) -> Seat {
        let mut seat = Seat::new(size);
        seat.connect(me, names);
        seat.tell(Msg::Desk(sample::desk(names)));
        seat.press("2<enter>");
        seat.rows(true, sample::rows(me, names));
        seat.press("1");
        seat
    }

    pub fn connect(&mut self, me: usize, names: Names) {
        self.tell(Msg::Connected {
            me: sample::person(me, names),
            studio: "Studio Nord".into(),
            projects: vec![sample::summary(me, names)],
        });
    }

    pub fn rows(&mut self, snapshot: bool, upserts: Vec<Row>) {
        let seq = self.model.projects.get("P").map_or(40, |it| it.seq + 1);
        let update = Update { seq, snapshot, upserts, removals: Vec::new() };
        self.tell(Msg::Rows { project_id: "P".into(), update });
    }

    pub fn tell(&mut self, msg: Msg) {
        let effects = tui::update(&mut self.model, msg);
        self.effects.extend(effects);
    }

    /// Text as keys, names in angle brackets: "n too loud<enter>". The screen is drawn after each key, as it is for a person who reads.
    pub fn press(&mut self, keys: &str) {
        for event in parse(keys) {
            self.typed(event);
            self.tell(Msg::Shown);
        }
    }

    /// Keys that all came before the next frame: typed ahead.
    pub fn press_unseen(&mut self, keys: &str) {
        for event in parse(keys) {
            self.typed(event);
        }
    }

    /// Where a test says nothing of keys, the search for one has found none before somebody answers.
    fn typed(&mut self, event: KeyEvent) {
        let unsaid = self.model.signing.key == Key::Unknown;
        if unsaid && matches!(event.code, KeyCode::Char('y') | KeyCode::Enter) {
            self.model.signing.key = Key::None;
        }
        self.tell(Msg::Key(event));
        if unsaid {
            self.model.signing.key = Key::Unknown;
        }
    }

    /// A yes that comes before it is known which key there is.
    pub fn yes_at_once(&mut self) {
        self.tell(Msg::Key(KeyEvent::from(KeyCode::Char('y'))));
    }

    /// Answers the newest question for a picture.
    pub fn answer_wave(&mut self) {
        let ask = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Waveform(ask) => Some(ask.clone()),
            _ => None,
        });
        let ask = ask.expect("a picture was asked for");
        self.tell(Msg::Waveform { ticket: ask.ticket, outcome: Ok(sample::wave(ask.columns)) });
    }

    pub fn screen(&self) -> String {
        let terminal = self.terminal();
        let buffer = terminal.backend().buffer();
        let columns = usize::from(self.model.size.0);
        let line = |cells: &[ratatui::buffer::Cell]| {
            let mut line = String::new();
            let mut at = 0;
            // A wide character covers the cell after it.
            while let Some(cell) = cells.get(at) {
                line.push_str(cell.symbol());
                at += unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            line.trim_end().to_owned()
        };
        buffer.content().chunks(columns).map(line).collect::<Vec<_>>().join("\n")
    }

    pub fn terminal(&self) -> Terminal<TestBackend> {
        let (columns, rows) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| tui::draw(&self.model, frame)).unwrap();
        terminal
    }

    /// The screen, and every byte that a terminal would be sent for it by the backend that the client draws with.
    pub fn sent_to_terminal(&self) -> (Buffer, Vec<u8>) {
        let (mut sink, (columns, rows)) = (Vec::new(), self.model.size);
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let options = TerminalOptions { viewport };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(&mut sink), options).unwrap();
        let cells = terminal.draw(|frame| tui::draw(&self.model, frame)).unwrap().buffer.clone();
        drop(terminal);
        (cells, sink)
    }

    /// What was sent to the server since the last look.
    pub fn sent(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
            .into_iter()
            .filter(|effect| matches!(effect, Effect::Perform { .. }))
            .collect()
    }
}

fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut events = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some(end) = rest.find('>')
        {
            events.push(named(&rest[1..end]));
            rest = &rest[end + 1..];
        } else {
            events.push(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            rest = &rest[c.len_utf8()..];
        }
    }
    events
}

fn named(name: &str) -> KeyEvent {
    if let Some(c) = name.strip_prefix("c-") {
        return KeyEvent::new(KeyCode::Char(c.chars().next().unwrap()), KeyModifiers::CONTROL);
    }
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pagedown" => KeyCode::PageDown,
        "delete" => KeyCode::Delete,
        "backspace" => KeyCode::Backspace,
        "f5" => KeyCode::F(5),
        other => panic!("no key {other}"),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
