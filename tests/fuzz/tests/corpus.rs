//! The inputs that were kept, replayed: seeds of every kind, and what once was a fault.

use std::fs;
use std::path::Path;

use suture_fuzz::TARGETS;

#[test]
fn every_kept_input_is_taken_or_refused_and_nothing_panics() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let mut tried = 0;
        for file in fs::read_dir(corpus.join(target.name)).unwrap() {
            let file = file.unwrap().path();
            // Shown only where the test fails: it names the input that did it.
            println!("{}", file.display());
            (target.run)(&fs::read(&file).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "no kept input for {}", target.name);
    }
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in fs::read_dir(corpus).unwrap() {
        let name = folder.unwrap().file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "{name:?} belongs to no target");
    }
}
