//! The key of somebody's machine, as any client has one: what it signs beside a code, a challenge, and a call that a token alone does not make. Never here: a line to a
//! server.

use std::sync::Arc;

use deadwax_proto::v1;
use sha2::Digest as _;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, rand_core::OsRng};

#[derive(Clone)]
pub struct Machine(Arc<PrivateKey>);

impl Machine {
    pub fn new() -> Self {
        Self(Arc::new(PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap()))
    }

    pub fn line(&self) -> String {
        self.0.public_key().to_openssh().unwrap()
    }

    pub fn sign(&self, namespace: &str, text: &str) -> String {
        self.0.sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    pub fn with_code(&self, code: &str, passphrase: &str) -> v1::LoginRequest {
        let hashed = hex::encode(sha2::Sha256::digest(code.as_bytes()));
        v1::LoginRequest {
            code: code.into(),
            device: "test".into(),
            api: deadwax_proto::API,
            passphrase: passphrase.into(),
            device_key: self.line(),
            device_signature: self.sign("device@deadwax", &format!("deadwax code {hashed}\n")),
        }
    }

    /// The answer to a challenge, for another session.
    pub fn again(&self, challenge: String, passphrase: &str) -> v1::SignInRequest {
        v1::SignInRequest {
            device_key: self.line(),
            device_signature: self.sign("device@deadwax", &format!("deadwax challenge {challenge}\n")),
            challenge,
            passphrase: passphrase.into(),
            api: deadwax_proto::API,
        }
    }

    /// The answer to a challenge, beside a call.
    pub fn proof(&self, call: &str, challenge: String) -> v1::Proof {
        let signed = self.sign("device@deadwax", &format!("deadwax again {call} {challenge}\n"));
        v1::Proof { challenge, device_key: self.line(), device_signature: signed }
    }
}
