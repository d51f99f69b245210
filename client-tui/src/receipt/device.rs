//! The key of this machine for one profile: with it and the passphrase its person signs in again without a link. It is made at the first sign-in, stays in
//! the profile, and signs nothing but that, and what a session's token alone does not do. Never here: the key that approvals are signed with (`keys`).

use ssh_key::{Algorithm, LineEnding, PrivateKey, rand_core::OsRng};
use zeroize::Zeroizing;

use super::{
    Trouble,
    keys::{Signer, Way},
    sign,
};

/// What its signatures are for; as the contract says.
const NAMESPACE: &str = "device@deadwax";

/// Not `Debug`: it holds the key.
pub struct Device(Signer);

impl Device {
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn make() -> Result<Device, Trouble> {
        PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(|_| failed()).and_then(Device::of)
    }

    /// # Errors
    /// `KEY_INVALID` where the profile was damaged.
    pub fn read(kept: &str) -> Result<Device, Trouble> {
        PrivateKey::from_openssh(kept).map_err(|_| failed()).and_then(Device::of)
    }

    fn of(key: PrivateKey) -> Result<Device, Trouble> {
        Signer::here(key, "of this machine").map(Device).map_err(|_| failed())
    }

    /// As the profile keeps it.
    ///
    /// # Errors
    /// Where it cannot be written as text.
    pub fn text(&self) -> Result<Zeroizing<String>, Trouble> {
        match self.0.way() {
            Way::Here(key) => key.to_openssh(LineEnding::LF).map_err(|_| failed()),
            Way::Agent(_) => Err(failed()),
        }
    }

    /// One line as in `authorized_keys`.
    pub fn line(&self) -> &str {
        self.0.line()
    }

    /// Shows that this machine has the key that is to be known, beside a code.
    ///
    /// # Errors
    /// Where signing failed.
    pub fn sign_code(&self, code: &str) -> Result<String, Trouble> {
        use sha2::Digest as _;
        let code = hex::encode(sha2::Sha256::digest(code.as_bytes()));
        self.sign(&format!("deadwax code {code}\n"))
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Where signing failed.
    pub fn sign_challenge(&self, challenge: &str) -> Result<String, Trouble> {
        self.sign(&format!("deadwax challenge {challenge}\n"))
    }

    /// Shows again, beside a call that a token alone does not make, that the session's own machine makes it.
    ///
    /// # Errors
    /// Where signing failed.
    pub fn sign_again(&self, call: &str, challenge: &str) -> Result<String, Trouble> {
        self.sign(&format!("deadwax again {call} {challenge}\n"))
    }

    fn sign(&self, text: &str) -> Result<String, Trouble> {
        sign::sign(&self.0, NAMESPACE, text).map_err(|_| failed())
    }
}

fn failed() -> Trouble {
    Trouble::no(
        "KEY_INVALID",
        "The key of this machine cannot be used.",
        "Sign in with a new invite link: deadwax login LINK.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_from_the_profile_and_signs_for_its_own_purpose_alone() {
        let made = Device::make().unwrap();
        let kept = made.text().unwrap();
        let read = Device::read(&kept).unwrap();
        assert_eq!(made.line(), read.line());
        assert!(made.line().starts_with("ssh-ed25519 "));
        let signed = read.sign_challenge("00ff").unwrap();
        let text = "deadwax challenge 00ff\n";
        assert!(super::super::sign::verify(NAMESPACE, text, &signed).is_ok());
        assert!(super::super::sign::verify("statement@deadwax", text, &signed).is_err());
        assert!(super::super::sign::verify(NAMESPACE, "deadwax challenge 00fe\n", &signed).is_err());
        let again = read.sign_again("RevokeSession", "00ff").unwrap();
        let text = "deadwax again RevokeSession 00ff\n";
        assert!(super::super::sign::verify(NAMESPACE, text, &again).is_ok());
        for other in ["deadwax again SetPassphrase 00ff\n", "deadwax challenge 00ff\n"] {
            assert!(super::super::sign::verify(NAMESPACE, other, &again).is_err());
        }
        assert!(Device::read("no key").is_err());
    }
}
