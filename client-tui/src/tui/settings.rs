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

/// How a terminal takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With characters that stand for parts of the picture: others can be written over them.
    Kitty,
    Iterm2,
    Sixel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub way: Way,
    /// Of one cell: width and height.
    pub cell: (u16, u16),
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub dots: Dots,
    /// `None`: the terminal shows characters alone.
    pub pixels: Option<Pixels>,
    pub colours: Colours,
    pub ground: Ground,
    /// Of the audio cache; 0: the default.
    pub cache_bytes_max: u64,
}
