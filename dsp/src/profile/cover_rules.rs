//! What is wrong with the picture of a record: that there is none, its size, its shape. Never here: reading pictures.

use super::{Finding, Profile, Weight, sheet::RecordSheet};

pub(super) fn cover(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let rules = &profile.record;
    let Some(cover) = &sheet.cover else {
        let text = "The record has no cover.".to_owned();
        let it = Finding::weighed(rules.cover, "COVER_MISSING", text, profile.source("cover"));
        found.extend(it.map(|it| it.mend("Add it to the label copy: deadwax label-copy cover FILE.")));
        return;
    };
    let (width, height) = cover.size();
    if let Some(least) = rules.cover_min_px.filter(|least| width.min(height) < *least) {
        let text = format!("The cover has {width} x {height} pixels; {least} x {least} at least are asked.");
        let weight = if rules.cover == Weight::No { Weight::Warn } else { rules.cover };
        let it = Finding::weighed(weight, "COVER_SMALL", text, profile.source("cover_min_px"));
        found.extend(
            it.map(|it| it.mend("Ask for the picture in its own size; one that is blown up is refused too.")),
        );
    }
    if width != height {
        let text = format!("The cover has {width} x {height} pixels and is no square.");
        let it = Finding::weighed(rules.cover_square, "COVER_SHAPE", text, profile.source("cover_square"));
        found.extend(it.map(|it| it.mend("Ask for a square picture; a store crops or refuses another.")));
    }
}
