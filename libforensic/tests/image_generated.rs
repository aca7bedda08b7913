//! Proves that the committed code made from `proto/*.proto` is up to date.
//!
//! After a change of a `.proto` file run
//! `REGENERATE=1 cargo test -p libforensic --test image_generated`
//! and commit what it wrote.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use protox::Compiler;
use protox::prost_reflect::prost_types::FileDescriptorSet;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use protox::prost_reflect::{Cardinality, ExtensionDescriptor, FieldDescriptor, Kind, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compile() -> Compiler {
    let directory = root().join("proto");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "proto"))
        .collect();
    files.sort();
    let mut compiler = Compiler::new([&directory]).unwrap();
    compiler.include_source_info(true);
    compiler.open_files(files).unwrap();
    compiler
}

/// Makes the Rust structs bear what evidence may hold.
///
/// The `.proto` files say what CRIU's own do. In Rust a `string` is bytes,
/// since CRIU copies names from the kernel that need not be UTF-8, and nothing
/// is required, since dumps of older versions lack newer fields.
fn relax(set: &mut FileDescriptorSet) {
    set.file.retain(|file| file.name() != "crit.proto");
    for field in
        set.file.iter_mut().flat_map(|file| &mut file.message_type).flat_map(|message| &mut message.field)
    {
        if field.r#type() == Type::String {
            field.set_type(Type::Bytes);
        }
        if field.label() == Label::Required {
            field.set_label(Label::Optional);
        }
    }
}

fn structs(compiler: &Compiler) -> String {
    let mut set = compiler.file_descriptor_set();
    relax(&mut set);
    let out = tempfile::tempdir().unwrap();
    let mut config = prost_build::Config::new();
    // One file has one of twenty kinds: without boxes every record would be as
    // large as all of them together, and a dump can hold a million.
    for field in FILE_KINDS {
        config.boxed(format!(".criu.file_entry.{field}"));
    }
    config.enable_type_names().out_dir(out.path()).compile_fds(set).unwrap();
    let text = fs::read_to_string(out.path().join("criu.rs")).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    format!("{first}\n// See tests/image_generated.rs for how to make it again.\n{rest}")
}

fn constant(full_name: &str) -> String {
    full_name.trim_start_matches("criu.").replace('.', "_").to_uppercase()
}

fn option(options: &protox::prost_reflect::DynamicMessage, name: &str) -> Option<Value> {
    options.has_field_by_name(name).then(|| options.get_field_by_name(name).unwrap().into_owned())
}

fn format_of(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> String {
    let options = field.options();
    let value = options.get_extension(extension);
    let crit = value.as_message().unwrap();
    let set = |name| option(crit, name) == Some(Value::Bool(true));
    let text = |name| option(crit, name).map(|value| value.as_str().unwrap().to_owned());
    if set("hex") {
        "Format::Hex".to_owned()
    } else if set("odev") {
        "Format::UserDevice".to_owned()
    } else if set("dev") {
        "Format::KernelDevice".to_owned()
    } else if set("ipadd") {
        "Format::Address".to_owned()
    } else if let Some(map) = text("flags") {
        format!("Format::Flags({map:?})")
    } else if let Some(map) = text("dict") {
        format!("Format::Names({map:?})")
    } else if let Some(conversion) = text("conv") {
        assert_eq!(conversion, "unix_name");
        "Format::UnixName".to_owned()
    } else {
        "Format::Plain".to_owned()
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Uint32 => "Type::U32".to_owned(),
        Kind::Uint64 => "Type::U64".to_owned(),
        Kind::Int32 => "Type::I32".to_owned(),
        Kind::Int64 => "Type::I64".to_owned(),
        Kind::Sint32 => "Type::S32".to_owned(),
        Kind::Sint64 => "Type::S64".to_owned(),
        Kind::Fixed64 => "Type::Fixed64".to_owned(),
        Kind::Bool => "Type::Bool".to_owned(),
        Kind::String => "Type::Text".to_owned(),
        Kind::Bytes => "Type::Bytes".to_owned(),
        Kind::Enum(ty) => format!("Type::Enum(&{})", constant(ty.full_name())),
        Kind::Message(ty) => format!("Type::Message(&messages::{})", constant(ty.full_name())),
        other => panic!("{}: no type for {other:?}", field.full_name()),
    }
}

fn label_of(field: &FieldDescriptor) -> &'static str {
    match field.cardinality() {
        Cardinality::Optional => "Label::Optional",
        Cardinality::Required => "Label::Required",
        Cardinality::Repeated if field.is_packed() => "Label::Packed",
        Cardinality::Repeated => "Label::Repeated",
    }
}

fn tables(compiler: &Compiler) -> String {
    let pool = compiler.descriptor_pool();
    let extension = pool.get_extension_by_name("criu.crit").unwrap();
    let mut out = String::from(
        "// Made from proto/*.proto. See tests/image_generated.rs for how to make it again.\n\n\
         use super::{Enum, Field, Format, Label, Message, Type};\n",
    );
    let mut all: Vec<_> = pool
        .all_messages()
        .filter(|message| message.package_name() == "criu" && message.name() != "CritFormat")
        .collect();
    all.sort_by(|a, b| a.full_name().cmp(b.full_name()));

    let mut enums = BTreeSet::new();
    for ty in pool.all_enums().filter(|ty| ty.package_name() == "criu") {
        let mut text = format!(
            "\nstatic {}: Enum = Enum {{ name: {:?}, values: &[",
            constant(ty.full_name()),
            ty.full_name().trim_start_matches("criu.")
        );
        for value in ty.values() {
            write!(text, "({}, {:?}), ", value.number(), value.name()).unwrap();
        }
        text.push_str("] };\n");
        enums.insert((ty.full_name().to_owned(), text));
    }
    let mut used = String::new();
    let mut body = String::new();
    for message in &all {
        writeln!(
            body,
            "    /// Describes `{0}`.\n    pub static {1}: Message = Message {{ name: {0:?}, fields: &[",
            message.name(),
            constant(message.full_name())
        )
        .unwrap();
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            let ty = type_of(&field);
            used.push_str(&ty);
            writeln!(
                body,
                "        Field {{ number: {}, name: {:?}, ty: {}, label: {}, format: {} }},",
                field.number(),
                field.name(),
                ty,
                label_of(&field),
                format_of(&field, &extension)
            )
            .unwrap();
        }
        body.push_str("    ] };\n");
    }
    for (name, text) in &enums {
        if used.contains(&format!("Type::Enum(&{})", constant(name))) {
            out.push_str(text);
        }
    }
    out.push_str("\n/// Every message by its name in capitals.\npub mod messages {\n    use super::*;\n\n");
    out.push_str(&body);
    out.push_str("}\n\n/// All messages, sorted by name.\npub static MESSAGES: &[&Message] = &[\n");
    for message in &all {
        writeln!(out, "    &messages::{},", constant(message.full_name())).unwrap();
    }
    out.push_str("];\n");
    out
}

fn check(path: &str, fresh: &str) {
    let path = root().join(path);
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "{} differs from what proto/*.proto give; \
         run REGENERATE=1 cargo test -p libforensic --test image_generated",
        path.display()
    );
}

/// The members of `file_entry` of which each record has one.
const FILE_KINDS: [&str; 20] = [
    "reg", "isk", "nsf", "psk", "nlsk", "efd", "epfd", "sgfd", "tunf", "tfd", "ify", "ffy", "ext", "usk",
    "fifo", "pipe", "tty", "memfd", "bpf", "pidfd",
];

#[test]
fn structs_are_up_to_date() {
    check("src/image/proto.rs", &structs(&compile()));
}

#[test]
fn tables_are_up_to_date() {
    check("src/image/schema_table.rs", &tables(&compile()));
}
