//! Showing again who one is: calls that a token alone does not make are signed by this machine, over a fresh challenge and the call's own name. Nobody is asked
//! anything. Never here: which calls want it (the server says so), how the key signs (`receipt::device`).

use deadwax_proto::v1;
use tonic::Status;

use super::{Client, NetError};
use crate::receipt::device::Device;

/// The key of this machine; without one nothing is shown, and the server says what follows from that.
pub(super) struct Machine(Option<Device>);

impl Client {
    /// # Errors
    /// Where the profile was damaged.
    pub(super) fn machine(&self) -> Result<Machine, NetError> {
        let read = |kept: &std::sync::Arc<zeroize::Zeroizing<String>>| {
            Device::read(kept).map_err(|_| {
                NetError::Address(
                    "the key of this machine in the profile is damaged; sign in with a new invite link"
                        .into(),
                )
            })
        };
        self.machine.as_ref().map(read).transpose().map(Machine)
    }

    /// For one call and once. Made anew where a call is sent again, because the first may have used it up.
    pub(super) async fn proof(&self, by: &Machine, call: &str) -> Result<Option<v1::Proof>, Status> {
        let Some(device) = &by.0 else { return Ok(None) };
        let asked = self.sessions().challenge(v1::ChallengeRequest {}).await?;
        let challenge = asked.into_inner().challenge;
        let signed = device.sign_again(call, &challenge);
        let device_signature =
            signed.map_err(|_| Status::internal("the key of this machine could not sign"))?;
        Ok(Some(v1::Proof { challenge, device_key: device.line().to_owned(), device_signature }))
    }
}
