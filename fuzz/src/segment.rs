//! A segment of the spool: whatever became of its bytes, what is whole behind the damage is found.
//!
//! In a file of its own, since it needs the client: the test `fuzz_corpus` of that crate runs its corpus.

use gladhand::telemetry::spool::examine;

/// Where the entries of a segment begin, and how long an entry's header is.
const HEAD: usize = 64;
const HEADER: usize = 80;
/// A segment with one entry.
const ONE: &[u8] = include_bytes!("../corpus/segment/one");

/// The segment as it is, and with its checksums put right: nobody finds what is behind them by chance.
pub fn segment(data: &[u8]) {
    contained(data);
    contained(&mended(data));
}

fn contained(data: &[u8]) {
    let (whole, _, damaged) = examine(data);
    assert!(whole * HEADER <= data.len() && damaged <= data.len());
    let mut longer = data.to_vec();
    longer.resize(data.len().max(HEAD).next_multiple_of(8) + 8, 0);
    longer.extend_from_slice(&ONE[HEAD..]);
    assert!(examine(&longer).0 > 0, "the damage hides an entry behind it");
}

/// Every header that can be told by its magic gets the checksums that its lengths ask for.
fn mended(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = HEAD;
    while let Some(found) = data.get(at..).and_then(|rest| rest.windows(4).position(|window| window == b"GHf1")) {
        let header = at + found;
        at = header + 4;
        let Some(lengths) = data.get(header + 64..header + HEADER) else { break };
        let part = |from: usize| u32::from_le_bytes(std::array::from_fn(|byte| lengths[from + byte])) as usize;
        let body = header + HEADER..header + HEADER + part(0) + part(4);
        if let Some(body) = data.get(body).map(crc32c::crc32c) {
            data[header + 72..header + 76].copy_from_slice(&body.to_le_bytes());
        }
        let sum = crc32c::crc32c(&data[header..header + 76]);
        data[header + 76..header + HEADER].copy_from_slice(&sum.to_le_bytes());
    }
    data
}
