//! Share links: something to hear for somebody who is no member. Never here: who may make one, and what a guest hears; the server says so.

use deadwax_proto::v1::{self, links_client::LinksClient};

use super::{ANSWER_BYTES_MAX, Client, NetError, QUESTION_BYTES_MAX, Wire, new_id};

impl Client {
    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn links(&self) -> LinksClient<Wire> {
        LinksClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// Repeated with the same command id: the same link comes, with a secret that nobody else has seen.
    pub async fn make_link(&self, asked: v1::MakeLinkRequest) -> Result<v1::MakeLinkResponse, NetError> {
        let asked = v1::MakeLinkRequest { command_id: new_id(), ..asked };
        self.again(|| async { self.links().make(asked.clone()).await }).await
    }

    /// The newest first, with what became of each.
    pub async fn list_links(&self, project_id: &str) -> Result<Vec<v1::LinkInfo>, NetError> {
        let asked = v1::ListLinksRequest { project_id: project_id.to_owned() };
        let answer: v1::ListLinksResponse =
            self.again(|| async { self.links().list(asked.clone()).await }).await?;
        Ok(answer.links)
    }

    /// Begins a session by a link. Nothing is tried twice: each success is one more of its sessions.
    pub async fn open_link(&self, asked: v1::OpenLinkRequest) -> Result<v1::OpenLinkResponse, NetError> {
        self.once(|| async { self.links().open(asked.clone()).await }).await
    }

    /// How many sessions were open.
    pub async fn revoke_link(&self, project_id: &str, link_id: &str) -> Result<u32, NetError> {
        let asked = v1::RevokeLinkRequest {
            command_id: new_id(),
            project_id: project_id.to_owned(),
            link_id: link_id.to_owned(),
        };
        let answer: v1::RevokeLinkResponse =
            self.again(|| async { self.links().revoke(asked.clone()).await }).await?;
        Ok(answer.sessions_ended)
    }
}

/// What is easily read aloud: no letter that looks or sounds like a digit.
const READABLE: &[u8; 30] = b"abcdefghjkmnpqrstuvwxyz2345679";

/// A password for a link, to be told to somebody: three groups of four, 58 bits.
///
/// # Errors
/// `File` where this machine gives no random numbers.
pub fn spoken_password() -> Result<String, NetError> {
    let mut text = String::new();
    while text.len() < 14 {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|error| NetError::File {
            what: "making a password".into(),
            source: std::sync::Arc::new(std::io::Error::other(error)),
        })?;
        // Eight whole rounds of thirty: each letter is as likely as any other.
        if let Some(letter) = READABLE.get(usize::from(byte[0]) % 30).filter(|_| byte[0] < 240) {
            if matches!(text.len(), 4 | 9) {
                text.push('-');
            }
            text.push(char::from(*letter));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_readable_and_never_the_same() {
        let all: Vec<String> = (0..200).map(|_| spoken_password().unwrap()).collect();
        for one in &all {
            assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4], "{one}");
            assert!(one.bytes().all(|it| it == b'-' || READABLE.contains(&it)), "{one}");
        }
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // Each letter comes: 2,400 drawn of 30.
        assert!(READABLE.iter().all(|letter| all.iter().any(|one| one.as_bytes().contains(letter))));
    }
}
