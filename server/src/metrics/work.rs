//! The workers of this process, counted where they work: places, how many are taken, leases that were lost. What waits in the whole studio is `now`'s. Never here:
//! which work, for whom.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::Shelf;

/// Kinds of work: a closed list of labels, and the beginnings of lease names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // As the label says it.
pub enum Kind {
    render,
    record,
    examination,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::render, Kind::record, Kind::examination];

    pub fn word(self) -> &'static str {
        match self {
            Kind::render => "render",
            Kind::record => "record",
            Kind::examination => "examination",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Of {
    pub work: Kind,
}

#[derive(Clone, Debug, Default)]
pub struct WorkFigures {
    places: Family<Of, Gauge>,
    busy: Family<Of, Gauge>,
    lost: Family<Of, Counter>,
}

/// A place that is taken until this is dropped.
pub struct Busy(Gauge);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl WorkFigures {
    pub(super) fn shelved(shelf: &mut Shelf) -> Self {
        let figures = Self::default();
        for work in Kind::ALL {
            figures.places.get_or_create(&Of { work }).set(0);
            figures.busy.get_or_create(&Of { work }).set(0);
            figures.lost.get_or_create(&Of { work }).inc_by(0);
        }
        let Self { places, busy, lost } = &figures;
        shelf.gauge(
            "workers",
            "Places for work in this process; 0: it leaves such work to others",
            places.clone(),
        );
        shelf.gauge("workers_busy", "Places for work in this process that are taken", busy.clone());
        shelf.counter(
            "leases_lost",
            "Work of this process that was dropped because its lease had lapsed or was somebody else's",
            lost.clone(),
        );
        figures
    }

    pub fn opens(&self, work: Kind, places: usize) {
        self.places.get_or_create(&Of { work }).set(i64::try_from(places).unwrap_or(i64::MAX));
    }

    pub fn begins(&self, work: Kind) -> Busy {
        let busy = self.busy.get_or_create(&Of { work }).clone();
        busy.inc();
        Busy(busy)
    }

    pub fn loses(&self, work: Kind) {
        self.lost.get_or_create(&Of { work }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_as_long_as_the_work_is_there() {
        let figures = WorkFigures::default();
        let taken = || figures.busy.get_or_create(&Of { work: Kind::render }).get();
        let (one, two) = (figures.begins(Kind::render), figures.begins(Kind::render));
        assert_eq!(taken(), 2);
        drop(one);
        drop(two);
        assert_eq!(taken(), 0);
    }
}
