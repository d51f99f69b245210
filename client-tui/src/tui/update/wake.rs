//! When the model wants to be told the time next. A client that nobody touches wakes once a minute, since ages are told in minutes; what fades, counts or is
//! written after a while asks for more. Pure. Never here: what a tick does.

use super::offline;
use crate::tui::model::{Link, Model, Notice, Screen};

const MINUTE_MS: i64 = 60_000;
/// What fades or counts down on the screen is looked at this often, and nothing more often.
const SOON_MS: i64 = 500;

/// By the clock of the model; later than it.
pub fn wake_ms(model: &Model) -> i64 {
    let soon_ms = model.now_ms.saturating_add(SOON_MS);
    if moves(model) {
        return soon_ms;
    }
    let minute_ms = (model.now_ms.div_euclid(MINUTE_MS) + 1).saturating_mul(MINUTE_MS);
    offline::due_ms(model).map_or(minute_ms, |due_ms| due_ms.min(minute_ms)).max(soon_ms)
}

/// Something on the screen changes without a message, or waits for a rest of the hands.
fn moves(model: &Model) -> bool {
    let counts = matches!(model.link, Link::Offline { .. });
    let fades = matches!(model.notice, Some(Notice::Done(_)))
        || model.projects.values().any(|it| !it.fresh.is_empty());
    // A text that is written is kept on disk, a recipe is checked; what was kept of a text that is gone is thrown away.
    let written = model.prompt.is_some() || model.hands.kept.is_some();
    // News of an open history is asked for in pieces.
    let follows = matches!(model.top(), Screen::History { .. });
    counts || fades || written || follows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{msg::Msg, rows, update::update};

    const NOW_MS: i64 = 1_795_000_012_345;

    fn online() -> Model {
        let mut model = Model::new((80, 24), NOW_MS, 1);
        model.link = Link::Online;
        model.offline.start_written_ms = NOW_MS;
        model
    }

    #[test]
    fn an_idle_client_wakes_at_the_minute() {
        let mut model = online();
        let wake_ms = wake_ms(&model);
        assert_eq!(wake_ms % MINUTE_MS, 0);
        assert!((1..=MINUTE_MS).contains(&(wake_ms - NOW_MS)));
        // What it does then does not have it wake again at once.
        update(&mut model, Msg::Tick(wake_ms));
        assert!(super::wake_ms(&model) - wake_ms >= MINUTE_MS / 2);
    }

    #[test]
    fn what_fades_or_counts_wakes_it_soon() {
        let mut fades = online();
        fades.notice = Some(Notice::Done("Done.".into()));
        let mut counts = online();
        counts.link = Link::Offline { since_ms: NOW_MS, retry_at_ms: NOW_MS + 5_000, why: "gone".into() };
        let mut fresh = online();
        let project = fresh.projects.entry("p".into()).or_default();
        project.fresh.insert("note/n".into(), NOW_MS + rows::FRESH_MS);
        for model in [&fades, &counts, &fresh] {
            assert_eq!(wake_ms(model), NOW_MS + SOON_MS);
        }
        // And no longer than it takes.
        for mut model in [fades, fresh] {
            update(&mut model, Msg::Tick(NOW_MS + SOON_MS));
            update(&mut model, Msg::Tick(NOW_MS + 11_000));
            assert!(wake_ms(&model) - model.now_ms > SOON_MS, "{:?}", model.notice);
        }
    }

    #[test]
    fn what_is_to_be_written_is_not_left_for_the_minute() {
        let mut model = online();
        model.now_ms = NOW_MS - NOW_MS.rem_euclid(MINUTE_MS);
        model.offline.start_written_ms = model.now_ms - 1_000;
        model.offline.start_changed = true;
        assert_eq!(wake_ms(&model), model.now_ms + 4_000);
        let project = model.projects.entry("p".into()).or_default();
        (project.loaded, project.seq) = (true, 7);
        model.offline.written.insert("p".into(), (model.now_ms - 3_000, 6));
        assert_eq!(wake_ms(&model), model.now_ms + 2_000);
        // Overdue is no reason to spin.
        model.offline.written.insert("p".into(), (0, 6));
        assert_eq!(wake_ms(&model), model.now_ms + SOON_MS);
    }
}
