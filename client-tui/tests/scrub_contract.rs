//! S-1 over the whole contract: every text field of every answer is filled with what a terminal would obey, sent through the decoder, and
//! scrubbed. A field that a later version of the contract adds is in this test by itself.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

use std::collections::BTreeMap;

use deadwax_client::net::Clean;
use deadwax_proto::v1;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

const HOSTILE: &str = "a\x1b[2J\u{9b}31m\u{202e}\u{200b}b";
const PACKAGE: &str = "deadwax.v1";

struct Contract {
    messages: BTreeMap<String, DescriptorProto>,
    /// What the services answer.
    answers: Vec<String>,
}

fn contract() -> Contract {
    let set = FileDescriptorSet::decode(deadwax_proto::DESCRIPTORS).unwrap();
    let (mut messages, mut answers) = (BTreeMap::new(), Vec::new());
    for file in set.file.iter().filter(|f| f.package() == PACKAGE) {
        for message in &file.message_type {
            messages.insert(format!(".{PACKAGE}.{}", message.name()), message.clone());
        }
        for method in file.service.iter().flat_map(|s| &s.method) {
            answers.push(method.output_type().to_owned());
        }
    }
    answers.sort();
    answers.dedup();
    Contract { messages, answers }
}

impl Contract {
    /// The message with every text hostile: one for each choice of its oneof, and at least one. The manifest of a delivery is a file and stays
    /// as it is; whoever prints it scrubs it then.
    fn hostile(&self, name: &str) -> Vec<Vec<u8>> {
        let message = &self.messages[name];
        let mut base = Vec::new();
        let mut choices = Vec::new();
        for field in message.field.iter().filter(|f| f.name() != "manifest_json") {
            let values: Vec<Vec<u8>> = match field.r#type() {
                Type::String => vec![HOSTILE.into()],
                Type::Message => self.hostile(field.type_name()),
                _ => continue,
            };
            let mut bytes = Vec::new();
            for value in values {
                prost::encoding::encode_key(
                    field.number() as u32,
                    prost::encoding::WireType::LengthDelimited,
                    &mut bytes,
                );
                prost::encoding::encode_varint(value.len() as u64, &mut bytes);
                bytes.extend(value);
            }
            if field.oneof_index.is_some() && !field.proto3_optional() {
                choices.push(bytes);
            } else {
                base.extend(bytes);
            }
        }
        if choices.is_empty() {
            return vec![base];
        }
        choices.into_iter().map(|choice| [base.clone(), choice].concat()).collect()
    }

    fn check<T: Message + Default + Clean + std::fmt::Debug>(&self, name: &str) {
        for bytes in self.hostile(name) {
            let mut message = T::decode(bytes.as_slice()).unwrap();
            let before = format!("{message:?}");
            message.clean();
            let after = format!("{message:?}");
            for hostile in ["\\u{1b}", "\\u{9b}", "\\u{202e}", "\\u{200b}"] {
                let field =
                    after.find(hostile).map(|at| after[..at].chars().rev().take(80).collect::<Vec<_>>());
                let field: Option<String> = field.map(|f| f.into_iter().rev().collect());
                assert!(field.is_none(), "{name} keeps {hostile} in ...{}", field.unwrap());
            }
            let texts = |text: &str| text.matches("[2J").count();
            assert_eq!(texts(&before), texts(&after), "{name} lost a text");
        }
    }
}

#[test]
fn no_text_of_any_answer_keeps_what_a_terminal_obeys() {
    let contract = contract();
    macro_rules! checked {
        ($($known:ident)*) => {
            for answer in &contract.answers {
                match answer.strip_prefix(".deadwax.v1.").unwrap() {
                    $(stringify!($known) => contract.check::<v1::$known>(answer),)*
                    // Bytes alone.
                    "DownloadChunk" => {}
                    // Held to digests and signatures byte by byte; who prints a part of it scrubs it then. The name of the zip is not used.
                    "ChainChunk" | "EvidenceChunk" => {}
                    // Its package is read and scrubbed by itself.
                    "HandoffChunk" => contract.check::<v1::Package>(".deadwax.v1.Package"),
                    // Likewise its cover.
                    "CoverChunk" => contract.check::<v1::Cover>(".deadwax.v1.Cover"),
                    other => panic!("{other} is a new answer of the contract: scrub it, and name it here"),
                }
            }
        };
    }
    checked! {
        ServerInfo LoginResponse ChallengeResponse SetPassphraseResponse EndAccessResponse LogoutResponse Person CreateInviteResponse ListSessionsResponse RevokeSessionResponse
        PerformResponse ListResponse Update HistoryResponse TryGateResponse TurnaroundResponse WebhookSecretResponse DeskResponse
        UploadState WaveformResponse CompareResponse ReportHeardResponse ListInvitesResponse RevokeInviteResponse Attendance
        RenderProgress GetSheetResponse ListRecipesResponse CheckRecipeResponse ListProfilesResponse PlanResponse
        RecordProgress PutCoverResponse GetRecordResponse GetReportResponse ReceivedResponse
        MakeLinkResponse ListLinksResponse RevokeLinkResponse OpenLinkResponse
    }
}

#[test]
fn the_test_itself_reaches_deep_and_every_kind_of_row() {
    let contract = contract();
    let update = v1::Update::decode(contract.hostile(".deadwax.v1.Update")[0].as_slice()).unwrap();
    let text = format!("{update:?}");
    for part in [
        "Project(",
        "Song(",
        "Note(",
        "Recipe(",
        "mend: \"a\\u{1b}",
        "ranking: [\"a\\u{1b}",
        "codes: [\"a\\u{1b}",
    ] {
        assert!(text.contains(part), "{part}");
    }
}
