//! Checksum files beside the set: their lines in the flavours that tools write, and the digests of the files as they lie there. Every file is read once,
//! in pieces. Never here: which files a set has.

use std::{
    fmt::Write as _,
    io::{self, Read as _},
};

use deadwax_dsp::Flow;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    folder::{Entry, Folder},
    rules::{
        FILE_TOO_LARGE, FILE_UNREADABLE, Findings, NAME_CASE, SUM_ABSENT, SUM_COMPANION, SUM_FALSE, SUM_LINE,
        SUM_MISSING, SUM_NONE, SUM_WEAK,
    },
};

const BYTES_MAX: u64 = 1 << 20;
const PIECE: usize = 1 << 18;
/// A disc of 99:59:74 has half of it. What is larger is not read: it would take an hour, and is no part of a set.
const READ_MAX: u64 = 2 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Crc32,
    Md5,
    Sha256,
}

/// One line: this file had this digest when the line was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The checksum file.
    pub stands_in: String,
    pub name: String,
    pub kind: Kind,
    /// In small letters.
    pub digest: String,
}

/// Whether a file of this name holds checksums, unless the map says otherwise.
pub fn is_sums(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [".MD5", ".SFV", ".SHA256", ".CHK"].iter().any(|end| name.ends_with(end))
        || ["CHECKSUM", "MD5SUM", "SHA256SUM"].iter().any(|part| name.contains(part))
}

/// All lines of all checksum files.
pub fn read<'a>(folder: &'a Folder, is_mapped: &dyn Fn(&str) -> bool, findings: &mut Findings) -> Vec<Sum> {
    let names: Vec<&'a str> = folder.files().map(|it| it.name.as_str()).collect();
    let mut sums = Vec::new();
    for name in names.into_iter().filter(|name| is_sums(name) && !is_mapped(name)) {
        let Some((file, content)) = folder.small(name, BYTES_MAX, findings) else { continue };
        let text = String::from_utf8_lossy(&content);
        for (at, line) in text.trim_start_matches('\u{feff}').split('\n').enumerate() {
            match read_line(line.strip_suffix('\r').unwrap_or(line)) {
                Line::Nothing => {}
                Line::Sum { kind, digest, name } => {
                    sums.push(Sum { stands_in: file.clone(), name, kind, digest });
                }
                Line::Unread => {
                    findings.tell(SUM_LINE, &file, format!("Line {} is no digest with a name.", at + 1));
                }
            }
        }
    }
    sums
}

enum Line {
    Nothing,
    Sum { kind: Kind, digest: String, name: String },
    Unread,
}

fn kind_of(word: &str) -> Option<Kind> {
    if !word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    match word.len() {
        8 => Some(Kind::Crc32),
        32 => Some(Kind::Md5),
        64 => Some(Kind::Sha256),
        _ => None,
    }
}

fn read_line(line: &str) -> Line {
    let is_remark = |line: &str| {
        line.trim().is_empty()
            || line.starts_with(['#', ';', '['])
            || line.to_ascii_lowercase().starts_with("version=")
    };
    if is_remark(line) {
        return Line::Nothing;
    }
    let sum = |word: &str, name: &str| {
        let name = name.strip_prefix("./").or_else(|| name.strip_prefix(".\\")).unwrap_or(name);
        let sound = !name.is_empty() && !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
        let kind = kind_of(word).filter(|_| sound)?;
        Some(Line::Sum { kind, digest: word.to_ascii_lowercase(), name: name.to_owned() })
    };
    // md5sum: digest, space, space or asterisk, name.
    let as_md5sum = || {
        let (word, rest) = line.split_once([' ', '\t'])?;
        let rest = rest.trim_start_matches([' ', '\t']);
        kind_of(word).filter(|kind| *kind != Kind::Crc32)?;
        sum(word, rest.strip_prefix('*').unwrap_or(rest))
    };
    // BSD: MD5 (name) = digest.
    let as_bsd = || {
        let (head, word) = line.rsplit_once(") = ")?;
        let (kind, name) = head.split_once(" (")?;
        matches!(kind, "MD5" | "SHA256").then(|| sum(word, name))?
    };
    // CRC-32 and some MD5: name, equals or spaces, digest.
    let as_list = || {
        let (name, word) = line.trim_end().rsplit_once(['=', ' ', '\t'])?;
        sum(word, name.trim_end())
    };
    as_md5sum().or_else(as_bsd).or_else(as_list).unwrap_or(Line::Unread)
}

/// What a file's bytes come to.
struct Digests {
    crc32: Option<crc32fast::Hasher>,
    md5: Option<md5::Context>,
    sha256: Option<Sha256>,
}

impl Digests {
    fn new(asked: &[&Sum]) -> Digests {
        let asks = |kind| asked.iter().any(|sum| sum.kind == kind);
        Digests {
            crc32: asks(Kind::Crc32).then(crc32fast::Hasher::new),
            md5: asks(Kind::Md5).then(md5::Context::new),
            sha256: asks(Kind::Sha256).then(Sha256::new),
        }
    }

    fn consume(&mut self, bytes: &[u8]) {
        if let Some(crc32) = &mut self.crc32 {
            crc32.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.consume(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    fn finish(self) -> [(Kind, String); 3] {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                // A String takes whatever is written into it.
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        [
            (Kind::Crc32, self.crc32.map(|it| format!("{:08x}", it.finalize())).unwrap_or_default()),
            (Kind::Md5, self.md5.map(|it| hex(&it.finalize().0)).unwrap_or_default()),
            (Kind::Sha256, self.sha256.map(|it| hex(&it.finalize())).unwrap_or_default()),
        ]
    }
}

/// Reads a whole file in pieces, for its digests and for whoever else wants the bytes. False from `piece` ends it.
fn hash(entry: &Entry, asked: &[&Sum], piece: &mut dyn FnMut(&[u8]) -> Flow) -> io::Result<Option<Digests>> {
    let (file, bytes) = entry.open()?;
    // What grows while it is read is not followed.
    let mut file = file.take(bytes.min(READ_MAX));
    let mut digests = Digests::new(asked);
    let mut buffer = vec![0; PIECE];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(digests)),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        digests.consume(&buffer[..count]);
        if piece(&buffer[..count]) == Flow::Stop {
            return Ok(None);
        }
    }
}

/// What the set consists of, for the checksums.
pub struct Parts<'a> {
    /// Must be covered.
    pub set: Vec<&'a Entry>,
    /// Beside the set; should be.
    pub companions: Vec<&'a Entry>,
    /// The file whose bytes `image` gets.
    pub image: &'a str,
}

/// Hashes every file once and holds it against every line. False: it was stopped.
pub fn tell(
    folder: &Folder,
    parts: &Parts<'_>,
    sums: &[Sum],
    image: &mut dyn FnMut(&[u8]),
    progress: &mut dyn FnMut(u64) -> Flow,
    findings: &mut Findings,
) -> bool {
    if sums.is_empty() {
        findings.tell(SUM_NONE, "", "No file in it holds a checksum.".into());
    }
    let of = |entry: &Entry| -> Vec<&Sum> {
        sums.iter()
            .filter(|sum| folder_name(folder, &sum.name).is_some_and(|it| it.name == entry.name))
            .collect()
    };
    for sum in sums {
        match folder_name(folder, &sum.name) {
            Some(entry) if entry.name == sum.name => {}
            Some(entry) => {
                let text = format!("{} names it {:?}.", sum.stands_in, sum.name);
                findings.tell(NAME_CASE, &entry.name, text);
            }
            None => {
                let text = format!("It names {:?}, which is not in the folder.", sum.name);
                findings.tell(SUM_ABSENT, &sum.stands_in, text);
            }
        }
    }
    for (entry, is_companion) in
        parts.set.iter().map(|it| (it, false)).chain(parts.companions.iter().map(|it| (it, true)))
    {
        let asked = of(entry);
        tell_cover(entry, &asked, is_companion, !sums.is_empty(), findings);
        if entry.bytes > READ_MAX {
            let text = format!("It has {} bytes, more than any disc, and was not read.", entry.bytes);
            findings.tell(FILE_TOO_LARGE, &entry.name, text);
            continue;
        }
        let is_image = entry.name == parts.image;
        let read = hash(entry, &asked, &mut |bytes| {
            if is_image {
                image(bytes);
            }
            progress(bytes.len() as u64)
        });
        let digests = match read {
            Ok(Some(digests)) => digests.finish(),
            Ok(None) => return false,
            Err(e) => {
                findings.tell(FILE_UNREADABLE, &entry.name, format!("It cannot be read: {e}."));
                continue;
            }
        };
        for sum in asked {
            let is = digests.iter().find(|(kind, _)| *kind == sum.kind).map_or("", |(_, digest)| digest);
            if is != sum.digest {
                let text = format!("{} says {}; the file's is {is}.", sum.stands_in, sum.digest);
                findings.tell(SUM_FALSE, &entry.name, text);
            }
        }
    }
    true
}

fn tell_cover(entry: &Entry, asked: &[&Sum], is_companion: bool, are_there: bool, findings: &mut Findings) {
    if asked.is_empty() && are_there {
        let rule = if is_companion { SUM_COMPANION } else { SUM_MISSING };
        findings.tell(rule, &entry.name, "No checksum is written for it.".into());
    } else if !asked.is_empty() && asked.iter().all(|sum| sum.kind == Kind::Crc32) {
        findings.tell(SUM_WEAK, &entry.name, "Its only checksum is a CRC-32.".into());
    }
}

/// As a line names it: exactly, or but for the case of letters.
fn folder_name<'a>(folder: &'a Folder, name: &str) -> Option<&'a Entry> {
    folder
        .files()
        .find(|entry| entry.name == name)
        .or_else(|| folder.files().find(|entry| entry.name.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        match read_line(line) {
            Line::Nothing => "nothing".into(),
            Line::Unread => "unread".into(),
            Line::Sum { kind, digest, name } => format!("{kind:?} {} {name}", &digest[..4]),
        }
    }

    #[test]
    fn lines_are_read_as_tools_write_them() {
        let md5 = "187970110683c92c25bdb82256354780";
        for (line, wanted) in [
            (format!("{md5} *DDPID"), "Md5 1879 DDPID"),
            (format!("{md5}  ./IMAGE.DAT"), "Md5 1879 IMAGE.DAT"),
            (format!("{} *A B.DAT", md5.to_uppercase()), "Md5 1879 A B.DAT"),
            (format!("MD5 (IMAGE.DAT) = {md5}"), "Md5 1879 IMAGE.DAT"),
            (format!("DDPID={md5}"), "Md5 1879 DDPID"),
            ("DDPID=730DC92D".into(), "Crc32 730d DDPID"),
            ("IMAGE.DAT 250ae143".into(), "Crc32 250a IMAGE.DAT"),
            ("[CRC32 Checksum]".into(), "nothing"),
            ("Version=1.01".into(), "nothing"),
            ("; written by".into(), "nothing"),
            (String::new(), "nothing"),
            (format!("{md5} *../secret"), "unread"),
            (format!("{md5} *C:\\x"), "unread"),
            (format!("{md5} *"), "unread"),
            (format!("{} *DDPID", &md5[1..]), "unread"),
            ("hello".into(), "unread"),
        ] {
            assert_eq!(shown(&line), wanted, "{line}");
        }
        assert!(
            is_sums("MD5-Checksum.md5")
                && is_sums("CHECKSUM.TXT")
                && !is_sums("IMAGE.DAT")
                && !is_sums("DDPMS")
        );
    }
}
