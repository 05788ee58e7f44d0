//! The corpus of the fuzz target `segment` through the same function, with the stable compiler; the other targets' are run by
//! gladhand-protocol.

#[path = "../../../fuzz/src/segment.rs"]
#[allow(unreachable_pub)]
mod segment;

#[test]
fn every_segment_of_the_corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/segment");
    let inputs: Vec<_> = std::fs::read_dir(folder).expect("the corpus").collect();
    assert!(inputs.len() >= 3);
    for input in inputs {
        segment::segment(&std::fs::read(input.expect("an input").path()).expect("bytes"));
    }
}
