//! The key of this machine for one profile: with it and the passphrase its person signs in again without a link. It is made at the first sign-in, stays in
//! the profile, and signs nothing but that. Never here: the key that approvals are signed with (`keys`).

use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, rand_core::OsRng};
use zeroize::Zeroizing;

use super::Trouble;

/// What its signatures are for; as the contract says.
const NAMESPACE: &str = "device@deadwax";

/// Not `Debug`: it holds the key.
pub struct Device(PrivateKey);

impl Device {
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn make() -> Result<Device, Trouble> {
        PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map(Device).map_err(|_| failed())
    }

    /// # Errors
    /// `KEY_INVALID` where the profile was damaged.
    pub fn read(kept: &str) -> Result<Device, Trouble> {
        PrivateKey::from_openssh(kept).map(Device).map_err(|_| failed())
    }

    /// As the profile keeps it.
    ///
    /// # Errors
    /// Where it cannot be written as text.
    pub fn text(&self) -> Result<Zeroizing<String>, Trouble> {
        self.0.to_openssh(LineEnding::LF).map_err(|_| failed())
    }

    /// One line as in `authorized_keys`.
    ///
    /// # Errors
    /// Where it cannot be written as text.
    pub fn line(&self) -> Result<String, Trouble> {
        let line = self.0.public_key().to_openssh().map_err(|_| failed())?;
        Ok(line.trim().to_owned())
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

    fn sign(&self, text: &str) -> Result<String, Trouble> {
        let signature = self.0.sign(NAMESPACE, HashAlg::Sha512, text.as_bytes());
        signature.and_then(|it| it.to_pem(LineEnding::LF)).map_err(|_| failed())
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
        assert_eq!(made.line().unwrap(), read.line().unwrap());
        assert!(made.line().unwrap().starts_with("ssh-ed25519 "));
        let signed = read.sign_challenge("00ff").unwrap();
        let text = "deadwax challenge 00ff\n";
        assert!(super::super::sign::verify(NAMESPACE, text, &signed).is_ok());
        assert!(super::super::sign::verify("statement@deadwax", text, &signed).is_err());
        assert!(super::super::sign::verify(NAMESPACE, "deadwax challenge 00fe\n", &signed).is_err());
        assert!(Device::read("no key").is_err());
    }
}
