//! The PQ descriptor: one packet of 64 bytes for each index of each track, between a lead-in and a lead-out. What it says is what a player's display shows
//! and where it jumps to. Never here: the rules of the disc as a whole.

use super::{
    Flags, Track,
    field::{Number, is_blank, is_printable, msf, number, pair, text},
    rules::{
        FIELD_NOT_ASCII, Findings, INDEX_ORDER, INDEX1_SOON, ISRC_DIFFERS, ISRC_PLACE, PQ_AFTER, PQ_CONTROL,
        PQ_CONTROL_DIFFERS, PQ_CONTROL_DISPUTED, PQ_COPY, PQ_DATA, PQ_FIELD, PQ_INDEX, PQ_LEAD_IN,
        PQ_LEAD_OUT, PQ_LEAD_OUT_ONCE, PQ_LENGTH, PQ_PACKET, PQ_PADDING, PQ_TIME, PQ_TRACK, TIMES_RISE,
        TRACK_NO_START, TRACK_ORDER, TRACKS_NONE, UPC_DIFFERS,
    },
};

const PACKET: usize = 64;
/// 99 tracks of 100 indexes each, and room.
pub const BYTES_MAX: u64 = 1 << 20;
pub const FRAMES_A_SECOND: u32 = 75;

#[derive(Clone, Debug, Default)]
pub struct Pq {
    pub tracks: Vec<Track>,
    pub lead_out: Option<u32>,
    /// As it stands at the first packet that has one.
    pub upc: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LeadIn,
    Track(u8),
    LeadOut,
}

struct Packet {
    place: Place,
    index: u8,
    at: u32,
    /// The nibble, and whether copies are managed.
    control: Option<(u8, bool)>,
    isrc: String,
    upc: String,
}

pub fn read(file: &str, content: &[u8], findings: &mut Findings) -> Pq {
    if !content.len().is_multiple_of(PACKET) {
        let text = format!("It has {} bytes: no whole number of packets of {PACKET}.", content.len());
        findings.tell(PQ_LENGTH, file, text);
    }
    let mut building = Building { file, pq: Pq::default(), last: None, lead_outs: Vec::new(), count: 0 };
    for (number, bytes) in content.chunks_exact(PACKET).enumerate() {
        if is_blank(bytes) {
            findings.tell(PQ_PADDING, file, format!("Packet {number} is empty."));
        } else if &bytes[..4] != b"VVVS" {
            findings.tell(PQ_PACKET, file, format!("Packet {number} does not begin with VVVS."));
        } else if let Some(packet) = packet(file, number, bytes, findings) {
            building.take(number, packet, findings);
        }
    }
    building.finish(findings)
}

fn packet(file: &str, number_of: usize, bytes: &[u8], findings: &mut Findings) -> Option<Packet> {
    if !is_printable(bytes) {
        findings.tell(FIELD_NOT_ASCII, file, format!("A byte in packet {number_of} is no printable ASCII."));
    }
    let place = match (&bytes[4..6], pair(&bytes[4..6])) {
        (b"AA", _) => Some(Place::LeadOut),
        (_, Some(0)) => Some(Place::LeadIn),
        (_, Some(track)) => Some(Place::Track(track)),
        _ => None,
    };
    if place.is_none() {
        findings.tell(PQ_TRACK, file, format!("Packet {number_of} is of track {:?}.", text(&bytes[4..6])));
    }
    let index = pair(&bytes[6..8]);
    if index.is_none() {
        findings.tell(PQ_INDEX, file, format!("Packet {number_of} is of index {:?}.", text(&bytes[6..8])));
    }
    let at = time(&bytes[8..16]);
    if at.is_none() {
        findings.tell(PQ_TIME, file, format!("Packet {number_of} stands at {:?}.", text(&bytes[8..16])));
    }
    let control = control(file, number_of, &bytes[16..18], findings);
    if !is_blank(&bytes[18..20]) {
        findings.tell(PQ_FIELD, file, format!("CB2 of packet {number_of} is {:?}.", text(&bytes[18..20])));
    }
    let (isrc, upc) = (text(&bytes[20..32]), text(&bytes[32..45]));
    Some(Packet { place: place?, index: index?, at: at?, control, isrc, upc })
}

/// Hours are never used: blank or zero.
fn time(bytes: &[u8]) -> Option<u32> {
    let (hours, rest) = bytes.split_at(2);
    if !matches!(number(hours), Number::Blank | Number::Is(0)) {
        return None;
    }
    let (minutes, seconds, frames) = (pair(&rest[..2])?, pair(&rest[2..4])?, pair(&rest[4..6])?);
    let second = u32::from(minutes) * 60 + u32::from(seconds);
    (seconds < 60 && frames < 75).then(|| second * FRAMES_A_SECOND + u32::from(frames))
}

fn control(file: &str, number_of: usize, bytes: &[u8], findings: &mut Findings) -> Option<(u8, bool)> {
    let nibble = char::from(bytes[0]).to_digit(16).filter(|_| !bytes[0].is_ascii_lowercase());
    let (Some(nibble), managed @ (b'1' | b'S')) = (nibble, bytes[1]) else {
        findings.tell(
            PQ_CONTROL,
            file,
            format!("The control field of packet {number_of} is {:?}.", text(bytes)),
        );
        return None;
    };
    let control = (nibble as u8, managed == b'S');
    if control.0 & 4 != 0 {
        findings.tell(PQ_DATA, file, format!("Packet {number_of} is of a data track."));
    } else if control.0 >= 0xA {
        let text = format!(
            "The control field of packet {number_of} is {:?}, which tools read differently.",
            text(bytes)
        );
        findings.tell(PQ_CONTROL_DISPUTED, file, text);
    }
    if control.0 & 2 != 0 && control.1 {
        findings.tell(PQ_COPY, file, format!("Packet {number_of} permits copies and manages them."));
    }
    Some(control)
}

fn flags((nibble, scms): (u8, bool)) -> Flags {
    Flags {
        pre_emphasis: nibble & 1 != 0,
        copy_permitted: nibble & 2 != 0,
        four_channel: nibble & 8 != 0,
        scms,
    }
}

struct Building<'a> {
    file: &'a str,
    pq: Pq,
    last: Option<u32>,
    lead_outs: Vec<u32>,
    count: usize,
}

impl Building<'_> {
    fn take(&mut self, number: usize, packet: Packet, findings: &mut Findings) {
        let first = self.count == 0;
        self.count += 1;
        self.take_upc(number, &packet, findings);
        match packet.place {
            Place::LeadIn => {
                if !first || packet.index != 0 || packet.at != 0 {
                    let at = msf(packet.at);
                    let text = format!("Packet {number} is a lead-in, index {}, at {at}.", packet.index);
                    findings.tell(PQ_LEAD_IN, self.file, text);
                }
                self.no_track(number, &packet, findings);
            }
            Place::LeadOut => {
                if packet.index != 1 {
                    let text = format!("Packet {number} is a lead-out of index {}.", packet.index);
                    findings.tell(PQ_LEAD_OUT, self.file, text);
                }
                if self.lead_outs.is_empty() {
                    self.rises(number, None, packet.at, findings);
                }
                // Two are asked for; a file full of them needs no memory.
                if self.lead_outs.len() < 4 {
                    self.lead_outs.push(packet.at);
                }
                self.no_track(number, &packet, findings);
            }
            Place::Track(_) if !self.lead_outs.is_empty() => {
                findings.tell(PQ_AFTER, self.file, format!("Packet {number} comes after the lead-out."));
            }
            Place::Track(track) => {
                if first {
                    findings.tell(PQ_LEAD_IN, self.file, "The first packet is no lead-in.".into());
                }
                self.take_index(number, track, &packet, findings);
            }
        }
    }

    /// What only a track has.
    fn no_track(&self, number: usize, packet: &Packet, findings: &mut Findings) {
        if !packet.isrc.is_empty() {
            let text = format!("Packet {number} has the ISRC {:?}, and is of no track.", packet.isrc);
            findings.tell(ISRC_PLACE, self.file, text);
        }
        if packet.control.is_some_and(|control| control != (0, false)) {
            let text = format!("The control field of packet {number} has a flag, and is of no track.");
            findings.tell(PQ_FIELD, self.file, text);
        }
    }

    fn take_upc(&mut self, number: usize, packet: &Packet, findings: &mut Findings) {
        if self.pq.upc.is_empty() {
            self.pq.upc.clone_from(&packet.upc);
        } else if !packet.upc.is_empty() && packet.upc != self.pq.upc {
            let text = format!("Packet {number} has {:?}; before it is {:?}.", packet.upc, self.pq.upc);
            findings.tell(UPC_DIFFERS, self.file, text);
        }
    }

    fn rises(&mut self, number: usize, track: Option<u8>, at: u32, findings: &mut Findings) {
        if let Some(last) = self.last.filter(|last| at <= *last) {
            let text = format!("Packet {number} stands at {}, the one before it at {}.", msf(at), msf(last));
            match track {
                Some(track) => findings.of_track(TIMES_RISE, self.file, track, text),
                None => findings.tell(TIMES_RISE, self.file, text),
            }
        }
        self.last = Some(at);
    }

    fn take_index(&mut self, number: usize, track: u8, packet: &Packet, findings: &mut Findings) {
        let before = self.pq.tracks.last().map(|it| it.number);
        let is_new = before != Some(track);
        let shown = packet.index;
        // The distance within a track's pause has a rule of its own.
        let pause = self.pq.tracks.last().filter(|_| !is_new && shown == 1).and_then(|it| it.index0);
        match pause {
            Some(index0) if packet.at <= index0 => {
                let text = format!("INDEX 0 is at {}, INDEX 1 at {}.", msf(index0), msf(packet.at));
                findings.of_track(INDEX1_SOON, self.file, track, text);
                self.last = Some(packet.at);
            }
            _ => self.rises(number, Some(track), packet.at, findings),
        }
        if is_new {
            let wanted = before.map_or(1, |before| u16::from(before) + 1);
            if u16::from(track) != wanted {
                let text = format!("Track {track} stands where track {wanted} is due.");
                findings.of_track(TRACK_ORDER, self.file, track, text);
            }
            if shown > 1 {
                let text = format!("Its first index is {shown}.");
                findings.of_track(INDEX_ORDER, self.file, track, text);
            }
            let new = Track {
                number: track,
                flags: packet.control.map(flags).unwrap_or_default(),
                ..Track::default()
            };
            self.pq.tracks.push(new);
        }
        let file = self.file;
        let Some(building) = self.pq.tracks.last_mut() else { return };
        if !is_new {
            if packet.control.is_some_and(|control| flags(control) != building.flags) {
                findings.of_track(
                    PQ_CONTROL_DIFFERS,
                    file,
                    track,
                    format!("INDEX {shown} has other flags than its first."),
                );
            }
            let wanted = building.last_index.map_or(0, |last| u16::from(last) + 1);
            if u16::from(shown) != wanted {
                findings.of_track(
                    INDEX_ORDER,
                    file,
                    track,
                    format!("INDEX {shown} stands where INDEX {wanted} is due."),
                );
            }
        }
        building.last_index = Some(shown);
        match shown {
            0 => building.index0 = Some(packet.at),
            1 => building.start = Some(packet.at),
            _ => building.further.push((shown, packet.at)),
        }
        if building.isrc.is_empty() {
            building.isrc.clone_from(&packet.isrc);
        } else if !packet.isrc.is_empty() && packet.isrc != building.isrc {
            let text = format!("INDEX {shown} has {:?}, before it is {:?}.", packet.isrc, building.isrc);
            findings.of_track(ISRC_DIFFERS, file, track, text);
        }
    }

    fn finish(mut self, findings: &mut Findings) -> Pq {
        match self.lead_outs.as_slice() {
            [] => findings.tell(PQ_LEAD_OUT, self.file, "It has no lead-out.".into()),
            [_] => findings.tell(PQ_LEAD_OUT_ONCE, self.file, "The lead-out stands once.".into()),
            [one, two] if one == two => {}
            _ => {
                let text = "The lead-out stands more than twice, or at several times.".into();
                findings.tell(PQ_LEAD_OUT, self.file, text);
            }
        }
        self.pq.lead_out = self.lead_outs.first().copied();
        if self.pq.tracks.is_empty() {
            findings.tell(TRACKS_NONE, self.file, "It has no track.".into());
        }
        let starts: Vec<(Option<u32>, Option<u32>)> =
            self.pq.tracks.iter().map(|it| (it.index0.or(it.start), it.start)).collect();
        for (at, track) in self.pq.tracks.iter_mut().enumerate() {
            if track.start.is_none() {
                findings.of_track(TRACK_NO_START, self.file, track.number, "It has no INDEX 1.".into());
            }
            track.index1 = track.start.or(track.index0).unwrap_or(0);
            let next = starts.get(at + 1).and_then(|(begin, _)| *begin).or(self.pq.lead_out);
            track.end = next.unwrap_or(track.index1);
            let next = starts.get(at + 1).and_then(|(_, start)| *start).or(self.pq.lead_out);
            track.next_start = next.unwrap_or(track.index1);
        }
        self.pq
    }
}
