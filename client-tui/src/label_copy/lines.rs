//! Credits and shares in one line of a form: "producer: Jo Bell; drums: Ann", "Jo Bell 50; Ann 50". Never here: keys, drawing.

use deadwax_proto::v1::{Credit, Split, SplitOf};

use super::{percent, read};

/// `None` where a name holds what parts the line: it would be read as something else.
pub fn credits_line(credits: &[Credit]) -> Option<String> {
    let line: Vec<String> = credits.iter().map(|it| format!("{}: {}", it.role, it.name)).collect();
    let line = line.join("; ");
    (parse_credits(&line).as_deref() == Ok(credits)).then_some(line)
}

pub fn parse_credits(line: &str) -> Result<Vec<Credit>, String> {
    let one = |part: &str| match part.split_once(':').map(|(role, name)| (role.trim(), name.trim())) {
        Some((role, name)) if !role.is_empty() && !name.is_empty() => {
            Ok(Credit { role: role.to_owned(), name: name.to_owned() })
        }
        _ => Err(format!("\"{}\" is no credit; write \"producer: Jo Bell\"", part.trim())),
    };
    parts(line).map(one).collect()
}

pub fn shares_line<'a>(shares: impl Iterator<Item = &'a Split> + Clone, of: SplitOf) -> Option<String> {
    let line: Vec<String> =
        shares.clone().map(|it| format!("{} {}", it.name, percent(it.share.into()))).collect();
    let line = line.join("; ");
    parse_shares(&line, of).is_ok_and(|read| read.iter().eq(shares)).then_some(line)
}

pub fn parse_shares(line: &str, of: SplitOf) -> Result<Vec<Split>, String> {
    let one = |part: &str| {
        let part = part.trim().trim_end_matches('%').trim_end();
        let (name, share) = part
            .rsplit_once(char::is_whitespace)
            .ok_or_else(|| format!("\"{part}\" has no share; write \"Jo Bell 50\""))?;
        let share = read::share(share)?;
        Ok(Split { name: name.trim().to_owned(), of: of.into(), share })
    };
    parts(line).map(one).collect()
}

fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split(';').filter(|part| !part.trim().is_empty())
}
