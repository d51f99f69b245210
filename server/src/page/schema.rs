//! The contract as the page's own codec reads it: fields by number, names of enums, services; of the calls that the page makes and no others. Never here: the encoding
//! itself (`server/page/codec.js`).

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use serde::Serialize;

const PACKAGE: &str = "deadwax.v1";

#[derive(Debug, Default, Serialize)]
pub struct Schema {
    messages: BTreeMap<String, Vec<Field>>,
    /// The names by number, without what they begin with.
    enums: BTreeMap<String, Vec<Option<String>>>,
    /// By service and method: what it asks and answers.
    services: BTreeMap<String, BTreeMap<String, (String, String)>>,
}

/// Number, name, kind, how many, and the type of a message or enum.
#[derive(Debug, Serialize)]
struct Field(i32, String, char, u8, #[serde(skip_serializing_if = "Option::is_none")] Option<String>);

/// Of what the sources call.
pub fn of(descriptors: &[u8], sources: &[(&str, &str)]) -> Schema {
    let Ok(set) = FileDescriptorSet::decode(descriptors) else { return Schema::default() };
    let files: Vec<_> = set.file.into_iter().filter(|file| file.package() == PACKAGE).collect();
    let messages: BTreeMap<&str, &DescriptorProto> =
        files.iter().flat_map(|file| &file.message_type).map(|it| (it.name(), it)).collect();
    let enums: BTreeMap<&str, &EnumDescriptorProto> =
        files.iter().flat_map(|file| &file.enum_type).map(|it| (it.name(), it)).collect();
    let mut schema = Schema::default();
    let mut open = Vec::new();
    for (service, method) in
        files.iter().flat_map(|file| &file.service).flat_map(|it| it.method.iter().map(move |one| (it, one)))
    {
        let call = format!("\"{}.{}\"", service.name(), method.name());
        if !sources.iter().any(|(_, text)| text.contains(&call)) {
            continue;
        }
        let (asks, answers) = (bare(method.input_type()), bare(method.output_type()));
        open.extend([asks.to_owned(), answers.to_owned()]);
        let of = schema.services.entry(service.name().to_owned()).or_default();
        of.insert(method.name().to_owned(), (asks.to_owned(), answers.to_owned()));
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(message) = messages.get(name.as_str()) {
            let fields: Vec<Field> = message.field.iter().map(field).collect();
            open.extend(fields.iter().filter_map(|field| field.4.clone()));
            schema.messages.insert(name, fields);
        } else if let Some(found) = enums.get(name.as_str()) {
            schema.enums.insert(name, words(found));
        }
    }
    schema
}

fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn field(field: &FieldDescriptorProto) -> Field {
    let kind = match field.r#type() {
        Type::Double => 'd',
        Type::Float => 'f',
        Type::Bool => 'b',
        Type::String => 's',
        Type::Bytes => 'y',
        Type::Message | Type::Group => 'm',
        Type::Enum => 'e',
        Type::Sint32 | Type::Sint64 => 'z',
        _ => 'i',
    };
    let card = match (field.label(), field.oneof_index) {
        (Label::Repeated, _) => 1,
        (_, Some(_)) => 2,
        _ => 0,
    };
    let named = !field.type_name().is_empty();
    Field(
        field.number(),
        field.name().to_owned(),
        kind,
        card,
        named.then(|| bare(field.type_name()).to_owned()),
    )
}

/// `MixEngineer` of `Role` is ROLE_MIX_ENGINEER on the wire's side and MIX_ENGINEER here.
fn words(found: &EnumDescriptorProto) -> Vec<Option<String>> {
    let mut begins = String::new();
    for (at, letter) in found.name().char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            begins.push('_');
        }
        begins.push(letter.to_ascii_uppercase());
    }
    begins.push('_');
    let mut words = Vec::new();
    for value in &found.value {
        let Ok(number) = usize::try_from(value.number()) else { continue };
        words.resize(words.len().max(number + 1), None);
        words[number] = Some(value.name().strip_prefix(&begins).unwrap_or(value.name()).to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{super::bundle, *};

    #[test]
    fn every_call_of_the_page_is_one_of_the_contract() {
        let schema = of(deadwax_proto::DESCRIPTORS, &bundle::sources());
        let services = ["Sessions", "Projects", "Media", "Records", "Links"];
        let mut called = BTreeSet::new();
        for (name, text) in bundle::sources() {
            for service in services {
                for part in text.split(&format!("\"{service}.")).skip(1) {
                    let method = part.split('"').next().unwrap();
                    called.insert((service, method));
                    let known = schema.services.get(service).is_some_and(|it| it.contains_key(method));
                    assert!(known, "{name}.js calls {service}.{method}");
                }
            }
        }
        assert!(called.len() > 15, "{called:?}");
    }

    #[test]
    fn fields_are_as_the_contract_has_them() {
        let schema = of(deadwax_proto::DESCRIPTORS, &[("a", "\"Projects.Watch\" \"Media.Waveform\"")]);
        let find = |message: &str, name: &str| {
            let field = schema.messages[message].iter().find(|it| it.1 == name).unwrap();
            (field.0, field.2, field.3, field.4.clone())
        };
        assert_eq!(find("Row", "note"), (7, 'm', 2, Some("NoteRow".into())));
        assert_eq!(find("NoteRow", "start_ms"), (10, 'i', 2, None));
        assert_eq!(find("Update", "removals"), (4, 's', 1, None));
        assert_eq!(find("WaveformResponse", "min"), (4, 'z', 1, None));
        assert_eq!(find("AudioFacts", "integrated_lufs"), (9, 'd', 0, None));
        assert_eq!(schema.enums["Role"][3].as_deref(), Some("MIX_ENGINEER"));
        assert_eq!(schema.enums["VersionKind"][2].as_deref(), Some("MIX"));
        assert!(!schema.messages.contains_key("LoginRequest") && !schema.services.contains_key("Sessions"));
    }
}
