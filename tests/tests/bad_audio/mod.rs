//! Files as no session exports them. Only bytes are made here.

/// A WAV of one format chunk and one data chunk, whatever the numbers mean.
pub fn wav(format: u16, bits: u16, channels: u16, rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let frame = channels * (bits / 8);
    let mut out = Vec::with_capacity(44 + data.len());
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&format.to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&rate_hz.to_le_bytes());
    out.extend_from_slice(&rate_hz.wrapping_mul(u32::from(frame)).to_le_bytes());
    out.extend_from_slice(&frame.to_le_bytes());
    out.extend_from_slice(&bits.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    out
}

pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// An RF64 whose ds64 chunk claims four petabytes of sound in a file of a few hundred bytes.
pub fn rf64_of_petabytes() -> Vec<u8> {
    let claimed = 1u64 << 52;
    let mut out = b"RF64\xff\xff\xff\xffWAVEds64".to_vec();
    out.extend_from_slice(&28u32.to_le_bytes());
    out.extend_from_slice(&(claimed + 72).to_le_bytes());
    out.extend_from_slice(&claimed.to_le_bytes());
    out.extend_from_slice(&(claimed / 6).to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    let plain = wav(1, 24, 2, 48_000, &noise(300));
    out.extend_from_slice(&plain[12..40]);
    out.extend_from_slice(&u32::MAX.to_le_bytes());
    out.extend_from_slice(&plain[44..]);
    out
}
