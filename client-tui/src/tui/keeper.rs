//! Writing to disk, one order after the other, on a thread of its own: a slow disk holds up neither keys nor the network. The thread
//! starts with the first order and ends with the client, after the last. Never here: what is kept and when.

use std::{
    io,
    sync::mpsc::{self, Sender},
    thread::{self, JoinHandle},
};

use super::msg::Msg;
use crate::cache::rows::Kept;

type Order = Box<dyn FnOnce(&Kept) -> io::Result<()> + Send>;

pub(super) struct Keeper {
    kept: Kept,
    out: tokio::sync::mpsc::Sender<Msg>,
    line: Option<(Sender<Order>, JoinHandle<()>)>,
}

impl Keeper {
    pub(super) fn new(kept: Kept, out: tokio::sync::mpsc::Sender<Msg>) -> Keeper {
        Keeper { kept, out, line: None }
    }

    pub(super) fn order(&mut self, order: impl FnOnce(&Kept) -> io::Result<()> + Send + 'static) {
        let (kept, out) = (&self.kept, &self.out);
        let (line, _) = self.line.get_or_insert_with(|| {
            let (kept, out) = (kept.clone(), out.clone());
            let (line, orders) = mpsc::channel::<Order>();
            let work = move || {
                for order in orders {
                    if let Err(error) = order(&kept) {
                        // Where nobody listens any more nobody needs to hear it.
                        drop(out.try_send(Msg::NotKept { why: error.to_string() }));
                    }
                }
            };
            (line, thread::spawn(work))
        });
        // The thread ends only with the line, or in a panic that was shown already.
        drop(line.send(Box::new(order)));
    }

    /// Everything ordered is on disk, or could not be written.
    pub(super) fn finish(&mut self) {
        if let Some((line, thread)) = self.line.take() {
            drop(line);
            drop(thread.join());
        }
    }
}
