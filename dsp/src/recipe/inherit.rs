//! `base = "streaming"`: a recipe that starts from a shipped one. Keys of the text replace those of the base whole. A step that has the name of one of
//! the base changes that one, key by key (of another kind, it takes its place); other steps come after those of the base. Never here: what keys mean.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    nearest::nearest,
    read::{self, Fault},
    shipped,
};

pub(super) const BASE: &str = "base";
const STEP: &str = "step";
const NAME: &str = "name";
const KIND: &str = "kind";
/// Keys that say the same thing in two ways: one in the text puts away the other of the base.
const EITHER: &[(&str, &str)] = &[("target", "target_lufs"), ("target_lufs", "target")];

/// Takes `base` out of a table and puts in what it gives.
pub(super) fn resolve(root: Spanned<DeTable<'_>>) -> Result<Spanned<DeTable<'_>>, Fault> {
    let resolved = resolve_among(root, &mut Vec::new())?;
    check_names(resolved.get_ref())?;
    Ok(resolved)
}

/// `above`: the bases that led here.
fn resolve_among<'i>(
    mut root: Spanned<DeTable<'i>>,
    above: &mut Vec<String>,
) -> Result<Spanned<DeTable<'i>>, Fault> {
    let Some(base) = root.get_mut().remove(BASE) else { return Ok(root) };
    let place = base.span();
    let Some(name) = base.get_ref().as_str() else {
        return Err(Fault::at(place, "base: the name of a shipped recipe is wanted"));
    };
    let Some(text) = shipped::text(name) else {
        let known: Vec<&str> = shipped::shipped().iter().map(|(name, _)| *name).collect();
        let meant = match nearest(name, &known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", known.join(", ")),
        };
        return Err(Fault::at(place, format!("base: there is no shipped recipe {name:?}; {meant}")));
    };
    if above.iter().any(|other| other == name) {
        return Err(Fault::at(place, format!("base: {name} would be its own base")));
    }
    above.push(name.to_owned());
    let table = read::table(text).map_err(|e| Fault::at(place.clone(), format!("base: {e}")))?;
    let given = resolve_among(table, above)?.into_inner();
    merge(root.get_mut(), moved(given, &place), &place, name)?;
    Ok(root)
}

/// Puts into `own` what only the base has.
fn merge<'i>(
    own: &mut DeTable<'i>,
    mut base: DeTable<'i>,
    place: &Range<usize>,
    base_name: &str,
) -> Result<(), Fault> {
    let title = DeValue::String(format!("after {base_name}").into());
    base.insert(Spanned::new(place.clone(), NAME.into()), Spanned::new(place.clone(), title));
    for (one, other) in EITHER {
        if own.contains_key(*one) {
            base.remove(*other);
        }
    }
    if !base.contains_key(STEP) {
        let none = Spanned::new(place.clone(), DeValue::Array(DeArray::new()));
        base.insert(Spanned::new(place.clone(), STEP.into()), none);
    }
    for (key, value) in base {
        match own.get_mut(key.get_ref().as_ref()) {
            None => {
                own.insert(key, value);
            }
            Some(mine) if key.get_ref() == STEP => {
                merge_steps(mine.get_mut(), value.into_inner(), base_name)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn merge_steps<'i>(own: &mut DeValue<'i>, base: DeValue<'i>, base_name: &str) -> Result<(), Fault> {
    let (DeValue::Array(mine), DeValue::Array(given)) = (&mut *own, base) else { return Ok(()) };
    let mut steps: Vec<Spanned<DeValue<'i>>> = given.into_iter().collect();
    for step in std::mem::replace(mine, DeArray::new()) {
        let named = word(step.get_ref(), NAME);
        let same =
            |other: &&mut Spanned<DeValue<'_>>| named.is_some() && word(other.get_ref(), NAME) == named;
        match steps.iter_mut().find(same) {
            Some(other) => change(other, step),
            None => {
                if let (Some(name), None, DeValue::Table(table)) =
                    (&named, word(step.get_ref(), KIND), step.get_ref())
                {
                    let names: Vec<String> = steps.iter().filter_map(|s| word(s.get_ref(), NAME)).collect();
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    let meant = nearest(name, &known).map_or_else(
                        || {
                            if known.is_empty() {
                                "nor any other".into()
                            } else {
                                format!("it has {}", known.join(", "))
                            }
                        },
                        |n| format!("did you mean {n}?"),
                    );
                    let span = table.get(NAME).map_or(step.span(), Spanned::span);
                    let what = format!(
                        "name: {base_name} has no step called {name:?}, {meant}; a step that is new needs a kind"
                    );
                    return Err(Fault::at(span, what));
                }
                steps.push(step);
            }
        }
    }
    *mine = steps.into_iter().collect();
    Ok(())
}

/// Keys of `step` replace those of `other`, a step of the base; another kind replaces all of it.
fn change<'i>(other: &mut Spanned<DeValue<'i>>, mut step: Spanned<DeValue<'i>>) {
    let kind = word(step.get_ref(), KIND);
    let same_kind = kind.is_none() || kind == word(other.get_ref(), KIND);
    if let (true, DeValue::Table(own), DeValue::Table(given)) =
        (same_kind, step.get_mut(), std::mem::replace(other.get_mut(), DeValue::Boolean(false)))
    {
        for (key, value) in given {
            if !own.contains_key(key.get_ref().as_ref()) {
                own.insert(key, value);
            }
        }
    }
    *other = step;
}

fn word(step: &DeValue<'_>, key: &str) -> Option<String> {
    step.as_table()?.get(key)?.get_ref().as_str().map(str::to_owned)
}

/// Two steps of one name could not be told apart.
fn check_names(root: &DeTable<'_>) -> Result<(), Fault> {
    let Some(DeValue::Array(steps)) = root.get(STEP).map(Spanned::get_ref) else { return Ok(()) };
    let mut seen: Vec<&str> = Vec::new();
    for step in steps.iter() {
        let name = step.get_ref().as_table().and_then(|t| t.get(NAME));
        let Some((word, span)) = name.and_then(|n| Some((n.get_ref().as_str()?, n.span()))) else { continue };
        if seen.contains(&word) {
            return Err(Fault::at(span, format!("name: two steps are called {word:?}")));
        }
        seen.push(word);
    }
    Ok(())
}

/// The same table with all of it at one place of another text: what is wrong with a base is wrong where it is named.
fn moved<'i>(table: DeTable<'i>, place: &Range<usize>) -> DeTable<'i> {
    let entries = table.into_iter().map(|(key, value)| {
        (
            Spanned::new(place.clone(), key.into_inner()),
            Spanned::new(place.clone(), value_moved(value, place)),
        )
    });
    entries.collect()
}

fn value_moved<'i>(value: Spanned<DeValue<'i>>, place: &Range<usize>) -> DeValue<'i> {
    match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved(table, place)),
        DeValue::Array(items) => DeValue::Array(
            items.into_iter().map(|v| Spanned::new(place.clone(), value_moved(v, place))).collect(),
        ),
        other => other,
    }
}
