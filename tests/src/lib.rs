//! What the tests and the demo share: a song, a server to run, people to play, a server simulated, and the judge of what was seen of either. Never here: a rule of the studio.

pub mod browser;
pub mod demo;
pub mod ep;
pub mod evidence;
pub mod harm;
pub mod harness;
pub mod history;
pub mod line;
pub mod load;
pub mod lp;
pub mod pane;
pub mod planted;
pub mod program;
pub mod scale;
pub mod sim;
pub mod sink;
pub mod song;
pub mod terminal;
pub mod usage;

// What `scale::cluster` asks of the crate that it stands in.
use deadwax_server::store;
