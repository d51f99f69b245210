//! Opus packets to samples (RFC 6716), with the layout and the gain that the header of the stream states (RFC 7845 5.1). The decoder
//! gives 16-bit integers: what a coder pushed beyond full scale is held there. Never here: pages of Ogg, what is left out at the ends.

use ropus::OpusMSDecoder;

/// Opus is decoded at 48 kHz whatever went in.
pub(super) const RATE_HZ: u32 = 48_000;
/// 120 ms, the longest packet (RFC 6716 3.2.5).
const MAX_PACKET_FRAMES: usize = 5_760;
/// Channels of mapping family 1 come in the order of Vorbis; for each count, from where our order (that of WAV) takes them.
const ORDERS: [&[usize]; 8] = [
    &[0],
    &[0, 1],
    &[0, 2, 1],
    &[0, 1, 2, 3],
    &[0, 2, 1, 3, 4],
    &[0, 2, 1, 5, 3, 4],
    &[0, 2, 1, 6, 5, 3, 4],
    &[0, 2, 1, 7, 5, 6, 3, 4],
];

pub(super) struct OpusDecoder {
    decoder: OpusMSDecoder,
    order: &'static [usize],
    scale: f64,
    pcm: Vec<i16>,
    pub(super) pre_skip: u64,
}

impl OpusDecoder {
    /// From the header packet. Errors say what is wrong with it.
    pub(super) fn new(head: &[u8]) -> Result<OpusDecoder, &'static str> {
        let Some([b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', version, channels, rest @ ..]) =
            head.first_chunk::<19>()
        else {
            return Err("its Opus header is cut off");
        };
        if *version > 15 {
            return Err("its Opus header is of a version that is not known");
        }
        let count = usize::from(*channels);
        let (pre_skip, gain) =
            (u16::from_le_bytes([rest[0], rest[1]]), i16::from_le_bytes([rest[6], rest[7]]));
        let (streams, coupled, mapping): (u8, u8, &[u8]) = match rest[8] {
            0 if count <= 2 => (1, channels.saturating_sub(1), &[0, 1]),
            1 if count <= ORDERS.len() => {
                let table = head.get(21..21 + count).ok_or("its table of channels is cut off")?;
                (head[19], head[20], table)
            }
            1 => return Err("it says more channels than its layout has"),
            _ => return Err("its channels have no meaning that is known"),
        };
        let order =
            count.checked_sub(1).and_then(|at| ORDERS.get(at)).ok_or("it says that it has no channels")?;
        // Each stream costs memory, and more streams than channels carry nothing that is heard.
        if usize::from(streams) > count {
            return Err("its table of channels cannot be true");
        }
        let decoder = OpusMSDecoder::new(
            RATE_HZ as i32,
            i32::from(*channels),
            i32::from(streams),
            i32::from(coupled),
            mapping,
        )
        .map_err(|_| "its table of channels cannot be true")?;
        // Q7.8 dB, and every decoder must apply it.
        let scale = crate::math::linear(f64::from(gain) / 256.0) / 32_768.0;
        let pcm = vec![0; MAX_PACKET_FRAMES * count];
        Ok(OpusDecoder { decoder, order, scale, pcm, pre_skip: u64::from(pre_skip) })
    }

    pub(super) fn channels(&self) -> usize {
        self.order.len()
    }

    /// One packet to planes, without the last `trim` frames. Gives the frames of the packet before trimming.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        trim: u64,
        planes: &mut Vec<Vec<f64>>,
    ) -> Result<usize, &'static str> {
        if packet.is_empty() {
            return Err("a packet is empty");
        }
        let bytes = i32::try_from(packet.len()).map_err(|_| "a packet is longer than any coder writes")?;
        let frames = self
            .decoder
            .decode(Some(packet), bytes, &mut self.pcm, MAX_PACKET_FRAMES as i32, false)
            .map_err(|_| "a packet cannot be decoded")?;
        let frames = usize::try_from(frames).map_err(|_| "a packet cannot be decoded")?;
        let kept = frames.saturating_sub(usize::try_from(trim).unwrap_or(usize::MAX));
        planes.resize_with(self.order.len(), Vec::new);
        for (plane, from) in planes.iter_mut().zip(self.order) {
            let samples = self.pcm.chunks_exact(self.order.len()).take(kept);
            plane.clear();
            plane.extend(samples.map(|frame| f64::from(frame[*from]) * self.scale));
        }
        Ok(frames)
    }
}
