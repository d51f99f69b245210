//! What somebody was sent, kept as small as it can be compared: of each row its key, and a mark of its bytes. Ten thousand watchers hold these and no rows.
//! Never here: the rows.

use deadwax_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::Rows;

/// Of SHA-256: nobody can write a note whose change would pass for none.
type Mark = [u8; 16];

/// In the order of the keys.
pub struct Marks(Box<[(Box<str>, Mark)]>);

impl Marks {
    /// And the bytes that the rows take on the line.
    pub fn of(rows: &Rows) -> (Self, usize) {
        let mut total = 0;
        let marks = rows.iter().map(|(key, row)| {
            let bytes = row.encode_to_vec();
            total += bytes.len();
            let mut mark = Mark::default();
            mark.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
            (key.as_str().into(), mark)
        });
        let marks = marks.collect();
        (Self(marks), total)
    }

    fn find(&self, key: &str) -> Option<Mark> {
        let at = self.0.binary_search_by(|(it, _)| (**it).cmp(key)).ok()?;
        self.0.get(at).map(|(_, mark)| *mark)
    }

    /// What brings whoever has these to the rows of `now`.
    pub fn difference(&self, now: &Rows, marks: &Self) -> (Vec<v1::Row>, Vec<String>) {
        let changed = now.iter().zip(&marks.0).filter(|((key, _), (_, mark))| self.find(key) != Some(*mark));
        let upserts = changed.map(|((_, row), _)| row.clone()).collect();
        let gone = self.0.iter().filter(|(key, _)| !now.contains_key(&**key));
        (upserts, gone.map(|(key, _)| key.to_string()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadwax_proto::v1::row::Row as Kind;

    fn rows(of: &[(&str, &str)]) -> Rows {
        let row = |(key, title): &(&str, &str)| {
            let project = v1::ProjectRow { title: (*title).into(), ..v1::ProjectRow::default() };
            ((*key).to_owned(), v1::Row { key: (*key).into(), row: Some(Kind::Project(project)) })
        };
        of.iter().map(row).collect()
    }

    #[test]
    fn what_changed_came_or_went_is_the_difference() {
        let (before, now) = (
            rows(&[("a", "one"), ("b", "two"), ("c", "three")]),
            rows(&[("a", "one"), ("c", "drei"), ("d", "four")]),
        );
        let ((then, _), (marks, bytes)) = (Marks::of(&before), Marks::of(&now));
        let (upserts, removals) = then.difference(&now, &marks);
        assert_eq!(upserts, [now["c"].clone(), now["d"].clone()]);
        assert_eq!(removals, ["b"]);
        assert_eq!(bytes, now.values().map(v1::Row::encoded_len).sum::<usize>());
        let (upserts, removals) = marks.difference(&now, &marks);
        assert!(upserts.is_empty() && removals.is_empty());
    }
}
