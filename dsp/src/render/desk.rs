//! Hands on the desk for one render: a recipe with a step left out, or with nothing behind a step. Steps are called by the names they have in
//! the recipe, or by their kinds. Never here: sound.

use crate::{
    error::DspError,
    recipe::{Recipe, Step, nearest},
};

/// The short keys' steps in the order of the chain.
const SHORT: [&str; 5] = ["dc filter", "input gain", "eq", "compressor", "width"];
const LIMITER: &str = "limiter";

/// Leaves out every step of this title; "limiter" too.
pub fn bypass(recipe: &mut Recipe, title: &str) -> Result<(), DspError> {
    let mut found = false;
    for short in SHORT {
        if short == title && has(recipe, short) {
            found = true;
            leave_out(recipe, short);
        }
    }
    for step in recipe.steps.iter_mut().filter(|step| is_called(step, title)) {
        (step.bypass, found) = (true, true);
    }
    if title == LIMITER && recipe.limiter.take().is_some() {
        found = true;
    }
    if found { Ok(()) } else { Err(unknown(recipe, title)) }
}

/// Leaves out everything of the chain behind the first step of this title; level and limiter stay.
pub fn up_to(recipe: &mut Recipe, title: &str) -> Result<(), DspError> {
    let mut found = false;
    for short in SHORT {
        if found {
            leave_out(recipe, short);
        }
        found |= short == title && has(recipe, short);
    }
    for step in &mut recipe.steps {
        if found {
            step.bypass = true;
        }
        found |= is_called(step, title);
    }
    // Behind the limiter there is nothing to leave out.
    found |= title == LIMITER && recipe.limiter.is_some();
    if found { Ok(()) } else { Err(unknown(recipe, title)) }
}

/// By its name, or by its kind.
fn is_called(step: &Step, title: &str) -> bool {
    step.title() == title || step.work.kind() == title
}

fn has(recipe: &Recipe, short: &str) -> bool {
    match short {
        "dc filter" => recipe.dc_filter_hz.is_some(),
        "input gain" => recipe.input_gain_db.is_some(),
        "eq" => !recipe.eq.is_empty(),
        "compressor" => recipe.compressor.is_some(),
        _ => recipe.width.is_some(),
    }
}

fn leave_out(recipe: &mut Recipe, short: &str) {
    match short {
        "dc filter" => recipe.dc_filter_hz = None,
        "input gain" => recipe.input_gain_db = None,
        "eq" => recipe.eq.clear(),
        "compressor" => recipe.compressor = None,
        _ => recipe.width = None,
    }
}

fn unknown(recipe: &Recipe, title: &str) -> DspError {
    let mut titles: Vec<String> = SHORT.iter().filter(|s| has(recipe, s)).map(ToString::to_string).collect();
    titles.extend(recipe.steps.iter().map(|step| step.title()));
    titles.extend(recipe.limiter.as_ref().map(|_| LIMITER.to_owned()));
    if titles.is_empty() {
        return DspError::Invalid(format!("the recipe has no step {title:?}; it has none at all"));
    }
    let words: Vec<&str> = titles.iter().map(String::as_str).collect();
    let meant = nearest(title, &words).map_or(String::new(), |near| format!("did you mean {near:?}? "));
    DspError::Invalid(format!("the recipe has no step {title:?}; {meant}it has {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "dc_filter_hz = 5.0\n[[eq]]\nkind = \"bell\"\nhz = 900.0\ngain_db = 4.0\n[width]\nwidth = 1.2\n[limiter]\n";

    #[test]
    fn a_step_is_left_out_by_its_title_and_what_is_unknown_is_answered() {
        let recipe = Recipe::parse(TEXT).expect("a recipe");
        let mut without = recipe.clone();
        bypass(&mut without, "eq").expect("there is one");
        assert!(without.eq.is_empty() && without.width.is_some() && without.limiter.is_some());
        bypass(&mut without, "limiter").expect("there is one");
        assert!(without.limiter.is_none());
        let error = bypass(&mut without, "eq").expect_err("it is gone").to_string();
        assert!(error.contains("dc filter, width"), "{error}");
        let mut part = recipe.clone();
        up_to(&mut part, "eq").expect("there is one");
        assert_eq!(part, Recipe { width: None, ..recipe.clone() });
        let error = up_to(&mut part, "widht").expect_err("misspelt").to_string();
        assert!(error.contains("no step \"widht\""), "{error}");
    }
}
