//! Sound through PulseAudio, or PipeWire which speaks its protocol: a stream of 32-bit floats at the deck's own rate. The server asks for frames; paused, it asks for
//! none. What leaves the loudspeaker is told by the server. Never here: volume, which is the person's own.

use std::{os::unix::net::UnixStream, path::PathBuf, time::Duration};

use futures::future::BoxFuture;
use pulseaudio::{AsPlaybackSource as _, Client, PlaybackStream, protocol};

use super::{FRAME_BYTES, Frame, Lost, Output, Pull, write_frames};

/// In the server's buffer: short enough to feel like a switch, long enough for a busy machine.
const BUFFER_MS: u64 = 80;
/// A server that does not answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(3);
const COOKIE_BYTES_MAX: u64 = 1024;

pub(super) struct Pulse {
    stream: PlaybackStream,
    rate: u32,
    // The connection ends with it.
    _client: Client,
}

impl Pulse {
    pub(super) async fn open(rate: u32, pull: Pull) -> Result<Pulse, String> {
        let opening = async {
            let connect = tokio::task::spawn_blocking(connect);
            let client = connect.await.map_err(|_| "it could not be asked".to_owned())??;
            let stream = client
                .create_playback_stream(parameters(rate), feed(pull).as_playback_source())
                .await
                .map_err(|e| e.to_string())?;
            Ok(Pulse { stream, rate, _client: client })
        };
        tokio::time::timeout(PATIENCE, opening).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, pulseaudio::ClientError>>,
    ) -> Result<T, Lost> {
        tokio::time::timeout(PATIENCE, call).await.map_err(|_| Lost)?.map_err(|_| Lost)
    }
}

fn connect() -> Result<Client, String> {
    let mut why = "there is no server".to_owned();
    for path in sockets() {
        match UnixStream::connect(&path) {
            Ok(socket) => {
                // A server that hangs is not waited for.
                drop(socket.set_read_timeout(Some(PATIENCE)));
                let cookie = pulseaudio::cookie_path_from_env().filter(|path| {
                    path.metadata().is_ok_and(|about| about.is_file() && about.len() <= COOKIE_BYTES_MAX)
                });
                let cookie = cookie.and_then(|path| std::fs::read(path).ok());
                return Client::new_unix(c"Deadwax", socket, cookie).map_err(|e| e.to_string());
            }
            Err(e) => why = e.to_string(),
        }
    }
    Err(why)
}

/// Where a server may listen, as PulseAudio's own clients look.
fn sockets() -> Vec<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let mut found = Vec::new();
    if let Some(server) = std::env::var("PULSE_SERVER").ok().filter(|it| !it.is_empty()) {
        // A server that was named is the only one; over the network we do not go.
        let path = server.rsplit_once("unix:").map_or(server.as_str(), |(_, path)| path);
        return if path.starts_with('/') { vec![path.into()] } else { Vec::new() };
    }
    if let Some(folder) = named("PULSE_RUNTIME_PATH") {
        found.push(folder.join("native"));
        found.push(folder.join("pulse/native"));
    }
    if let Some(folder) = named("XDG_RUNTIME_DIR") {
        found.push(folder.join("pulse/native"));
    }
    found.push("/var/run/pulse/native".into());
    found.retain(|path| path.exists());
    found
}

fn parameters(rate: u32) -> protocol::PlaybackStreamParams {
    let bytes = u64::from(rate) * BUFFER_MS / 1000 * FRAME_BYTES as u64;
    protocol::PlaybackStreamParams {
        sample_spec: protocol::SampleSpec {
            format: protocol::SampleFormat::Float32Le,
            channels: 2,
            sample_rate: rate,
        },
        channel_map: protocol::ChannelMap::stereo(),
        sink_name: Some(protocol::DEFAULT_SINK.to_owned()),
        buffer_attr: protocol::stream::BufferAttr {
            target_length: u32::try_from(bytes).unwrap_or(u32::MAX),
            ..protocol::stream::BufferAttr::default()
        },
        flags: protocol::stream::StreamFlags {
            start_corked: true,
            adjust_latency: true,
            ..protocol::stream::StreamFlags::default()
        },
        ..protocol::PlaybackStreamParams::default()
    }
}

/// Called by the connection's thread whenever the server asks for more.
fn feed(pull: Pull) -> impl FnMut(&mut [u8]) -> usize + Send + 'static {
    let mut frames: Vec<Frame> = Vec::new();
    move |bytes: &mut [u8]| {
        let count = bytes.len() / FRAME_BYTES;
        if count == 0 {
            // An answer of nothing would end the stream.
            bytes.fill(0);
            return bytes.len();
        }
        frames.resize(count, [0.0; 2]);
        pull(&mut frames);
        write_frames(&frames, bytes);
        count * FRAME_BYTES
    }
}

impl Output for Pulse {
    fn name(&self) -> &'static str {
        "PulseAudio"
    }

    fn is_audible(&self) -> bool {
        true
    }

    fn play(&self) -> BoxFuture<'_, Result<(), Lost>> {
        Box::pin(self.within(self.stream.uncork()))
    }

    fn rest(&self) -> BoxFuture<'_, Result<(), Lost>> {
        Box::pin(self.within(self.stream.cork()))
    }

    fn waiting(&self) -> BoxFuture<'_, Result<u64, Lost>> {
        Box::pin(async {
            let timing = self.within(self.stream.timing_info()).await?;
            let buffered = u64::try_from(timing.write_offset - timing.read_offset).unwrap_or(0);
            let device = timing.sink_usec.min(2_000_000) * u64::from(self.rate) / 1_000_000;
            Ok(buffered / FRAME_BYTES as u64 + device)
        })
    }
}
