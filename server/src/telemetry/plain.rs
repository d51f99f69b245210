//! The last step of the log: an event is one line, and what a terminal would obey leaves as an escape, whatever stood in a value of ours or of a library. Never here:
//! what is told.

use std::io::{self, Write};

use deadwax_domain::text::misleading;
use tracing_subscriber::fmt::MakeWriter;

/// Before `W`. `colours`: the library's own sequences stay; it escapes those of values itself.
pub struct Plain<W> {
    pub into: W,
    pub colours: bool,
}

pub struct Line<W> {
    into: W,
    colours: bool,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Plain<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { into: self.into.make_writer(), colours: self.colours }
    }

    fn make_writer_for(&'a self, about: &tracing::Metadata<'_>) -> Self::Writer {
        Line { into: self.into.make_writer_for(about), colours: self.colours }
    }
}

impl<W: Write> Write for Line<W> {
    /// The library hands over one event at a time, with the end of its line.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.into.write_all(plain(&text, self.colours).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// Escapes as in JSON, so that a line of JSON stays one.
fn plain(event: &str, colours: bool) -> String {
    let (text, end) = event.strip_suffix('\n').map_or((event, ""), |text| (text, "\n"));
    let mut line = String::with_capacity(event.len());
    for c in text.chars() {
        match c {
            '\u{1b}' if colours => line.push(c),
            c if misleading(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    line += &format!("\\u{unit:04x}");
                }
            }
            c => line.push(c),
        }
    }
    line + end
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        config::{Log, LogFormat, LogLevel},
        telemetry::subscriber,
    };

    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_is_one_line_of_plain_text_in_either_form() {
        let hostile = "a\u{1b}]0;x\u{7}b\u{9b}31mc\nd\r\u{202e}e\u{e0041}f";
        for format in [LogFormat::Json, LogFormat::Text] {
            let said = Said::default();
            let heard = said.clone();
            let log = Log { format, level: LogLevel::Info };
            let subscriber = subscriber(&log, move || heard.clone());
            tracing::subscriber::with_default(subscriber, || {
                tracing::warn!(error = %hostile, other = ?hostile, "told of {hostile}");
            });
            let text = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
            let line = text.strip_suffix('\n').unwrap();
            assert!(line.contains("told of a") && !line.chars().any(misleading), "{format:?}: {line:?}");
            if format == LogFormat::Json {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["error"], hostile, "nothing is lost");
            }
        }
    }

    #[test]
    fn colours_of_the_library_stay_and_the_end_of_the_line_too() {
        assert_eq!(plain("\u{1b}[2mnow\u{1b}[0m a\nb\n", true), "\u{1b}[2mnow\u{1b}[0m a\\u000ab\n");
        assert_eq!(plain("no end \u{7}", false), "no end \\u0007");
    }
}
