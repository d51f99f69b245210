//! Which bytes of a file are here: stretches in order that neither touch nor overlap. Never here: files.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|(_, end)| *end < from);
        let behind = self.0.partition_point(|(start, _)| *start <= to);
        let (mut from, mut to) = (from, to);
        if first < behind {
            from = from.min(self.0[first].0);
            to = to.max(self.0[behind - 1].1);
        }
        self.0.splice(first..behind.max(first), [(from, to)]);
    }

    pub fn take_out(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for (start, end) in self.0.drain(..) {
            if start < from {
                kept.push((start, end.min(from)));
            }
            if end > to {
                kept.push((start.max(to), end));
            }
        }
        self.0 = kept;
    }

    /// How far it goes on from `at` without a gap; `at` itself where nothing is.
    pub fn reach(&self, at: u64) -> u64 {
        let next = self.0.partition_point(|(_, end)| *end <= at);
        match self.0.get(next) {
            Some((start, end)) if *start <= at => *end,
            _ => at,
        }
    }

    /// The first stretch from `at` on that is not here, before `end`.
    pub fn gap(&self, at: u64, end: u64) -> Option<(u64, u64)> {
        let from = self.reach(at);
        if from >= end {
            return None;
        }
        let next = self.0.partition_point(|(_, stop)| *stop <= from);
        let to = self.0.get(next).map_or(end, |(start, _)| (*start).min(end));
        Some((from, to))
    }

    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_agree_with_a_plain_list_of_bytes(
            steps in prop::collection::vec((any::<bool>(), 0u64..60, 0u64..20), 0..40), at in 0u64..70
        ) {
            let mut ranges = Ranges::default();
            let mut plain = [false; 100];
            for (add, from, len) in steps {
                let to = from + len;
                if add { ranges.add(from, to) } else { ranges.take_out(from, to) }
                plain[from as usize..to as usize].fill(add);
            }
            prop_assert_eq!(ranges.bytes(), plain.iter().filter(|it| **it).count() as u64);
            let reach = (at..100).find(|n| !plain[*n as usize]).unwrap_or(100);
            prop_assert_eq!(ranges.reach(at), reach);
            let gap = (at..90).find(|n| !plain[*n as usize]).map(|from| {
                (from, (from..90).find(|n| plain[*n as usize]).unwrap_or(90))
            });
            prop_assert_eq!(ranges.gap(at, 90), gap);
            let list: Vec<_> = ranges.iter().collect();
            prop_assert!(list.windows(2).all(|w| w[0].1 < w[1].0), "in order, apart: {:?}", list);
        }
    }
}
