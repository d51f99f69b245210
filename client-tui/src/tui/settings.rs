//! How this person wants the client: keys, colours, the cache, the way sound goes out. Read once from `config.toml` in the client's folder; an error names the
//! line. Never here: what the studio decides.

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Colours {
    None,
    #[default]
    Sixteen,
    True,
}

/// What the terminal's background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ground {
    #[default]
    Dark,
    Light,
}

/// What a picture of sound is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dots {
    /// Two by four dots in a cell.
    #[default]
    Braille,
    /// Half blocks, for terminals and fonts without braille.
    Blocks,
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub dots: Dots,
    pub colours: Colours,
    pub ground: Ground,
    /// Of the audio cache; 0: the default.
    pub cache_bytes_max: u64,
}
