//! Recipes that come with the program, by name. Never here: where people keep theirs.

/// Name and text.
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &[
        ("default", include_str!("../../recipes/default.toml")),
        ("transparent", include_str!("../../recipes/transparent.toml")),
        ("streaming", include_str!("../../recipes/streaming.toml")),
        ("gentle", include_str!("../../recipes/gentle.toml")),
        ("loud", include_str!("../../recipes/loud.toml")),
        ("vinyl-premaster", include_str!("../../recipes/vinyl-premaster.toml")),
        ("acoustic", include_str!("../../recipes/acoustic.toml")),
        ("convert-only", include_str!("../../recipes/convert-only.toml")),
    ]
}

/// The text of one.
pub(super) fn text(name: &str) -> Option<&'static str> {
    shipped().iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What a recipe says of itself: the remark at its head, in one line.
pub fn described(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
