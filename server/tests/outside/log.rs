//! The log of this process at its most talkative, for every module that looks into it: a process has one. Never here: what must not stand in it.

use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock},
};

use deadwax_server::{
    config::{Log, LogFormat, LogLevel},
    telemetry,
};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that the log said.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// From the first call on.
    pub fn heard() -> Said {
        static HEARD: OnceLock<Said> = OnceLock::new();
        let install = || {
            let said = Said::default();
            let loudest = Log { format: LogFormat::Json, level: LogLevel::Trace };
            tracing::subscriber::set_global_default(telemetry::subscriber(&loudest, said.clone())).unwrap();
            said
        };
        HEARD.get_or_init(install).clone()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Said;

    fn make_writer(&'a self) -> Said {
        self.clone()
    }
}
