//! A real S3 server of the tests' own, which goes with the process however that ends. Where none is installed there is none, and the tests say `not-run`;
//! `DEADWAX_TEST_S3=required` makes that a failure. Never here: what is tested.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

pub(crate) struct Moto {
    port: u16,
    /// Ends the server when its standard input closes: at the drop of this, or with the process.
    _reaper: Child,
}

pub(crate) fn is_here() -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("moto_server").exists())
}

static BUCKETS: AtomicU32 = AtomicU32::new(0);

impl Moto {
    /// One for all tests that only want a bucket.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Moto>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    pub(crate) fn start(more: &[&str]) -> Option<Self> {
        if !is_here() {
            let demanded = std::env::var("DEADWAX_TEST_S3").is_ok_and(|word| word == "required");
            assert!(!demanded, "DEADWAX_TEST_S3 demands an S3 server, and none is installed");
            println!("not-run: no S3 server is installed (pip install 'moto[server]')");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let _reaper = Command::new("sh")
            .args([
                "-c",
                "moto_server \"$@\" <&- >/dev/null 2>&1 & server=$!; cat >/dev/null; kill $server",
                "moto",
            ])
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let moto = Self { port, _reaper };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(moto);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the S3 server does not listen after a minute");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A fresh one.
    pub(crate) fn bucket(&self) -> String {
        let bucket = format!("music-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let asked = format!(
            "PUT /{bucket} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        line.write_all(asked.as_bytes()).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        bucket
    }
}
